from __future__ import annotations

import numpy as np
import pytest

from bedside.errors import VolumeRefused
from bedside.imaging.volume_checks import checked_affine, without_gaps


def tilted(degrees: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    affine = np.eye(4)
    affine[1, 2], affine[2, 2] = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return affine


class TestRightAngles:
    def test_may_be_missed_as_far_as_rounding_does(self) -> None:
        assert checked_affine(tilted(0.09), sheared=False) == []

    def test_missed_further_are_refused_or_noted(self) -> None:
        with pytest.raises(VolumeRefused, match=r"12\.0°"):
            checked_affine(tilted(12), sheared=False)
        assert checked_affine(tilted(12), sheared=True)[0][0] == "sheared"
        with pytest.raises(VolumeRefused, match=r"0\.2°"):
            checked_affine(tilted(0.2), sheared=False)

    def test_are_missed_by_axes_that_lie_in_one_plane(self) -> None:
        turns = np.radians([0, 120, 240])
        flat = np.eye(4)
        flat[:2, :3] = np.cos(turns), np.sin(turns)
        flat[2, 2] = 0
        with pytest.raises(VolumeRefused, match="one plane") as problem:
            checked_affine(flat, sheared=True)
        assert problem.value.code == "corrupt"

    def test_are_not_missed_by_almost_as_much(self) -> None:
        with pytest.raises(VolumeRefused) as problem:
            checked_affine(tilted(89), sheared=True)
        assert problem.value.code == "corrupt"


class TestPlaces:
    @pytest.mark.parametrize("size", [1e-4, 1e4, float("nan"), 0.0])
    def test_have_a_spacing_that_can_be(self, size: float) -> None:
        affine = np.diag([1, size, 1, 1]).astype(float)
        with pytest.raises(VolumeRefused):
            checked_affine(affine, sheared=True)

    @pytest.mark.parametrize("far", [1e6, float("inf"), float("nan")])
    def test_are_near(self, far: float) -> None:
        affine = np.eye(4)
        affine[0, 3] = far
        with pytest.raises(VolumeRefused):
            checked_affine(affine, sheared=True)


class TestGaps:
    def test_are_filled_with_the_lowest_value(self) -> None:
        values = np.arange(2000, dtype=np.float32)
        values[7] = np.nan
        values[0] = 5
        (note,) = without_gaps(values, 1)
        assert values[7] == 1
        assert note[0] == "not-a-number-replaced"

    def test_none_is_worth_no_word(self) -> None:
        assert without_gaps(np.zeros(3, dtype=np.float32), 0) == []

    def test_of_more_than_one_in_a_thousand_are_refused(self) -> None:
        values = np.full(2999, np.nan, dtype=np.float32)
        with pytest.raises(VolumeRefused, match="3 of 2999"):
            without_gaps(values, 3)
