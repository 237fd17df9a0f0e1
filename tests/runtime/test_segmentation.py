from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bedside.errors import PackageRefused
from bedside.imaging.grid import Grid
from bedside.package.outputs import Threshold
from bedside.package.segmentation import (
    FillHoles,
    KeepLabels,
    LargestRegion,
    RemoveSmall,
    SegmentationOutput,
    SegmentedClass,
)
from bedside.runtime.engines.engine import Scores
from bedside.runtime.progress import silent
from bedside.runtime.segmentation import Labels, WayBack, activated, refined, restored

CLASSES = (
    SegmentedClass(value=0, label="background"),
    SegmentedClass(value=2, label="grey"),
    SegmentedClass(value=5, label="white"),
)
THREE = SegmentationOutput(classes=CLASSES, activation="softmax", channels=3)
TWO = SegmentationOutput(
    classes=CLASSES[:2],
    activation="sigmoid",
    channels=1,
    threshold=Threshold(value=0.7, meaning={"en": "by hand"}),
)


def scores(channels: int, *sides: int, scale: float = 3.0) -> Scores:
    found: Scores = np.random.default_rng(1).normal(0, scale, (channels, *sides)).astype(np.float32)
    return found


class TestActivation:
    def test_softmax_is_the_formula(self) -> None:
        given = scores(3, 4, 5, 6)
        expected = np.exp(given.astype(np.float64))
        expected /= expected.sum(axis=0)
        assert activated(given.copy(), "softmax") == pytest.approx(expected, abs=1e-6)

    def test_sigmoid_is_the_formula(self) -> None:
        given = scores(1, 4, 5, 6)
        assert activated(given.copy(), "sigmoid") == pytest.approx(
            1 / (1 + np.exp(-given)), abs=1e-6
        )

    def test_huge_scores_overflow_nothing(self) -> None:
        huge = np.array([-1e4, 1e4, 3e38, -3e38], dtype=np.float32).reshape(1, 4, 1, 1)
        assert activated(huge.copy(), "sigmoid").ravel().tolist() == [0, 1, 1, 0]
        both = np.concatenate([huge, -huge])
        assert activated(both, "softmax")[0].ravel().tolist() == [0, 1, 1, 0]

    def test_none_lets_probabilities_through_and_rounding_with_them(self) -> None:
        given = np.array([0.0, 0.5, 1.000001], dtype=np.float32).reshape(1, 3, 1, 1)
        assert activated(given, "none").ravel().tolist() == [0, 0.5, 1]

    @pytest.mark.parametrize("value", [-0.1, 1.1])
    def test_none_refuses_what_is_no_probability(self, value: float) -> None:
        given = np.full((1, 2, 2, 2), value, dtype=np.float32)
        with pytest.raises(PackageRefused, match="where probabilities must be"):
            activated(given, "none")

    def test_what_may_not_be_written_to_is_left_alone(self) -> None:
        given = scores(1, 2, 2, 2)
        before = given.copy()
        given.flags.writeable = False
        activated(given, "sigmoid")
        assert (given == before).all()


