"""A volume the whole way: from the gate to its measurements, with real windows and a real network."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bedside.errors import InputRefused, LimitExceeded, PackageRefused, UsageError
from bedside.imaging.axes import reoriented
from bedside.imaging.files import files_at
from bedside.imaging.grid import Placed
from bedside.imaging.phantoms import drawn_brain, drawn_head
from bedside.imaging.volume import Volume
from bedside.imaging.volume_reading import read_volume
from bedside.package import volume_growth
from bedside.package.outputs import NumberRange
from bedside.package.segmentation import MillilitreRange, SegmentationOutput
from bedside.package.volume_models import SlidingInference, WholeInference
from bedside.package.volume_operations import MinimumMaximum, Reorient, SubtractDivide, Transpose
from bedside.package.volumes import FieldOfView, MillimetreRange
from bedside.runtime.analysis import UNSTATED, Analysis
from bedside.runtime.engines.engine import Prepared, Scores
from bedside.runtime.progress import Progress, Report, silent
from bedside.runtime.runner import Runner, load
from bedside.runtime.sliding import slid
from bedside.runtime.volume_path import VolumePath
from tests.package.building import ROWS, Recipe
from tests.volume_packages import (
    A_NUMBER,
    BRIGHT,
    INPUT,
    MR_HEAD,
    OPERATIONS,
    THREE_SLIDING,
    TWO_WHOLE,
    Made,
    head,
    opened,
)

ANY_SIZE = Made(
    operations=(Reorient(axes="RAS"), MinimumMaximum()), inference=WholeInference(shape=None)
)


def analysed(made: Made = TWO_WHOLE, volume: Volume | None = None) -> Analysis:
    return Runner(opened(made)).analyse(head(3) if volume is None else volume, MR_HEAD)


class TestAnAnalysis:
    def test_lies_on_the_grid_of_the_volume_as_it_was_read(self) -> None:
        volume = drawn_head((40, 28, 30), (6.0, 8.0, 7.5), 2)
        found = analysed(volume=volume)
        assert found.labels is not None
        assert found.probability is not None
        assert found.labels.shape == found.probability.shape == volume.shape
        assert found.labels.dtype == np.uint8
        assert found.probability.dtype == np.float32
        assert (found.affine == volume.affine).all()

    def test_finds_the_brain_that_was_drawn(self) -> None:
        found = analysed()
        assert found.labels is not None
        brain = drawn_brain((32, 32, 32), (7.0, 7.5, 7.0), 3)
        assert (found.labels[brain] == 1).mean() > 0.9

    def test_tells_volumes_by_the_voxels_of_the_labels(self) -> None:
        found = analysed(THREE_SLIDING)
        assert found.labels is not None
        voxel = head().voxel_millilitres
        assert found.values["grey"] == pytest.approx((found.labels == 1).sum() * voxel)
        assert found.values["bright"] == pytest.approx((found.labels == 4).sum() * voxel)
        assert found.unit == "mL"

    def test_measures_what_is_declared_of_each_class(self) -> None:
        found = analysed(THREE_SLIDING)
        assert {
            name: [one.quantity for one in many] for name, many in found.measurements.items()
        } == {
            "grey": ["volume", "centre"],
            "bright": ["volume", "centre"],
        }

    def test_gives_a_number_where_the_model_gives_one(self) -> None:
        found = analysed(A_NUMBER)
        assert found.labels is None
        assert found.unit == "1"
        assert 0 < found.values["brightness"] < 1

    def test_says_how_long_each_stage_took(self) -> None:
        stages = ["gate", "prepare", "infer", "restore", "refine", "measure"]
        assert list(analysed().seconds) == stages

    def test_takes_any_size_where_the_network_does(self) -> None:
        assert analysed(ANY_SIZE, drawn_head((31, 33, 35), (7.0, 7.0, 6.5))).labels is not None


def test_axes_exchanged_for_the_network_come_back() -> None:
    turned = Made(operations=(*OPERATIONS, Transpose(order=(2, 0, 1))))
    plain, exchanged = analysed(), analysed(turned)
    assert plain.labels is not None
    assert exchanged.labels is not None
    assert np.array_equal(exchanged.labels, plain.labels)
    assert exchanged.probability == pytest.approx(plain.probability, abs=1e-5)


@pytest.mark.parametrize("code", ["LIA", "PSR", "ILP"])
@pytest.mark.parametrize("made", [TWO_WHOLE, THREE_SLIDING], ids=["two", "three"])
def test_however_a_volume_is_stored_it_gets_the_same_labels(made: Made, code: str) -> None:
    volume = head(3)
    other = reoriented(Placed.of(volume), code)
    stored = Volume(np.ascontiguousarray(other.values), np.array(other.affine), volume.facts)
    one, two = analysed(made, volume), analysed(made, stored)
    assert one.labels is not None
    assert two.labels is not None
    assert two.probability is not None
    back = reoriented(Placed(two.labels.astype(np.float32), two.affine), "RAS")
    assert (back.values == one.labels).all()
    back = reoriented(Placed(two.probability, two.affine), "RAS")
    assert (back.values == one.probability).all()


def test_one_image_stored_in_48_ways_gets_one_answer(samples: Path) -> None:
    wide = MillimetreRange(minimum=100.0, maximum=300.0)
    reach = FieldOfView(left_right=wide, back_front=wide, foot_head=wide)
    declared = INPUT.model_copy(update={"field_of_view": reach})
    output = BRIGHT.model_copy(
        update={"measurements": ("volume",)}
    )  # the others' 48 ways: measuring
    runner = Runner(opened(Made(declared=declared, output=output)))
    found = set()
    for path in sorted((samples / "orientation").glob("*.nii.gz")):
        analysis = runner.analyse(read_volume(files_at(path)), MR_HEAD)
        assert analysis.labels is not None
        assert analysis.probability is not None
        labels = Placed(analysis.labels.astype(np.float32), analysis.affine)
        probability = Placed(analysis.probability, analysis.affine)
        both = (reoriented(one, "RAS").values.tobytes() for one in (labels, probability))
        found.add((*both, round(analysis.values["bright"], 3)))
    assert len(found) == 1


def test_what_lies_on_the_left_stays_on_the_left() -> None:
    volume = head(3)
    values = volume.values.copy()
    values[16:] = np.minimum(values[16:], 150)  # bright tissue on the patient's left alone
    for code in ("RAS", "LPI"):
        other = reoriented(Placed(values, volume.affine), code)
        stored = Volume(np.ascontiguousarray(other.values), np.array(other.affine), volume.facts)
        centre = next(
            one
            for one in analysed(volume=stored).measurements["bright"]
            if one.quantity == "centre"
        )
        assert centre.parts[0] == "right"
        assert centre.values[0] < -15


class TestFlags:
    def test_nothing_found_is_flagged(self) -> None:
        nowhere = BRIGHT.model_copy(
            update={
                "threshold": BRIGHT.threshold
                and BRIGHT.threshold.model_copy(update={"value": 0.9999999})
            }
        )
        codes = [one.code for one in analysed(Made(output=nowhere)).flags]
        assert codes == ["implausible-volume", "mask-empty"]

    def test_what_reaches_the_edge_is_flagged(self) -> None:
        cropped = Volume(
            np.ascontiguousarray(head(3).values[:, :, :20]), np.array(head(3).affine), head().facts
        )
        assert "mask-touches-edge" in [one.code for one in analysed(volume=cropped).flags]

    def test_an_implausible_volume_is_flagged_with_its_numbers(self) -> None:
        bright = BRIGHT.classes[1].model_copy(
            update={"plausible": MillilitreRange(minimum=1.0, maximum=2.0)}
        )
        output = BRIGHT.model_copy(update={"classes": (BRIGHT.classes[0], bright)})
        (flag,) = analysed(Made(output=output)).flags
        assert flag.code == "implausible-volume"
        assert "a person has from 1 to 2 mL" in flag.detail

    def test_an_implausible_number_is_flagged_with_its_unit(self) -> None:
        said = {"plausible": NumberRange(minimum=2.0, maximum=90.0), "unit": "a"}
        made = dataclasses.replace(A_NUMBER, output=A_NUMBER.output.model_copy(update=said))
        (flag,) = analysed(made).flags
        assert flag.code == "implausible-value"
        assert "a person has from 2 to 90 a" in flag.detail


class Answering:
    """An engine that gives the same scores of anything."""

    def __init__(self, scores: float, channels: int = 1) -> None:
        self._scores, self._channels = np.float32(scores), channels

    def __call__(self, prepared: Prepared, report: Report) -> Scores:
        shape = (self._channels, *prepared.tensor.shape[1:])
        return np.full(shape, self._scores, dtype=np.float32)

    def close(self) -> None:
        """Nothing is held."""


class TestNumbersThatAreNone:
    def test_of_a_preprocessing_never_reach_the_network(self) -> None:
        tiny = SubtractDivide(subtract=0.0, divide=1.2e-38)
        path = VolumePath(INPUT, (Reorient(axes="RAS"), tiny), Answering(1.0), BRIGHT)
        with np.errstate(over="ignore"), pytest.raises(PackageRefused, match="gave the network"):
            path.analyse(head(), MR_HEAD, silent)

    @pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf])
    def test_of_any_engine_are_no_answer(self, score: float) -> None:
        path = VolumePath(INPUT, (Reorient(axes="RAS"),), Answering(score), BRIGHT)
        with pytest.raises(PackageRefused, match="no answer to show"):
            path.analyse(head(), MR_HEAD, silent)

    def test_that_windows_make_of_finite_scores_are_no_answer(self) -> None:
        windows = SlidingInference(patch=(16, 16, 16), overlap=0.5, weights="uniform")

        class Windowed(Answering):
            def __call__(self, prepared: Prepared, report: Report) -> Scores:
                return slid(prepared.tensor, windows, 1, lambda one, _: one * 0 + 3e38, report)

        path = VolumePath(INPUT, (Reorient(axes="RAS"),), Windowed(0.0), BRIGHT)
        with np.errstate(over="ignore"), pytest.raises(PackageRefused, match="no answer to show"):
            path.analyse(head(), MR_HEAD, silent)


def test_of_two_equally_large_regions_the_same_stays_however_a_volume_is_stored() -> None:
    class Twins:
        """Marks two pieces as large, to the left and to the right."""

        def __call__(self, prepared: Prepared, report: Report) -> Scores:
            scores: Scores = np.full_like(prepared.tensor, -9.0)
            scores[:, 8:10, 10:12, 10:12] = scores[:, 20:22, 10:12, 10:12] = 9.0
            return scores

        def close(self) -> None:
            """Nothing is held."""

    path = VolumePath(INPUT, (Reorient(axes="RAS"),), Twins(), BRIGHT)
    volume, found = head(), set()
    for code in ("RAS", "LAS", "SPR"):
        other = reoriented(Placed.of(volume), code)
        stored = Volume(np.ascontiguousarray(other.values), np.array(other.affine), volume.facts)
        analysis = path.analyse(stored, MR_HEAD, silent)
        assert analysis.labels is not None
        labels = Placed(analysis.labels.astype(np.float32), analysis.affine)
        found.add(tuple(np.argwhere(reoriented(labels, "RAS").values)[0].tolist()))
    assert found == {(8, 10, 10)}  # the left one


class TestProgress:
    def test_goes_through_the_stages_in_order(self) -> None:
        told: list[Progress] = []
        Runner(opened(THREE_SLIDING)).analyse(head(), MR_HEAD, told.append)
        stages = list(dict.fromkeys(one.stage for one in told))
        assert stages == ["gate", "prepare", "infer", "restore", "refine", "measure"]
        assert all(0 <= one.done <= one.total for one in told)

    @pytest.mark.parametrize("stage", ["gate", "prepare", "infer", "restore", "refine", "measure"])
    def test_whoever_is_told_may_end_it_at_each_stage(self, stage: str) -> None:
        class EnoughError(Exception):
            pass

        def report(progress: Progress) -> None:
            if progress.stage == stage:
                raise EnoughError

        runner = Runner(opened(THREE_SLIDING))
        with pytest.raises(EnoughError):
            runner.analyse(head(), MR_HEAD, report)
        assert runner.analyse(head(), MR_HEAD).labels is not None  # and nothing is left broken


class TestWhatIsRefused:
    def test_a_volume_outside_the_domain_never_reaches_the_network(self) -> None:
        flat = Volume(np.zeros((32, 32, 32), np.float32), np.array(head().affine), head().facts)
        told: list[Progress] = []
        with pytest.raises(InputRefused):
            Runner(opened()).analyse(flat, MR_HEAD, told.append)
        assert {one.stage for one in told} == {"gate"}

    def test_more_scores_than_an_answer_may_have(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(volume_growth, "MOST_SCORES", 24**3 - 1)
        with pytest.raises(
            LimitExceeded, match=r"1 score channel\(s\) of 24 × 24 × 24 voxels are 13824 scores"
        ):
            analysed()

    def test_a_row_by_a_model_of_volumes_and_a_volume_by_a_model_of_rows(self) -> None:
        with pytest.raises(UsageError, match="analyses volumes; it answers no rows"):
            load(opened()).predict([{"volume": ""}])
        with pytest.raises(UsageError, match="takes no volumes"):
            load(Recipe().package()).analyse(head(), UNSTATED)
        assert len(load(Recipe().package()).predict(list(ROWS))) == len(ROWS)


def test_the_small_packages_are_what_they_say() -> None:
    assert isinstance(opened(THREE_SLIDING).manifest.postprocessing, SegmentationOutput)
