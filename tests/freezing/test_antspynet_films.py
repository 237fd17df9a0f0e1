"""A finding of ANTsPyNet's chexnet as a package for films; the library's place is taken by a child
that finds more the brighter a film gets."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from bedside.canonical import Json
from bedside.errors import ConditionsNotMet, InputRefused, PackageDamaged, UsageError
from bedside.freezing.antspynet import Chosen, chosen_of, freeze_antspynet, library_model
from bedside.freezing.antspynet_films import freeze_films
from bedside.freezing.circumstances import Circumstances
from bedside.freezing.freeze import FrozenModel
from bedside.freezing.spec import Spec
from bedside.keys.signing import SigningKey
from bedside.package.antspynet import AntspynetModel
from bedside.package.consistency import check_manifest
from bedside.runtime.engines.antspynet import process
from bedside.runtime.engines.antspynet.films import FilmLibrary
from bedside.runtime.engines.antspynet.functions import FINDINGS, Parameter, asked, files_of
from bedside.runtime.engines.antspynet.weights import WeightFile, digest_of, write_record
from bedside.runtime.engines.engine import Engines
from bedside.runtime.runner import load
from bedside.serving.values import Row
from bedside.site.settings import SETTINGS_FILE
from bedside.site.site import Site
from tests import bedside_site
from tests.freezing.films import film, film_spec, folder, png
from tests.freezing.volumes.building import WHEN, volume_spec
from tests.runtime.engines.antspynet import stand_in

OUTPUT: Json = {
    "kind": "binary",
    "classes": [{"label": "large heart"}, {"label": "no large heart"}],
    "positive": "large heart",
    "threshold": {"value": 0.68, "meaning": {"en": "for tests"}},
}
BY = Circumstances(None, WHEN)


def spec(**changes: Json) -> Spec:
    window: Json = [{"op": "full_range"}]
    return film_spec(**{"preprocessing": window, "network": None, "output": OUTPUT, **changes})


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Engines:
    weights = tmp_path_factory.mktemp("weights")
    for name in files_of(asked("chexnet", {})).names:
        (weights / name).write_bytes(name.encode())
    files = [
        WeightFile(one.name, one.stat().st_size, digest_of(one), "https://example.org")
        for one in weights.iterdir()
    ]
    write_record(weights, files)
    return Engines(weights)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("films"), 8)


@pytest.fixture(autouse=True)
def _no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START", Path(stand_in.__file__))


@pytest.fixture
def chosen(engines: Engines) -> Chosen:
    return chosen_of("chexnet", {}, engines, finding="Cardiomegaly")


@pytest.fixture(scope="module")
def frozen(engines: Engines, pictures: Path) -> FrozenModel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "START", Path(stand_in.__file__))
        chosen = chosen_of("chexnet", {}, engines, finding="Cardiomegaly")
        return freeze_films(chosen, pictures, spec(), BY)


def row(number: int) -> dict[str, Json]:
    return {"image": base64.b64encode(png(number)).decode("ascii")}


def test_the_package_answers_one_finding_from_another_process(
    frozen: FrozenModel, engines: Engines
) -> None:
    model = frozen.package.manifest.model
    assert isinstance(model, AntspynetModel)
    assert model.finding == "Cardiomegaly"
    assert sorted(frozen.package.entries) == ["golden.json"]
    assert frozen.report.largest == 0
    runner = load(frozen.package, engines)
    plain, spot = runner.predict([row(30), row(31)])
    assert (plain.label, spot.label) == ("no large heart", "large heart")
    assert spot.scores["large heart"] == pytest.approx(film(31).max() / 255, abs=1e-6)
    assert sum(spot.scores.values()) == pytest.approx(1)
    with pytest.raises(InputRefused, match="modality"):
        runner.predict([{**row(31), "modality": "MR"}])
    runner.close()


def test_a_site_answers_it_behind_its_gate_and_records_it(
    engines: Engines, pictures: Path, tmp_path: Path
) -> None:
    key = SigningKey.new()
    chosen = chosen_of("chexnet", {}, engines, finding="Mass")
    frozen = freeze_films(chosen, pictures, spec(), Circumstances(key, WHEN))
    built = bedside_site.build(tmp_path / "site")
    built.site.close()
    with (tmp_path / "site" / SETTINGS_FILE).open("a") as settings:
        settings.write(f'\n[jobs]\nweights = "{engines.weights}"\n')
    hospital = replace(built, site=Site.open(tmp_path / "site"))
    site, people = hospital.site, hospital.people
    site.registry.trust_key(people["administrator"].caller, key.public, "the author")
    record = site.registry.add(people["developer"].caller, frozen.archive)
    site.registry.verify(people["developer"].caller, record.ref)
    hospital.approve(record.ref)
    site.registry.release(people["operator"].caller, record.ref, "it is needed")
    clinician, name = people["clinician"].caller, frozen.package.manifest.name
    (answer,) = site.serving.predict_now(clinician, name, (Row(row(31)),))
    assert answer.label == "large heart"
    assert site.ledger.entry(answer.index).value["body"]["package"] == frozen.package.digest
    with pytest.raises(InputRefused, match="modality"):
        site.serving.predict_now(clinician, name, (Row({**row(31), "modality": "MR"}),))
    site.close()


def test_a_film_is_given_to_the_library_columns_first(chosen: Chosen, engines: Engines) -> None:
    """The stand-in's first finding is how long the first axis was that it was given."""
    model = library_model(replace(chosen, finding=FINDINGS[0]))
    output = spec().output
    library = FilmLibrary(model, engines, output, 1)
    for rows, columns in ((3, 5), (7, 2)):
        (scores,) = library(np.zeros((1, 1, rows, columns), np.float32))
        assert scores[0] == columns
    library.close()


