"""The package in the wheel, measured again: on drawn heads, and on real ones where they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bedside.errors import InputRefused, VolumeRefused
from bedside.imaging.files import files_at
from bedside.imaging.measuring.agreement import overlap
from bedside.imaging.phantoms import Brightness
from bedside.imaging.volume_reading import read_volume
from bedside.lab.brain.golden_heads import GOLDEN_HEADS, MR_HEAD, GoldenHead
from bedside.lab.datasets.manifest import Dataset
from bedside.lab.evaluating.analysed import Segmenter
from bedside.lab.evaluating.evaluating import CaseResult, Wish, evaluate
from bedside.lab.evaluating.summary import summaries
from bedside.package.package import Package
from bedside.package.shipped.catalogue import shipped
from bedside.package.volumes import VolumeInput
from bedside.runtime.runner import Runner
from bedside.runtime.volume_gate import volume_limits
from bedside.runtime.volume_rows import read_row
from tools.ship_brain.figures import worded
from tools.ship_brain.heads import evaluation_heads

DARK_SKULL = Brightness((300.0, 20.0, 520.0, 380.0, 300.0, 560.0), 180.0)

HELD_OUT = (
    *(replace(head, seed=head.seed + 100) for head in GOLDEN_HEADS),
    GoldenHead("another contrast", (36, 44, 44), (5.0, 5.0, 5.0), 7, DARK_SKULL, stored="SRA"),
)
"""Drawn like the golden heads, and by other numbers; and one in a contrast that none of them has."""

LEAST_DRAWN = 0.9
"""Dice with all that lies within the bone: fluid and bone are dark alike in some contrasts."""

FLOORS = {
    ("colin27_T1", "mask.colin27-icv"): 0.96,
    ("MNI152_T1_2mm", "mask.mni152"): 0.955,
    ("avg152T2", "mask.mni152"): 0.96,
    ("avg152PD", "mask.mni152"): 0.95,
    ("MoAE_t1", "mask.bet"): 0.96,
}
"""Dice of real heads that the package must not fall below; its card has what it reached."""

ON_THE_CARD = 0.005
"""How far a mean may be from the card's."""


@pytest.fixture(scope="module")
def package() -> Package:
    found = shipped("brain-extraction")
    assert found is not None
    return found.package()


@pytest.fixture(scope="module")
def runner(package: Package) -> Iterator[Runner]:
    made = Runner(package)
    yield made
    made.close()


def declared_by(runner: Runner) -> VolumeInput:
    declared = runner.manifest.input
    assert isinstance(declared, VolumeInput)
    return declared


@pytest.mark.parametrize("head", HELD_OUT, ids=lambda head: str(head.note))
def test_finds_the_brain_of_a_drawn_head(runner: Runner, head: GoldenHead) -> None:
    volume, stated = read_row(head.row(), declared_by(runner))
    found = runner.analyse(volume, stated)
    assert found.labels is not None
    agreed = overlap(found.labels > 0, head.brain().values > 0)
    assert agreed.dice >= LEAST_DRAWN


@pytest.fixture(scope="module")
def results(
    package: Package, samples: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[CaseResult, ...]:
    """Every real head with a mask; each scan stored in another orientation as well."""
    into = tmp_path_factory.mktemp("evaluated") / "heads"
    heads = evaluation_heads(samples / "heads", None, "", into)
    masked = tuple(case for case in heads.cases if case.roles("mask"))
    chosen = Dataset(heads.manifest.model_copy(update={"cases": masked}), into)
    segmenter = Segmenter(package)
    try:
        return evaluate(segmenter, chosen, Wish(), (lambda *_: None, lambda *_: None))
    finally:
        segmenter.close()


@pytest.mark.slow
def test_no_real_head_falls_below_its_floor(results: tuple[CaseResult, ...]) -> None:
    found = {
        (result.case, one.reference): one.scores.dice
        for result in results
        for one in result.compared
    }
    below = {key: found.get(key) for key, floor in FLOORS.items() if found.get(key, 0) < floor}
    assert not below


@pytest.mark.slow
def test_the_card_has_the_figures_that_are_found_again(
    package: Package, results: tuple[CaseResult, ...]
) -> None:
    card = {
        (one.name, one.subgroup): one.value
        for one in package.manifest.evaluation.metrics
        if one.name.startswith("Dice")
    }
    again = [worded(one.metric(0)) for one in summaries(results) if one.measure == "dice"]
    assert len(again) >= len(FLOORS) - 1
    for one in again:
        assert card[one.name, one.subgroup] == pytest.approx(one.value, abs=ON_THE_CARD), one.name


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["CT_AVM.nii.gz", "CT_pitch.nii.gz", "Iguana.nii.gz", "ct_torso.nii.gz", "pcasl.nii.gz"]
)
def test_what_is_no_head_by_mr_is_refused_by_its_looks_too(
    runner: Runner, samples: Path, name: str
) -> None:
    limits = volume_limits(declared_by(runner))
    with pytest.raises((InputRefused, VolumeRefused)):
        runner.analyse(read_volume(files_at(samples / "negatives" / name), limits), MR_HEAD)


@pytest.mark.slow
def test_a_brain_without_its_skull_is_answered_with_a_flag(runner: Runner, samples: Path) -> None:
    limits = volume_limits(declared_by(runner))
    volume = read_volume(files_at(samples / "negatives" / "MR_Gd.nii.gz"), limits)
    found = runner.analyse(volume, MR_HEAD)
    assert "unlike-the-domain" in {one.code for one in found.flags}
    assert found.labels is not None
    assert np.count_nonzero(found.labels)
