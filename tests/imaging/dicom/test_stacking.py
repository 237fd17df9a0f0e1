from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from bedside.errors import VolumeRefused
from bedside.imaging.dicom.planes import Plane
from bedside.imaging.dicom.stacking import Stack
from bedside.imaging.dicom.stacking import stacked as stacked_of
from tests.imaging.made_volumes import AXIAL


def planes(
    positions: NDArray[np.float64] | list[list[float]],
    orientation: tuple[float, ...] = AXIAL,
    spacing: tuple[float, ...] = (0.7, 0.5),
) -> list[Plane]:
    return [
        Plane(place, 0, tuple(float(one) for one in position), orientation, spacing)
        for place, position in enumerate(positions)
    ]


def stacked(given: Sequence[Plane], side: int = 16) -> Stack:
    """The stack of planes of so many rows and columns."""
    return stacked_of(given, side, side)


def turned(degrees: float) -> tuple[float, ...]:
    """Axial directions, turned about the normal."""
    turn = math.radians(degrees)
    return math.cos(turn), math.sin(turn), 0.0, -math.sin(turn), math.cos(turn), 0.0


def at(*heights: float) -> list[Plane]:
    """Axial planes at these z."""
    return planes([[0, 0, height] for height in heights])


def refused(given: list[Plane]) -> VolumeRefused:
    with pytest.raises(VolumeRefused) as problem:
        stacked(given)
    return problem.value


def world(stack: Stack, column: int, row: int, plane: int) -> NDArray[np.float64]:
    """Where a pixel lies, RAS+ mm."""
    place: NDArray[np.float64] = (stack.affine @ (column, row, plane, 1))[:3]
    return place


class TestTheAffine:
    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.integers(2, 9))
    def test_puts_every_pixel_where_the_standard_says(self, seed: int, count: int) -> None:
        random = np.random.default_rng(seed)
        turn = Rotation.random(random_state=seed % 2**31).as_matrix()
        rows, columns, gap = random.uniform(0.2, 5, 3)
        first = random.uniform(-300, 300, 3)
        positions = first + np.arange(count)[:, None] * gap * turn[:, 2]
        orientation = tuple(float(one) for one in (*turn[:, 0], *turn[:, 1]))
        order = random.permutation(count)
        stack = stacked(planes(positions[order], orientation, (rows, columns)))
        for column, row, plane in itertools.product((0, 7), (0, 5), range(count)):
            # PS3.3, equation C.7.6.2.1-1: P = S + X Δ(columns) i + Y Δ(rows) j
            lps = positions[plane] + turn[:, 0] * columns * column + turn[:, 1] * rows * row
            assert np.allclose(world(stack, column, row, plane), lps * (-1, -1, 1), atol=1e-9)

    def test_takes_the_first_spacing_between_rows_and_the_second_between_columns(self) -> None:
        assert np.allclose(np.diag(stacked(at(0, 2)).affine), (-0.5, -0.7, 2, 1))

    def test_is_sheared_where_the_gantry_was_tilted(self) -> None:
        stack = stacked(planes([[0, place * 0.5, place * 2.0] for place in range(5)]))
        assert np.allclose(world(stack, 0, 0, 4), (0, -2, 8))

    def test_directions_that_were_rounded_are_at_right_angles_again(self) -> None:
        rounded = (0.9999, 0.0141, 0.0, -0.0140, 0.9999, 0.0)
        columns = stacked(planes([[0, 0, 0], [0, 0, 1]], rounded)).affine[:3, :3]
        assert abs(columns[:, 0] @ columns[:, 1]) < 1e-12