class TestTheWayBack:
    def way(self, *sides: int) -> WayBack:
        i, j, k = sides
        return WayBack(np.eye(4), Grid((i, j, k), np.eye(4)))

    def test_to_the_same_grid_changes_no_bit(self) -> None:
        probability = activated(scores(1, 6, 5, 4), "sigmoid")
        found = restored(probability.copy(), self.way(6, 5, 4), TWO, silent)
        assert (found.probability == probability[0]).all()
        assert (found.labels == 2 * (probability[0] >= np.float32(0.7))).all()

    def test_gives_the_most_probable_class_by_its_value(self) -> None:
        probabilities = activated(scores(3, 6, 5, 4), "softmax")
        found = restored(probabilities.copy(), self.way(6, 5, 4), THREE, silent)
        values = np.array([0, 2, 5], dtype=np.uint8)
        assert (found.labels == values[probabilities.argmax(axis=0)]).all()
        assert found.probability == pytest.approx(1 - probabilities[0], abs=1e-6)

    def test_what_the_network_did_not_see_is_background(self) -> None:
        probabilities = np.zeros((3, 2, 2, 2), dtype=np.float32)
        probabilities[1] = 1
        found = restored(probabilities, self.way(5, 5, 5), THREE, silent)
        assert (found.labels[:2, :2, :2] == 2).all()
        assert found.labels.sum() == 16
        assert (found.probability[3:] == 0).all()

    def test_a_probability_at_the_threshold_is_of_the_class(self) -> None:
        line = np.float32(0.7)
        probabilities = np.array([np.nextafter(line, np.float32(0)), line], dtype=np.float32)
        found = restored(probabilities.reshape(1, 2, 1, 1), self.way(2, 1, 1), TWO, silent)
        assert found.labels.ravel().tolist() == [0, 2]

    @pytest.mark.parametrize(("antialias", "low", "high"), [(True, 0.4, 0.6), (False, 0.9, 1.0)])
    def test_onto_a_coarser_grid_it_is_smoothed_as_declared(
        self, antialias: bool, low: float, high: float
    ) -> None:
        stripes = np.zeros((1, 24, 6, 6), dtype=np.float32)
        stripes[0, ::2] = 1
        coarse = np.diag([4.0, 1.0, 1.0, 1.0])
        way = WayBack(np.eye(4), Grid((6, 6, 6), coarse), antialias)
        found = restored(stripes, way, TWO, silent)
        assert low <= found.probability[2:4].min() <= found.probability[2:4].max() <= high

    def test_two_channels_are_told_apart_by_the_threshold_of_the_second(self) -> None:
        output = TWO.model_copy(update={"activation": "softmax", "channels": 2})
        probabilities = np.stack([np.full((2, 2, 2), 0.35), np.full((2, 2, 2), 0.65)])
        found = restored(probabilities.astype(np.float32), self.way(2, 2, 2), output, silent)
        assert (found.labels == 0).all()
        assert found.probability[0, 0, 0] == np.float32(0.65)


def labels() -> Labels:
    """A shell of grey (2) around background, white (5) in two regions, on 12³."""
    found: Labels = np.zeros((12, 12, 12), dtype=np.uint8)
    found[1:8, 1:8, 1:8] = 2
    found[3:6, 3:6, 3:6] = 0
    found[4, 4, 4] = 5
    found[9:11, 9:11, 9:11] = 5
    return found


def after(*operations: Any, voxel: float = 0.001) -> Labels:
    return refined(labels(), THREE.model_copy(update={"operations": operations}), voxel, silent)


class TestRefinement:
    def test_keeps_the_largest_region_of_all_classes_together(self) -> None:
        found = after(LargestRegion(neighbours=6))
        assert (found == 2).sum() == 7**3 - 27
        assert not (found == 5).any()

    def test_keeps_the_largest_region_of_each_named_class(self) -> None:
        found = after(LargestRegion(labels=("white",)))
        assert (found == 5).sum() == 8
        assert found[4, 4, 4] == 0
        assert (found == 2).sum() == 7**3 - 27

    def test_fills_the_background_inside_a_class_and_no_other_class(self) -> None:
        found = after(FillHoles(label="grey"))
        assert (found == 2).sum() == 7**3 - 1
        assert found[4, 4, 4] == 5

    def test_removes_what_is_smaller_than_so_many_millilitres(self) -> None:
        found = after(RemoveSmall(label="white", least_millilitres=0.008))
        assert (found == 5).sum() == 8
        found = after(RemoveSmall(label="white", least_millilitres=0.0081))
        assert not (found == 5).any()

    def test_keeps_named_classes_alone(self) -> None:
        found = after(KeepLabels(labels=("white",)))
        assert set(np.unique(found).tolist()) == {0, 5}

    def test_is_done_in_the_declared_order(self) -> None:
        first = after(FillHoles(label="grey"), KeepLabels(labels=("grey",)))
        second = after(KeepLabels(labels=("grey",)), FillHoles(label="grey"))
        assert first.sum() < second.sum()  # the white voxel inside is a hole only afterwards
