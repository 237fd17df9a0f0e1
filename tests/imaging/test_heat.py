from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from bedside.imaging.geometry import Placement
from bedside.imaging.glyphs import drawn
from bedside.imaging.grey import full_range
from bedside.imaging.heat import LONGEST_SIDE, overlay
from bedside.imaging.reading import read_picture

MIDDLE = np.full((300, 200), 0.5, dtype=np.float32)


def shown(
    unit: NDArray[np.float32], grid: NDArray[np.float64], placement: Placement
) -> NDArray[np.int64]:
    with Image.open(io.BytesIO(overlay(unit, grid, placement))) as image:
        return np.asarray(image).astype(np.int64)


def grid_with(row: int, column: int, value: float) -> NDArray[np.float64]:
    grid = np.zeros((10, 10))
    grid[row, column] = value
    return grid


class TestOverlay:
    def test_is_orange_where_something_speaks_for_and_blue_where_against(self) -> None:
        where = Placement().resized((300, 200), (10, 10))
        grid = grid_with(2, 2, 0.4) + grid_with(7, 7, -0.4)
        pixels = shown(MIDDLE, grid, where)
        rows, columns = 512, 341
        red, _, blue = pixels[rows // 4, columns // 4]
        assert red > blue + 80
        red, _, blue = pixels[3 * rows // 4, 3 * columns // 4]
        assert blue > red + 80

    def test_leaves_the_film_grey_where_nothing_speaks(self) -> None:
        pixels = shown(MIDDLE, np.zeros((10, 10)), Placement().resized((300, 200), (10, 10)))
        film = pixels[:512, :341]
        assert (film == 128).all()

    def test_dims_what_the_network_did_not_see(self) -> None:
        where = Placement().centred((300, 200), (200, 200)).resized((200, 200), (10, 10))
        pixels = shown(MIDDLE, np.zeros((10, 10)), where)
        assert (pixels[:84, :341] == 51).all()
        assert (pixels[88:424, :341] == 128).all()
        assert (pixels[430:512, :341] == 51).all()

    @pytest.mark.parametrize("size", [(2, 3), (64, 64), (4000, 1000), (700, 5000), (1000, 1)])
    def test_is_never_larger_than_a_screen(self, size: tuple[int, int]) -> None:
        unit = np.zeros(size, dtype=np.float32)
        pixels = shown(unit, grid_with(1, 1, 1), Placement().resized(size, (10, 10)))
        assert max(pixels.shape[:2]) <= LONGEST_SIDE
        assert max(pixels.shape[:2]) >= 320

    def test_shows_a_colour_picture_in_grey(self) -> None:
        colour = np.repeat(MIDDLE[:, :, np.newaxis], 3, axis=2)
        where = Placement().resized((300, 200), (10, 10))
        assert np.array_equal(
            shown(colour, grid_with(3, 3, 1), where), shown(MIDDLE, grid_with(3, 3, 1), where)
        )

    def test_of_a_real_film_has_the_same_bytes_each_time(self, samples: Path) -> None:
        unit = full_range(read_picture((samples / "films" / "00000001_000.png").read_bytes()))
        grid = np.random.default_rng(1).normal(size=(28, 28))
        where = Placement().resized((512, 512), (28, 28))
        assert overlay(unit, grid, where) == overlay(unit, grid, where)

    def test_colours_are_told_apart_without_seeing_red_or_green(self) -> None:
        """Red and green seen as one (deuteranopia, roughly): the two ends still differ in blue."""
        pixels = shown(
            MIDDLE,
            grid_with(2, 2, 1) + grid_with(7, 7, -1),
            Placement().resized((300, 200), (10, 10)),
        )
        orange, azure = pixels[128, 85], pixels[384, 255]
        assert abs(int(orange[2]) - int(azure[2])) > 80


class TestGlyphs:
    def test_draw_every_number_that_a_legend_can_have(self) -> None:
        for value in (0.31, -0.31, 1234.5, -4e-9, 7e30, 5.0, 68.92):
            assert drawn(f"{value:+.2g}").shape[0] == 14

    def test_differ_from_each_other(self) -> None:
        seen = {drawn(one).tobytes() for one in "0123456789+-.e"}
        assert len(seen) == 14


@settings(max_examples=40, deadline=None)
@given(st.floats(min_value=1e-300, max_value=1e300))
@example(0.00012)
@example(9.9e-5)
@example(3500.0)
@example(0.0)
def test_a_legend_finds_room_for_a_number_of_any_size(strongest: float) -> None:
    grid = np.array([[strongest, -strongest], [0.0, strongest / 2]])
    film = np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4)
    assert overlay(film, grid, Placement((2.0, 0.0), (2.0, 0.0))).startswith(b"\x89PNG")