class TestTheOrder:
    def test_is_that_of_the_positions_along_the_normal(self) -> None:
        stack = stacked(at(6, 2, 8, 4))
        assert [plane.file for plane in stack.planes] == [1, 3, 0, 2]
        assert stack.affine[2, 3] == 2

    def test_follows_the_normal_where_it_points_down(self) -> None:
        down = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
        stack = stacked(planes([[0, 0, 6], [0, 0, 2], [0, 0, 4]], down))
        assert [plane.file for plane in stack.planes] == [0, 2, 1]

    def test_is_the_same_however_the_planes_came(self) -> None:
        expected = stacked(at(0, 1, 2, 3)).affine
        for heights in itertools.permutations((0, 1, 2, 3)):
            assert np.array_equal(stacked(at(*heights)).affine, expected)

    def test_and_the_affine_are_the_same_though_orientations_differ_by_rounding(self) -> None:
        given = [
            Plane(place, 0, (0.0, 0.0, float(place)), turned(degrees), (0.7 + place * 1e-5, 0.5))
            for place, degrees in enumerate((0, 0.003, 0.001, 0.002))
        ]
        expected = stacked(given, 512)
        for order in itertools.permutations(given):
            assert np.array_equal(stacked(order, 512).affine, expected.affine)
        across = expected.affine[:2, 0] / np.linalg.norm(expected.affine[:2, 0])
        assert np.degrees(np.arctan2(-across[1], -across[0])) == pytest.approx(0.0015, abs=1e-6)

    def test_is_not_moved_by_one_plane_that_is_turned(self) -> None:
        given = [*at(0, 1, 2, 3), *planes([[0, 0, 4]], turned(0.05))]
        assert np.array_equal(stacked(given).affine, stacked(at(0, 1, 2, 3, 4)).affine)


class TestGaps:
    @pytest.mark.parametrize("count", [1, 2])
    def test_a_missing_slice_is_said_with_its_place(self, count: int) -> None:
        heights = [place * 2.5 for place in range(40) if not 20 <= place < 20 + count]
        problem = refused(at(*heights))
        assert problem.code == "missing-slices"
        assert f"{count} slice" in problem.message
        assert "47.50" in problem.message

    def test_of_two_kinds_are_not_evened_out(self) -> None:
        problem = refused(at(*np.arange(10) * 1.0, *(9 + np.arange(1, 8) * 1.4)))
        assert "not evenly spaced" in problem.message

    def test_may_differ_as_far_as_rounding_makes_them(self) -> None:
        heights = [round(place * 2 / 3, 2) for place in range(100)]
        assert stacked(at(*heights)).affine[2, 2] == pytest.approx(2 / 3, abs=1e-4)

    def test_that_drift_are_refused_though_neighbours_look_alike(self) -> None:
        gaps = [1.0] * 40 + [1.04] * 40
        assert refused(at(*np.cumsum(gaps))).code == "missing-slices"

    def test_a_plane_beside_the_line_is_refused(self) -> None:
        positions = [[0.0, 0.0, float(place)] for place in range(9)]
        positions[4][0] = 3.0
        assert "beside it" in refused(planes(positions)).message


class TestCorners:
    @pytest.mark.parametrize(
        ("turn", "spacing"), [(0.05, 0.7), (0.0, 0.7003)], ids=["turned", "larger"]
    )
    def test_of_a_plane_beside_their_place_are_refused(self, turn: float, spacing: float) -> None:
        given = [*at(0, 1, 2, 3, 4), *planes([[0, 0, 5]], turned(turn), (spacing, 0.5))]
        assert len(stacked(given, 16).planes) == 6
        with pytest.raises(VolumeRefused, match="not quite parallel") as problem:
            stacked(given, 512)
        assert problem.value.code == "missing-slices"

    def test_may_be_beside_it_as_far_as_rounding_to_four_digits_puts_them(self) -> None:
        first, second = (
            tuple(round(part, 4) for part in turned(degrees)) for degrees in (20, 20.003)
        )
        assert first != second
        given = [*planes([[0, 0, 0], [0, 0, 1]], first), *planes([[0, 0, 2]], second)]
        assert len(stacked(given, 512).planes) == 3

    def test_are_not_moved_by_directions_that_all_planes_round_alike(self) -> None:
        rounded = tuple(round(part, 3) for part in turned(1.3))
        assert len(stacked(planes([[0, 0, 0], [0, 0, 1]], rounded), 512).planes) == 2