def test_a_machine_without_its_weights_says_so(frozen: FrozenModel, tmp_path: Path) -> None:
    with pytest.raises(ConditionsNotMet, match=r"xray|chexnet"):
        load(frozen.package, Engines(tmp_path))


@pytest.mark.parametrize(
    ("finding", "changes", "words"),
    [
        ("Gout", {}, "finds no 'Gout'.*Cardiomegaly"),
        (None, {}, "finds no None"),
        ("Tuberculosis", {}, "finds no 'Tuberculosis'"),
        ("Mass", {"output": {"kind": "number", "name": "p", "unit": "1"}}, "one finding"),
        ("Mass", {"network": {"gives": "logit"}}, "itself"),
        (
            "Mass",
            {"preprocessing": [{"op": "full_range"}, {"op": "crop_square"}]},
            "one window",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_does_not_fit_is_refused_before_anything_starts(
    chosen: Chosen, pictures: Path, finding: str | None, changes: dict[str, Json], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        freeze_films(replace(chosen, finding=finding), pictures, spec(**changes), BY)


def test_films_are_no_heads_and_heads_no_films(
    chosen: Chosen, engines: Engines, pictures: Path
) -> None:
    with pytest.raises(UsageError, match="reads films"):
        freeze_antspynet(chosen, volume_spec(preprocessing=[]))
    with pytest.raises(UsageError, match="reads no films"):
        freeze_films(chosen_of("brain_age", {}, engines), pictures, spec(), BY)


def test_two_images_of_one_head_are_refused_with_advice(engines: Engines) -> None:
    with pytest.raises(UsageError, match=r"two images.*sysu_media_wmh_segmentation"):
        chosen_of("wmh_segmentation", {}, engines)
    infant: dict[str, Parameter] = {"modality": "t1t2infant"}
    with pytest.raises(UsageError, match=r"T1 and T2.*t1infant"):
        freeze_antspynet(Chosen("brain_extraction", infant, engines), volume_spec())


@pytest.mark.parametrize(
    "changes",
    [
        {"function": "brain_age"},
        {"finding": None},
        {"finding": "no finding"},
        {"steadied": {"outliers": True, "upright": False}},
    ],
    ids=str,
)
def test_a_manifest_names_a_finding_of_a_film_and_of_nothing_else(
    frozen: FrozenModel, changes: dict[str, Json]
) -> None:
    model = frozen.package.manifest.model.model_dump(mode="json")
    with pytest.raises(ValidationError):
        AntspynetModel.model_validate({**model, **changes})


def test_a_manifest_that_does_not_fit_together_is_refused(
    frozen: FrozenModel, engines: Engines
) -> None:
    manifest = frozen.package.manifest
    two = (*manifest.preprocessing, *film_spec().preprocessing[1:2])
    with pytest.raises(PackageDamaged, match="one window"):
        check_manifest(manifest.model_copy(update={"preprocessing": two}))
    assert isinstance(manifest.model, AntspynetModel)
    head = manifest.model.model_copy(update={"function": "brain_age", "finding": None})
    with pytest.raises(PackageDamaged, match="takes volumes"):
        check_manifest(manifest.model_copy(update={"model": head}))
    unknown = manifest.model.model_copy(update={"finding": "Gout"})
    changed = replace(frozen.package, manifest=manifest.model_copy(update={"model": unknown}))
    with pytest.raises(PackageDamaged, match=FINDINGS[0]):
        load(changed, engines)
