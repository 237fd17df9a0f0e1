"""Freezing a function of ANTsPyNet; the library's place is taken by a child that answers brightness."""

from __future__ import annotations

from pathlib import Path

import pytest

from bedside.canonical import Json
from bedside.errors import NotFound, UsageError
from bedside.freezing.antspynet import Chosen, freeze_antspynet
from bedside.freezing.volumes.spec import VolumeSpec
from bedside.imaging.phantoms import drawn_head
from bedside.package.antspynet import AntspynetModel, Steadied
from bedside.runtime.analysis import Stated
from bedside.runtime.engines.antspynet import engine as antspynet_engine
from bedside.runtime.engines.antspynet import process
from bedside.runtime.engines.antspynet.functions import Parameter
from bedside.runtime.engines.antspynet.weights import WeightFile, digest_of, write_record
from bedside.runtime.engines.engine import Engines
from bedside.runtime.runner import load
from tests.freezing.volumes.building import TWO_CLASSES, WHEN, volume_spec
from tests.runtime.engines.antspynet import stand_in

PROBABILITY: Json = {
    "kind": "segmentation",
    "classes": TWO_CLASSES,
    "activation": "none",
    "channels": 1,
    "threshold": {"value": 0.5, "meaning": {"en": "as likely as not"}},
    "measurements": ["volume"],
}


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Chosen:
    monkeypatch.setattr(process, "START", Path(stand_in.__file__))
    for name in ("S_template3.nii.gz", "brainExtractionRobustT1.h5"):
        (tmp_path / name).write_bytes(name.encode())
    files = [
        WeightFile(one.name, one.stat().st_size, digest_of(one), "https://example.org")
        for one in tmp_path.iterdir()
    ]
    write_record(tmp_path, files)
    return Chosen("brain_extraction", {"modality": "t1"}, Engines(tmp_path))


def spec(**changes: Json) -> VolumeSpec:
    return volume_spec(**{"preprocessing": [], "output": PROBABILITY, **changes})


def test_the_package_answers_from_another_process_as_it_was_frozen(chosen: Chosen) -> None:
    made = freeze_antspynet(chosen, spec(), frozen_at=WHEN)
    manifest = made.package.manifest
    assert isinstance(manifest.model, AntspynetModel)
    assert manifest.lineage.algorithm == "antspynet.brain_extraction"
    assert manifest.conditions.verified_with["antspynet"] == "0.3.2"
    assert made.report.largest == 0
    runner = load(made.package, chosen.engines)
    found = runner.analyse(drawn_head(seed=5), Stated("MR", "HEAD"))
    assert found.values["brain"] > 100
    runner.close()


def test_equal_arguments_give_equal_bytes(chosen: Chosen) -> None:
    one, other = (freeze_antspynet(chosen, spec(), frozen_at=WHEN) for _ in range(2))
    assert one.archive == other.archive


def test_a_child_that_ended_by_itself_is_started_again(
    monkeypatch: pytest.MonkeyPatch, chosen: Chosen
) -> None:
    monkeypatch.setattr(antspynet_engine, "IDLE_SECONDS", 0)
    assert freeze_antspynet(chosen, spec(), frozen_at=WHEN).report.largest == 0


def test_without_setting_heads_upright_the_template_is_not_needed(chosen: Chosen) -> None:
    plain = Chosen("brain_extraction", {"modality": "t1"}, chosen.engines, Steadied(upright=False))
    model = freeze_antspynet(plain, spec(), frozen_at=WHEN).package.manifest.model
    assert isinstance(model, AntspynetModel)
    assert not model.steadied.upright
    assert "S_template3.nii.gz" in model.weights  # this function aligns with it in any case


@pytest.mark.parametrize(
    ("function", "parameters", "changes", "words"),
    [
        ("brain_extraction", {"modality": "t3"}, {}, "modality is 't3'"),
        ("brain_extraction", {"modality": "t1lobes"}, {}, "gives 6 probabilities"),
        ("brain_extraction", {}, {"output": {**PROBABILITY, "activation": "sigmoid"}}, "gives 1"),
        ("brain_age", {}, {}, "gives a number"),
        ("brain_extraction", {}, {"preprocessing": [{"op": "minimum_maximum"}]}, "itself"),
        ("cortical_thickness", {}, {}, "not offered"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_does_not_fit_is_refused_before_anything_starts(
    chosen: Chosen,
    function: str,
    parameters: dict[str, Parameter],
    changes: dict[str, Json],
    words: str,
) -> None:
    with pytest.raises(UsageError, match=words):
        freeze_antspynet(Chosen(function, parameters, chosen.engines), spec(**changes))


def test_a_file_that_was_never_fetched_is_named(chosen: Chosen) -> None:
    with pytest.raises(NotFound, match=r"brainExtractionRobustT2\.h5"):
        freeze_antspynet(Chosen("brain_extraction", {"modality": "t2"}, chosen.engines), spec())