class TestPlaces:
    def test_seen_several_times_make_four_dimensions(self) -> None:
        problem = refused(at(*range(10), *range(10), *range(10)))
        assert problem.code == "four-dimensional"
        assert "30 images at 10 places: 3 volumes" in problem.message

    def test_seen_again_a_little_beside_are_seen_again(self) -> None:
        later = [height + 0.02 for height in range(0, 25, 5)]
        problem = refused(at(*range(0, 25, 5), *later))
        assert problem.code == "four-dimensional"
        assert "10 images at 5 places" in problem.message

    def test_of_many_times_a_little_beside_each_other_are_seen_again_too(self) -> None:
        moved = [place * 2.5 + 0.003 * time for place in range(6) for time in range(30)]
        problem = refused(at(*moved))
        assert problem.code == "four-dimensional"
        assert "180 images at 6 places: 30 volumes" in problem.message

    def test_of_which_one_is_wide_apart_are_not_taken_for_times(self) -> None:
        assert "most lie 1 mm apart" in refused(at(*range(20), *range(45, 60))).message

    def test_that_came_twice_are_duplicates_and_no_second_time(self) -> None:
        named = [replace(plane, instance=f"1.2.{plane.file}") for plane in at(0, 1, 2)]
        assert refused([*named, *named]).code == "duplicate-slices"
        again = [replace(plane, instance=f"1.3.{plane.file}") for plane in named]
        assert refused([*named, *again]).code == "four-dimensional"

    @pytest.mark.parametrize("heights", [(0, 1, 2, 2, 3), (0, 0, 0, 0, 0, 0, 1, 2, 3, 4)])
    def test_seen_twice_here_and_there_are_duplicates(self, heights: tuple[float, ...]) -> None:
        assert refused(at(*heights)).code == "duplicate-slices"

    def test_may_be_micrometres_apart(self) -> None:
        assert stacked(at(0, 0.005, 0.01)).affine[2, 2] == pytest.approx(0.005)

    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.sampled_from([0.0, 1e-5, 2e-4, 0.005, 0.02, 1.0]), min_size=1, max_size=9))
    def test_at_any_distance_are_a_stack_or_refused(self, gaps: list[float]) -> None:
        with contextlib.suppress(VolumeRefused):
            assert np.linalg.det(stacked(at(0, *np.cumsum(gaps))).affine) > 0

    @pytest.mark.parametrize("heights", [(5,), (5, 5, 5), (5, 5.00005)])
    def test_are_at_least_two(self, heights: tuple[float, ...]) -> None:
        assert refused(at(*heights)).code == "too-few-slices"


class TestRefused:
    @pytest.mark.parametrize("lost", ["position", "orientation", "spacing"])
    def test_without_geometry(self, lost: str) -> None:
        bare = [replace(plane, **{lost: ()}) for plane in at(0, 1, 2)]  # type: ignore[arg-type]
        assert refused(bare).code == "no-geometry"

    def test_frames_of_which_nobody_knows_the_place(self) -> None:
        problem = refused([Plane(0, 0, (), (), (), frames=40)])
        assert problem.code == "no-geometry"
        assert "40 frames" in problem.message

    def test_a_single_picture_is_no_volume(self) -> None:
        assert refused([Plane(0, 0, (), (), ())]).code == "not-a-volume"

    @pytest.mark.parametrize(
        "orientation",
        [
            (1.0, 0.0, 0.0, 1.0, 0.0, 0.0),
            (2.0, 0.0, 0.0, 0.0, 1.0, 0.0),
            (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
            (float("nan"), 0.0, 0.0, 0.0, 1.0, 0.0),
            (1e300, 0.0, 0.0, 0.0, 1.0, 0.0),
        ],
        ids=["parallel", "long", "nothing", "no number", "huge"],
    )
    def test_an_orientation_that_is_none(self, orientation: tuple[float, ...]) -> None:
        assert refused(planes([[0, 0, 0], [0, 0, 1]], orientation)).code == "corrupt"

    @pytest.mark.parametrize("spacing", [(0.0, 1.0), (-1.0, 1.0), (1.0, float("inf"))])
    def test_a_pixel_spacing_that_is_none(self, spacing: tuple[float, ...]) -> None:
        assert refused(planes([[0, 0, 0], [0, 0, 1]], spacing=spacing)).code == "corrupt"

    @pytest.mark.parametrize("far", [float("inf"), float("nan"), 1e300])
    def test_a_position_that_is_none(self, far: float) -> None:
        assert refused(at(0, 1, far)).code == "corrupt"
