from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings

from bedside.errors import LimitExceeded, UsageError
from bedside.imaging.grid import Grid, Placed
from bedside.imaging.volume import Volume, VolumeFacts
from tests.imaging.placing import CODE, SIDES, STEPS, affine_of, grid, noise


class TestAGrid:
    def test_says_its_size_in_voxels_and_in_millimetres(self) -> None:
        one = grid((4, 5, 6), (1.0, 2.0, 0.5), "LIA", tilt=20)
        assert one.voxels == 120
        assert one.shape == (4, 6, 5)
        assert one.spacing == pytest.approx((1.0, 0.5, 2.0))
        assert one.extent == pytest.approx((4.0, 3.0, 10.0))

    def test_has_its_centre_in_the_middle_of_its_corners(self) -> None:
        one = grid((4, 5, 6), (1.0, 2.0, 0.5), tilt=20)
        assert one.centre == pytest.approx(tuple(one.corners.mean(axis=0)))

    def test_is_refused_when_it_has_more_voxels_than_a_volume_may(self) -> None:
        with pytest.raises(LimitExceeded, match="2048 × 2048 × 17"):
            Grid((2048, 2048, 17), np.eye(4))

    @pytest.mark.parametrize("shape", [(0, 1, 1), (3, -1, 2)])
    def test_is_refused_without_a_size(self, shape: tuple[int, int, int]) -> None:
        with pytest.raises(UsageError, match="no size"):
            Grid(shape, np.eye(4))

    @pytest.mark.parametrize(
        "columns", [(1.0, 0.0, 1.0), (1.0, np.nan, 1.0), (0.0, 0.0, 0.0)], ids=str
    )
    def test_is_refused_when_its_axes_lie_in_a_plane_or_are_no_numbers(
        self, columns: tuple[float, float, float]
    ) -> None:
        with pytest.raises(UsageError, match=r"axes of an affine|finite"):
            Grid((2, 2, 2), np.diag([*columns, 1.0]))

    def test_fits_another_that_differs_by_rounding_and_no_more(self) -> None:
        one = grid(spacing=(0.88, 0.88, 0.88))
        rounded = Grid(one.shape, one.affine.astype(np.float32).astype(np.float64))
        moved = np.array(one.affine)
        moved[0, 3] += 0.01
        assert one.fits(rounded)
        assert not one.fits(Grid(one.shape, moved))
        assert not one.fits(Grid((7, 8, 8), np.array(one.affine)))


class TestAnotherSpacing:
    @given(SIDES, STEPS, STEPS)
    @settings(max_examples=40, deadline=None)
    def test_covers_the_whole_field_of_view_around_its_middle(
        self,
        shape: tuple[int, int, int],
        before: tuple[float, float, float],
        after: tuple[float, float, float],
    ) -> None:
        one = grid(shape, before, "PSR", tilt=10)
        other = one.spaced(after)
        assert other.spacing == pytest.approx(after)
        assert other.centre == pytest.approx(one.centre, abs=1e-9)
        for was, now, step in zip(one.extent, other.extent, after, strict=True):
            assert was - 0.002 * step <= now < was + step

    def test_of_what_it_has_is_itself(self) -> None:
        one = grid(spacing=(0.88, 1.2, 3.0), tilt=15)
        assert one.spaced((0.88, 1.2, 3.0)).fits(one, within=1e-9)

    @pytest.mark.parametrize(("size", "step", "count"), [(10, 2.0, 6), (11, 2.0, 6), (10, 0.5, 19)])
    def test_may_keep_the_first_voxel_where_it_is(self, size: int, step: float, count: int) -> None:
        one = grid((size, size, size))
        other = one.spaced((step, step, step), "first")
        assert other.shape == (count, count, count)
        assert np.array_equal(other.affine[:3, 3], one.affine[:3, 3])

    @pytest.mark.parametrize("step", [0.0, -1.0, math.nan, math.inf])
    def test_is_refused_when_it_is_none(self, step: float) -> None:
        with pytest.raises(UsageError, match="is not above 0"):
            grid().spaced((1.0, step, 1.0))

    def test_is_refused_before_memory_is_taken(self) -> None:
        with pytest.raises(LimitExceeded, match="larger spacing"):
            grid().spaced((1e-6, 1e-6, 1e-6))

    def test_is_refused_at_an_unknown_anchor(self) -> None:
        with pytest.raises(UsageError, match="'last'"):
            grid().spaced((1.0, 1.0, 1.0), "last")  # type: ignore[arg-type]


class TestValuesInAPlace:
    @given(CODE)
    @settings(max_examples=10, deadline=None)
    def test_are_a_volumes(self, code: str) -> None:
        one = noise(grid(code=code))
        volume = Volume(
            np.array(one.values), np.array(one.affine), VolumeFacts("nifti", "sha256:0")
        )
        assert Placed.of(volume).grid.fits(one.grid)

    def test_take_other_values_of_their_shape_only(self) -> None:
        one = noise(grid())
        assert one.with_values(one.values + 1).affine is one.affine
        with pytest.raises(UsageError, match="2 × 2 × 2 do not fit"):
            one.with_values(np.zeros((2, 2, 2), dtype=np.float32))

    @pytest.mark.parametrize("values", [np.zeros((2, 2, 2)), np.zeros((2, 2), dtype=np.float32)])
    def test_are_refused_when_they_are_no_three_axes_of_float32(self, values: np.ndarray) -> None:
        with pytest.raises(UsageError, match="three axes of float32"):
            Placed(values, affine_of((1.0, 1.0, 1.0)))
