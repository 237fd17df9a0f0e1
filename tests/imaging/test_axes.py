from __future__ import annotations

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.errors import UsageError
from bedside.imaging.axes import (
    CODES,
    Turn,
    obliquity,
    orientation_of,
    reoriented,
    turn_between,
    turned,
    turned_grid,
)
from bedside.imaging.grid import Grid
from tests.imaging.placing import CODE, SIDES, STEPS, grid, noise


def test_there_are_48_orientations() -> None:
    assert len(set(CODES)) == 48


class TestAnOrientation:
    @pytest.mark.parametrize("code", CODES)
    def test_is_told_from_the_affine(self, code: str) -> None:
        assert orientation_of(grid(code=code, tilt=20).affine) == code

    @given(CODE, STEPS, st.floats(-40, 40))
    @settings(max_examples=60, deadline=None)
    def test_is_the_one_that_nibabel_tells(
        self, code: str, spacing: tuple[float, float, float], tilt: float
    ) -> None:
        affine = grid((3, 4, 5), spacing, code, tilt).affine
        assert orientation_of(affine) == "".join(nibabel.aff2axcodes(affine))  # type: ignore[no-untyped-call]

    @pytest.mark.parametrize("tilt", [0.0, 5.0, 30.0])
    def test_has_an_angle_from_the_rooms_axes(self, tilt: float) -> None:
        about_x = grid(code="SAL", tilt=tilt).affine  # and half as much about z
        cosines = np.cos(np.radians(tilt)) * np.cos(np.radians(tilt / 2))
        expected = np.degrees(np.arccos(cosines))
        assert obliquity(about_x) == pytest.approx(expected, abs=1e-4)


class TestTurning:
    @given(CODE, CODE, SIDES)
    @settings(max_examples=100, deadline=None)
    def test_there_and_back_changes_no_bit(
        self, before: str, after: str, shape: tuple[int, int, int]
    ) -> None:
        one = noise(grid(shape, code=before))
        there = reoriented(one, after)
        assert orientation_of(there.affine) == after
        back = reoriented(there, before)
        assert np.array_equal(back.values, one.values)
        assert back.grid.fits(one.grid, within=1e-9)

    @given(CODE, CODE, SIDES)
    @settings(max_examples=60, deadline=None)
    def test_leaves_every_voxel_where_it_is_in_the_room(
        self, before: str, after: str, shape: tuple[int, int, int]
    ) -> None:
        one = noise(grid(shape, (1.0, 2.0, 3.0), before, tilt=13))
        other = reoriented(one, after)

        def by_place(placed_values: np.ndarray, where: Grid) -> dict[tuple[float, ...], float]:
            found = {}
            for index in np.ndindex(*where.shape):
                point = where.affine @ [*index, 1.0]
                found[tuple(float(one) for one in np.round(point[:3], 6) + 0.0)] = float(
                    placed_values[index]
                )
            return found

        assert by_place(one.values, one.grid) == by_place(other.values, other.grid)

    @given(CODE, CODE)
    @settings(max_examples=60, deadline=None)
    def test_has_an_inverse(self, before: str, after: str) -> None:
        assert turn_between(before, after).inverse == turn_between(after, before)

    def test_copies_nothing(self) -> None:
        one = noise(grid())
        assert np.shares_memory(reoriented(one, "PIL").values, one.values)

    def test_turns_a_grid_as_it_turns_values(self) -> None:
        one, turn = noise(grid(tilt=10)), Turn((2, 0, 1), (True, False, True))
        assert turned_grid(one.grid, turn).shape == turned(one.values, turn).shape
        assert sorted(map(tuple, turned_grid(one.grid, turn).corners.round(6))) == sorted(
            map(tuple, one.grid.corners.round(6))
        )

    @pytest.mark.parametrize("code", ["", "RA", "RAR", "ras", "RASL", "XYZ"])
    def test_is_refused_towards_what_is_no_orientation(self, code: str) -> None:
        with pytest.raises(UsageError, match="such as RAS"):
            reoriented(noise(grid()), code)

    def test_is_refused_when_an_axis_is_named_twice(self) -> None:
        with pytest.raises(UsageError, match="once"):
            Turn((0, 0, 1))
