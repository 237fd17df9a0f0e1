"""A function of the library as a package: frozen, gated, released, analysed, recorded, drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bedside.canonical import Json
from bedside.errors import ConditionsNotMet, InputRefused, UsageError, VolumeRefused
from bedside.freezing.antspynet import Chosen, freeze_antspynet
from bedside.freezing.freeze import FrozenModel
from bedside.freezing.volumes.spec import VolumeSpec
from bedside.imaging.files import files_at
from bedside.imaging.volume_reading import read_volume
from bedside.jobs.job import State
from bedside.keys.signing import SigningKey
from bedside.package.antspynet import AntspynetModel
from bedside.package.package import open_package
from bedside.runtime.analysis import Stated
from bedside.runtime.engines.engine import Engines
from bedside.runtime.runner import Runner, load
from bedside.serving.analysis_words import Order
from bedside.site.settings import SETTINGS_FILE
from bedside.site.site import Site
from tests import bedside_site
from tests.antspynet.conftest import HEAD
from tests.antspynet.made_weights import MIDDLE
from tests.freezing.volumes.building import TWO_CLASSES, volume_spec
from tests.serving.volumes import finished

MR_HEAD = Stated("MR", "HEAD")
PROBABILITY: Json = {
    "kind": "segmentation",
    "classes": TWO_CLASSES,
    "activation": "none",
    "channels": 1,
    "threshold": {"value": 0.5, "meaning": {"en": "as likely as not"}},
    "operations": [{"op": "largest_region"}],
    "measurements": ["volume", "extents", "centre"],
}

pytestmark = pytest.mark.timeout(3_000)


def spec(**changes: Json) -> VolumeSpec:
    return volume_spec(**{"preprocessing": [], "output": PROBABILITY, **changes})


@pytest.fixture(scope="session")
def engines(weights: Path, python: Path) -> Engines:
    return Engines(weights, python)


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey.new()


@pytest.fixture(scope="session")
def frozen(engines: Engines, key: SigningKey) -> FrozenModel:
    return freeze_antspynet(
        Chosen("brain_extraction", {"modality": "t1"}, engines), spec(), key=key
    )


def test_the_package_names_every_file_by_its_digest_and_holds_none(frozen: FrozenModel) -> None:
    model = frozen.package.manifest.model
    assert isinstance(model, AntspynetModel)
    assert sorted(model.weights) == ["S_template3.nii.gz", "brainExtractionRobustT1.h5"]
    assert sorted(frozen.package.entries) == ["golden.json"]
    assert len(frozen.archive) < 200_000


def test_two_answers_were_the_same(frozen: FrozenModel) -> None:
    assert (frozen.report.rows, frozen.report.largest) == (1, 0.0)


def test_a_machine_without_the_weights_says_which_and_where_from(
    frozen: FrozenModel, tmp_path: Path, python: Path
) -> None:
    with pytest.raises(ConditionsNotMet) as refused:
        load(frozen.package, Engines(tmp_path, python))
    assert "S_template3.nii.gz" in refused.value.message
    assert "made by a test" in refused.value.message


def test_weights_that_were_changed_do_not_answer(
    frozen: FrozenModel, weights: Path, tmp_path: Path, python: Path
) -> None:
    for name in ("S_template3.nii.gz", "brainExtractionRobustT1.h5"):
        data = bytearray((weights / name).read_bytes())
        data[-1] ^= name.endswith(".h5")
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ConditionsNotMet, match=r"brainExtractionRobustT1\.h5.*another file"):
        load(frozen.package, Engines(tmp_path, python))


@pytest.mark.parametrize("output", ["softmax", "number"])
def test_an_output_that_is_not_the_functions_is_refused(engines: Engines, output: str) -> None:
    changed: Json = {**PROBABILITY, "activation": "sigmoid"}
    if output == "number":
        changed = {"kind": "number", "name": "age", "unit": "a"}
    with pytest.raises(UsageError, match="brain_extraction gives"):
        freeze_antspynet(
            Chosen("brain_extraction", {"modality": "t1"}, engines), spec(output=changed)
        )


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("negatives/pcasl.nii.gz", MR_HEAD),
        ("negatives/ct_torso.nii.gz", Stated("CT", "ABDOMEN")),
        ("films/chest_MONOCHROME1.dcm", MR_HEAD),
    ],
    ids=["four dimensions", "a torso", "a film"],
)
def test_what_is_no_head_is_refused_before_the_library_sees_it(
    frozen: FrozenModel, engines: Engines, samples: Path, name: str, stated: Stated
) -> None:
    runner = Runner(frozen.package, engines)
    with pytest.raises((InputRefused, VolumeRefused)):
        runner.analyse(read_volume(files_at(samples / name)), stated)


def test_a_site_releases_it_analyses_a_real_head_and_records_it(
    frozen: FrozenModel, key: SigningKey, engines: Engines, samples: Path, tmp_path: Path
) -> None:
    built = bedside_site.build(tmp_path / "site")
    built.site.close()
    with (tmp_path / "site" / SETTINGS_FILE).open("a") as settings:
        settings.write(f'\n[jobs]\nweights = "{engines.weights}"\n')
        settings.write(f'antspynet_python = "{engines.python}"\n')
        settings.write('lease_seconds = 300\npriority = "normal"\n')
    hospital = replace(built, site=Site.open(tmp_path / "site"))
    site, people = hospital.site, hospital.people
    site.registry.trust_key(people["administrator"].caller, key.public, "the author")
    record = site.registry.add(people["developer"].caller, frozen.archive)
    site.registry.verify(people["developer"].caller, record.ref)
    hospital.approve(record.ref)
    site.registry.release(people["operator"].caller, record.ref, "it is needed")
    clinician = people["clinician"].caller
    loaded = site.serving.models.fetch(open_package(frozen.archive).manifest.name)
    with site.analysing.submitting.receiving(clinician) as received:
        received.begin("head.nii.gz")
        received.add((samples / HEAD).read_bytes())
        received.end()
        order = Order(modality="MR", body_part="HEAD")
        job, _ = site.analysing.submit(clinician, loaded, order, received)
    site.analysing.runner.start()
    try:
        over = finished(site, job.id, 900)
    finally:
        site.analysing.runner.stop()
    told = site.analysing.told(clinician, job.id)
    assert over.state is State.DONE, told.outcome
    _, picture = site.analysing.result(clinician, job.id, "picture.png")
    assert b"".join(picture).startswith(b"\x89PNG")
    body = site.ledger.entry_of(job.id).value["body"]
    assert (body["model"], body["package"]) == ("tiny-brain", frozen.package.digest)
    assert told.outcome is not None
    values = read_volume(files_at(samples / HEAD)).values
    bright = np.count_nonzero(values > MIDDLE * values.max()) * 0.008  # 2 mm voxels, in mL
    assert 0.6 * bright < told.outcome.answer["values"]["brain"] < bright
    site.close()
