"""chexnet as a package: a finding of a film, by the real library, gated, released and recorded."""

from __future__ import annotations

import base64
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bedside.canonical import Json
from bedside.errors import InputRefused
from bedside.freezing.antspynet import chosen_of, library_model
from bedside.freezing.antspynet_films import freeze_films
from bedside.freezing.circumstances import Circumstances
from bedside.keys.signing import SigningKey
from bedside.runtime.engines.antspynet.films import FilmLibrary
from bedside.runtime.engines.engine import Engines
from bedside.serving.values import Row
from bedside.site.settings import SETTINGS_FILE
from bedside.site.site import Site
from tests import bedside_site
from tests.freezing.films import IMAGE, film, film_spec, folder, png

PARAMETERS = {"include_tuberculosis_diagnosis": True}
COUNT = 4
"""Fewer than are mixed: each answer takes a second, and mixing is tested without the library."""

DOMAIN = {name: value for name, value in IMAGE.items() if name != "likeness"}

pytestmark = [
    pytest.mark.timeout(3_000),
    pytest.mark.skipif(
        not os.environ.get("BEDSIDE_ANTSPYNET_LONG"),
        reason="many minutes of the real chexnet: BEDSIDE_ANTSPYNET_LONG=1 lets it run",
    ),
]


def output(threshold: float) -> Json:
    return {
        "kind": "binary",
        "classes": [{"label": "none"}, {"label": "found"}],
        "positive": "found",
        "threshold": {"value": threshold, "meaning": {"en": "the middle of what was found"}},
    }


def row(number: int) -> dict[str, Json]:
    return {"image": base64.b64encode(png(number)).decode("ascii"), "modality": "DX"}


def test_a_site_answers_a_film_and_records_it(weights: Path, python: Path, tmp_path: Path) -> None:
    """The made network knows nothing: its answers are what they are, the same at every step."""
    engines, key = Engines(weights, python), SigningKey.new()
    chosen = chosen_of("chexnet", PARAMETERS, engines, finding="Cardiomegaly")
    pictures = folder(tmp_path / "films", COUNT)
    asked = film_spec(output=output(0.5), network=None, preprocessing=[{"op": "full_range"}])
    library = FilmLibrary(library_model(chosen), engines, asked.output, 1)
    units = [(film(number) / 255).astype(np.float32) for number in range(COUNT)]
    found = [float(library(one[np.newaxis, np.newaxis])[0, 1]) for one in units]
    library.close()
    spec = film_spec(
        image=DOMAIN,
        preprocessing=[{"op": "full_range"}],
        network=None,
        output=output(float(np.median(found))),
        golden={"cases": 4, "from_real_rows": True},
    )
    frozen = freeze_films(chosen, pictures, spec, Circumstances(key))
    assert frozen.report.largest == 0
    built = bedside_site.build(tmp_path / "site")
    built.site.close()
    with (tmp_path / "site" / SETTINGS_FILE).open("a") as settings:
        settings.write(f'\n[jobs]\nweights = "{weights}"\nantspynet_python = "{python}"\n')
        settings.write('priority = "normal"\n')
    hospital = replace(built, site=Site.open(tmp_path / "site"))
    site, people = hospital.site, hospital.people
    site.registry.trust_key(people["administrator"].caller, key.public, "the author")
    record = site.registry.add(people["developer"].caller, frozen.archive)
    site.registry.verify(people["developer"].caller, record.ref)
    hospital.approve(record.ref)
    site.registry.release(people["operator"].caller, record.ref, "it is needed")
    clinician, name = people["clinician"].caller, frozen.package.manifest.name
    answers = site.serving.predict_now(clinician, name, tuple(Row(row(n)) for n in range(2)))
    assert [one.scores["found"] for one in answers] == pytest.approx(found[:2], abs=1e-5)
    body = site.ledger.entry(answers[0].index).value["body"]
    assert body["package"] == frozen.package.digest
    with pytest.raises(InputRefused, match="modality"):
        site.serving.predict_now(clinician, name, (Row({**row(0), "modality": "MR"}),))
    site.close()
