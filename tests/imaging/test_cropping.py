from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.errors import LimitExceeded, UsageError
from bedside.imaging.cropping import (
    Box,
    box_of,
    cropped,
    cropped_or_padded,
    first_kept,
    foreground_box,
    padded_to_multiple,
)
from tests.imaging.placing import SIDES, grid, noise, smooth


class TestABox:
    def test_cuts_a_view_out_and_leaves_it_where_it_was(self) -> None:
        one = smooth(grid((8, 9, 10), (1.0, 2.0, 0.5), "LIA", tilt=11))
        part = cropped(one, Box((1, 2, 3), (5, 4, 8)))
        assert np.shares_memory(part.values, one.values)
        assert np.array_equal(part.values, one.values[1:5, 2:4, 3:8])
        assert np.abs(part.values - smooth(part.grid).values).max() < 1e-4

    def test_that_reaches_out_is_filled(self) -> None:
        one = smooth(grid((4, 4, 4)))
        part = cropped(one, Box((-1, 2, 0), (3, 7, 4)), value=-9.0)
        assert part.shape == (4, 5, 4)
        inside = part.values != -9
        assert inside.sum() == 3 * 2 * 4
        assert np.abs((part.values - smooth(part.grid).values)[inside]).max() < 1e-4

    def test_beside_the_volume_holds_nothing_of_it(self) -> None:
        part = cropped(noise(grid((4, 4, 4))), Box((10, 0, 0), (12, 4, 4)), value=7.0)
        assert (part.values == 7).all()

    def test_without_a_voxel_is_refused(self) -> None:
        with pytest.raises(UsageError, match="holds no voxel"):
            Box((3, 0, 0), (3, 5, 5))

    def test_that_is_too_large_is_refused_before_memory_is_taken(self) -> None:
        with pytest.raises(LimitExceeded):
            cropped(noise(grid()), Box((0, 0, 0), (100_000, 100_000, 100_000)))


class TestTheMiddle:
    @given(SIDES, SIDES)
    @settings(max_examples=60, deadline=None)
    def test_comes_back_after_padding_and_cropping(
        self, shape: tuple[int, int, int], more: tuple[int, int, int]
    ) -> None:
        one = noise(grid(shape))
        i, j, k = (size + extra for size, extra in zip(shape, more, strict=True))
        padded = cropped_or_padded(one, (i, j, k), value=-1.0)
        assert padded.shape == (i, j, k)
        start = tuple(extra // 2 for extra in more)
        back = cropped(padded, Box(start, tuple(a + b for a, b in zip(start, shape, strict=True))))  # type: ignore[arg-type]
        assert np.array_equal(back.values, one.values)
        assert back.grid.fits(one.grid, within=1e-9)

    @pytest.mark.parametrize(
        ("before", "after", "first"),
        [(4, 3, 1), (5, 4, 0), (5, 2, 1), (6, 6, 0), (3, 4, 0), (3, 6, -1), (4, 7, -1)],
    )
    def test_lies_where_the_page_says(self, before: int, after: int, first: int) -> None:
        assert first_kept(before, after) == first

    def test_of_no_size_is_refused(self) -> None:
        with pytest.raises(UsageError, match="no voxel"):
            cropped_or_padded(noise(grid()), (4, 0, 4))


class TestAMultiple:
    @given(SIDES, st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5)))
    @settings(max_examples=30, deadline=None)
    def test_is_the_next_one(
        self, shape: tuple[int, int, int], multiple: tuple[int, int, int]
    ) -> None:
        padded = padded_to_multiple(noise(grid(shape)), multiple)
        for was, now, one in zip(shape, padded.shape, multiple, strict=True):
            assert now % one == 0
            assert was <= now < was + one

    def test_of_nothing_is_refused(self) -> None:
        with pytest.raises(UsageError, match="multiple of 0"):
            padded_to_multiple(noise(grid()), (8, 0, 8))


class TestTheForeground:
    def test_has_the_smallest_box_that_holds_it(self) -> None:
        values = np.zeros((9, 9, 9), dtype=np.float32)
        values[2, 3, 4] = values[5, 6, 4] = 10
        assert foreground_box(values, above=9) == Box((2, 3, 4), (6, 7, 5))
        assert foreground_box(values, above=9, margin=3) == Box((0, 0, 1), (9, 9, 8))

    def test_has_none_where_there_is_nothing(self) -> None:
        assert foreground_box(np.zeros((3, 3, 3), dtype=np.float32), above=0) is None
        assert box_of(np.zeros((3, 3, 3), dtype=bool)) is None

    def test_is_not_cut_by_a_margin(self) -> None:
        with pytest.raises(UsageError, match="-1 voxels"):
            foreground_box(np.ones((3, 3, 3), dtype=np.float32), above=0, margin=-1)
