from __future__ import annotations

import math
from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.imaging.geometry import Filter, Placement, crop_or_pad, margin, put_back, resize

PICTURE = np.random.default_rng(2).random((23, 31), dtype=np.float32)
SIDES = st.integers(1, 40)


def lanczos(x: float) -> float:
    return float(np.sinc(x) * np.sinc(x / 3)) if abs(x) < 3 else 0


def cubic(x: float) -> float:
    x = abs(x)
    if x < 1:
        return (1.5 * x - 2.5) * x * x + 1
    return ((-0.5 * x + 2.5) * x - 4) * x + 2 if x < 2 else 0


KERNELS: dict[str, tuple[float, Callable[[float], float]]] = {
    "box": (0.5, lambda x: float(-0.5 < x <= 0.5)),
    "bilinear": (1, lambda x: max(0.0, 1 - abs(x))),
    "bicubic": (2, cubic),
    "lanczos": (3, lanczos),
}


def weights(filter_name: str, before: int, after: int) -> NDArray[np.float64]:
    """after × before weights, written from the module's words alone."""
    support, kernel = KERNELS[filter_name]
    scale = before / after
    stretch = max(scale, 1.0)
    out = np.zeros((after, before))
    for i in range(after):
        middle = (i + 0.5) * scale
        first = max(int(middle - support * stretch + 0.5), 0)
        last = min(int(middle + support * stretch + 0.5), before)
        for j in range(first, last):
            out[i, j] = kernel((j + 0.5 - middle) / stretch)
        out[i] /= out[i].sum()
    return out


class TestResize:
    @pytest.mark.parametrize("name", KERNELS)
    @pytest.mark.parametrize("size", [(10, 12), (46, 62), (5, 50), (23, 31), (1, 1)])
    def test_computes_what_the_page_says(self, name: Filter, size: tuple[int, int]) -> None:
        expected = weights(name, 23, size[0]) @ PICTURE @ weights(name, 31, size[1]).T
        assert np.abs(resize(PICTURE, *size, name) - expected).max() < 1e-5

    @given(SIDES, SIDES)
    @settings(max_examples=30, deadline=None)
    def test_nearest_takes_the_pixel_under_each_middle(self, rows: int, columns: int) -> None:
        down = [math.floor((i + 0.5) * 23 / rows) for i in range(rows)]
        across = [math.floor((j + 0.5) * 31 / columns) for j in range(columns)]
        assert np.array_equal(
            resize(PICTURE, rows, columns, "nearest"), PICTURE[np.ix_(down, across)]
        )

    @pytest.mark.parametrize("name", get_args(Filter))
    def test_keeps_a_flat_picture_flat(self, name: Filter) -> None:
        flat = np.full((13, 9), 0.3, dtype=np.float32)
        assert np.abs(resize(flat, 40, 5, name) - 0.3).max() < 1e-6

    def test_takes_channels_one_by_one(self) -> None:
        colour = np.stack([PICTURE, 1 - PICTURE, PICTURE**2], axis=2)
        small = resize(colour, 8, 9, "bilinear")
        assert np.array_equal(small[..., 1], resize(1 - PICTURE, 8, 9, "bilinear"))

    def test_leaves_its_input_alone(self) -> None:
        before = PICTURE.copy()
        resize(PICTURE, 23, 31, "box")[:] = 0
        assert np.array_equal(PICTURE, before)

    def test_refuses_a_filter_that_it_does_not_know(self) -> None:
        with pytest.raises(UsageError, match="hamming"):
            resize(PICTURE, 2, 2, "hamming")  # type: ignore[arg-type]

    def test_refuses_a_side_below_1(self) -> None:
        with pytest.raises(UsageError, match="0 × 5"):
            resize(PICTURE, 0, 5, "box")


class TestCropOrPad:
    @given(SIDES, SIDES)
    @settings(max_examples=50, deadline=None)
    def test_keeps_the_middle(self, rows: int, columns: int) -> None:
        out = crop_or_pad(PICTURE, rows, columns, 0.5)
        top, left = margin(23, rows), margin(31, columns)
        for i in range(rows):
            for j in range(columns):
                inside = 0 <= i + top < 23 and 0 <= j + left < 31
                assert out[i, j] == (PICTURE[i + top, j + left] if inside else np.float32(0.5))

    @given(SIDES, SIDES)
    def test_leaves_as_much_on_both_sides_but_for_one(self, before: int, after: int) -> None:
        first = margin(before, after)
        last = before - after - first
        assert 0 <= abs(last) - abs(first) <= 1

    def test_takes_colour(self) -> None:
        colour = np.stack([PICTURE] * 3, axis=2)
        assert crop_or_pad(colour, 30, 30).shape == (30, 30, 3)


STEPS = st.lists(
    st.tuples(st.sampled_from(["resize", "centre"]), st.integers(4, 60), st.integers(4, 60)),
    min_size=1,
    max_size=4,
)


class TestPlacement:
    @given(STEPS)
    def test_and_its_inverse_lead_back(self, steps: list[tuple[str, int, int]]) -> None:
        where, _ = followed(steps)
        for (scale, offset), (back, away) in zip(
            (where.rows, where.columns), (where.inverse.rows, where.inverse.columns), strict=True
        ):
            assert (7.3 * scale + offset) * back + away == pytest.approx(7.3)

    @given(STEPS)
    @settings(max_examples=60, deadline=None)
    def test_finds_a_bright_spot_again(self, steps: list[tuple[str, int, int]]) -> None:
        """A ramp of its own coordinates goes through the steps; the books must agree with it."""
        rows = np.repeat(np.arange(50, dtype=np.float32)[:, np.newaxis] + 0.5, 40, axis=1)
        found, size = rows, (50, 40)
        for kind, height, width in steps:
            if kind == "resize":
                found = resize(found, height, width, "bilinear")
            else:
                found = crop_or_pad(found, height, width, np.nan)
            size = (height, width)
        where, _ = followed(steps)
        scale, offset = where.rows
        place = (np.arange(size[0]) + 0.5) * scale + offset
        row = found[:, size[1] // 2]
        coarse = max(1.0, *(abs(one) for one in (scale, 1 / scale))) * 8
        sound = np.isfinite(row) & (place > coarse) & (place < 50 - coarse)
        # at the edges the filter leans inward, by some half a pixel of each step
        assert np.abs(row - place)[sound].max(initial=0) < 0.6 * max(len(steps), 1) * max(scale, 1)

    def test_puts_a_heat_map_back_where_it_was(self) -> None:
        where = Placement().centred((200, 100), (100, 100)).resized((100, 100), (20, 20))
        grid = np.zeros((20, 20), dtype=np.float32)
        grid[4, 15] = 1
        back = put_back(grid, where, 200, 100)
        assert back.shape == (200, 100)
        row, column = np.unravel_index(back.argmax(), back.shape)
        assert abs(row + 0.5 - (50 + 4.5 * 5)) <= 1
        assert abs(column + 0.5 - 15.5 * 5) <= 1
        assert not back[:50].any()
        assert not back[150:].any()

    def test_of_a_picture_that_is_shown_smaller_shrinks_with_it(self) -> None:
        where = Placement((2.0, 10.0), (3.0, -6.0)).shown((100, 60), (50, 30))
        assert (where.rows, where.columns) == ((1.0, 5.0), (1.5, -3.0))


def followed(steps: list[tuple[str, int, int]]) -> tuple[Placement, tuple[int, int]]:
    where, size = Placement(), (50, 40)
    for kind, height, width in steps:
        after = (height, width)
        where = where.resized(size, after) if kind == "resize" else where.centred(size, after)
        size = after
    return where, size
