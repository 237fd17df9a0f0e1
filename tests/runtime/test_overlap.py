"""A predicted overlap, from a real package's declaration to its measurement and flag."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bedside.imaging.axes import reoriented
from bedside.imaging.grid import Grid, Placed
from bedside.imaging.volume import Volume
from bedside.package.predicted_overlap import OverlapTerm, PredictedOverlap
from bedside.runtime.analysis import Analysis
from bedside.runtime.analysis_files import measurements_of
from bedside.runtime.overlap import shown, weighed
from bedside.runtime.runner import Runner
from bedside.serving.analysis_child import answer_told
from tests.package.overlaps import calibration
from tests.volume_packages import BRIGHT, MR_HEAD, Made, head, opened

TERMS = (
    OverlapTerm(doubt="expected-error", scale=0.05, weight=1.0),
    OverlapTerm(doubt="border", scale=0.02, weight=1.0),
    OverlapTerm(doubt="odd", scale=0.3, weight=0.3),
)


def declared(flag_below: float = 0.5) -> PredictedOverlap:
    return PredictedOverlap(
        intercept=4.0, terms=TERMS, flag_below=flag_below, calibration=calibration()
    )


@pytest.fixture(scope="module")
def runner() -> Runner:
    output = BRIGHT.model_copy(update={"predicted_overlap": declared()})
    return Runner(opened(Made(output=output)))


def analysed(runner: Runner, volume: Volume) -> Analysis:
    return runner.analyse(volume, MR_HEAD)


def overlap(runner: Runner, volume: Volume) -> float:
    found = analysed(runner, volume).predicted_overlap
    assert found is not None
    return found


def cut(volume: Volume, planes: int) -> Volume:
    """The volume without so many planes at the top."""
    values = np.ascontiguousarray(volume.values[:, :, : volume.shape[2] - planes])
    return Volume(values, np.array(volume.affine), volume.facts)


class TestWeighing:
    def test_takes_each_doubt_from_the_logit(self) -> None:
        found = {"expected-error": 0.05, "border": 0.0, "odd": 0.3}
        logit = 4.0 - np.log(2.0) - 0.3 * np.log(2.0)
        assert weighed(declared(), found) == pytest.approx(1 / (1 + np.exp(-logit)))

    def test_is_0_of_nothing(self) -> None:
        assert weighed(declared(), {}) == 0.0

    def test_has_no_overflow(self) -> None:
        heavy = OverlapTerm(doubt="odd", scale=1e-6, weight=1e3)
        made = declared().model_copy(update={"terms": (heavy,)})
        assert 0.0 <= weighed(made, {"odd": 1e6}) < 1e-9


class TestTheFieldOfView:
    def test_is_what_the_volumes_voxels_cover(self) -> None:
        field = Grid((10, 10, 10), np.diag([2.0, 2.0, 2.0, 1.0]))
        fine = Grid(
            (30, 10, 10), np.array([[1.0, 0, 0, -3], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])
        )
        seen = shown(fine, field)[:, 5, 5]
        places = np.arange(30) - 3.0
        assert (seen == ((places >= -1) & (places <= 19))).all()

    def test_of_its_own_grid_is_all_of_it(self) -> None:
        field = Grid((4, 5, 6), np.diag([3.0, 1.0, 2.0, 1.0]))
        assert shown(field, field).all()


class TestAnAnalysis:
    def test_has_the_predicted_overlap_as_a_measurement(self, runner: Runner) -> None:
        found = analysed(runner, head(3))
        told = measurements_of(found, runner.manifest)
        (one,) = (each for each in told["classes"][0]["measurements"] if "dice" in each["quantity"])
        assert one["value"] == pytest.approx(found.predicted_overlap, abs=1e-4)
        assert (one["quantity"], one["unit"], one["version"]) == ("predicted-dice", "1", 1)
        assert answer_told(found)["predicted_overlap"] == found.predicted_overlap

    def test_of_a_package_that_declares_none_has_none(self) -> None:
        found = Runner(opened(Made())).analyse(head(3), MR_HEAD)
        assert found.predicted_overlap is None
        assert "predicted_overlap" not in answer_told(found)

    def test_predicts_the_same_however_the_volume_is_stored(self, runner: Runner) -> None:
        volume = head(4)
        stored = reoriented(Placed.of(volume), "PIL")
        other = Volume(np.ascontiguousarray(stored.values), np.array(stored.affine), volume.facts)
        assert overlap(runner, other) == overlap(runner, volume)

    def test_predicts_less_the_more_is_cut_off(self, runner: Runner) -> None:
        values = [overlap(runner, cut(head(5), planes)) for planes in (0, 6, 9, 12)]
        assert values == sorted(values, reverse=True)
        assert values[-1] < values[0] - 0.02

    def test_predicts_less_with_a_lump_in_it(self, runner: Runner) -> None:
        volume = head(6)
        holed = volume.values.copy()
        holed[17:22, 13:18, 15:20] = 0
        made = Volume(holed, np.array(volume.affine), volume.facts)
        assert overlap(runner, made) < overlap(runner, volume)

    def test_is_flagged_below_the_limit_alone(self, runner: Runner) -> None:
        plain = analysed(runner, head(7))
        assert "low-predicted-overlap" not in {one.code for one in plain.flags}
        strict = BRIGHT.model_copy(update={"predicted_overlap": declared(flag_below=0.999)})
        made = dataclasses.replace(Made(), output=strict)
        found = Runner(opened(made)).analyse(head(7), MR_HEAD)
        (flag,) = (one for one in found.flags if one.code == "low-predicted-overlap")
        assert "below 0.999" in flag.detail

    def test_that_found_nothing_predicts_nothing_of_it(self) -> None:
        threshold = BRIGHT.threshold
        assert threshold is not None
        nowhere = BRIGHT.model_copy(
            update={
                "predicted_overlap": declared(),
                "threshold": threshold.model_copy(update={"value": 0.9999999}),
            }
        )
        found = Runner(opened(Made(output=nowhere))).analyse(head(3), MR_HEAD)
        assert found.predicted_overlap == 0.0
        assert {"mask-empty", "low-predicted-overlap"} <= {one.code for one in found.flags}
