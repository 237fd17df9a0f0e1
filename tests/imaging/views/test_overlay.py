from __future__ import annotations

import numpy as np
import pytest

from bedside.imaging.views.overlay import COLOURS, LEAST_SHOWN, colour_of, heat, heated, outlined

GREY = np.full((20, 20, 3), 0.5, dtype=np.float32)
SQUARE = np.zeros((20, 20), dtype=np.float32)
SQUARE[5:15, 5:15] = 1


def test_an_outline_is_the_classes_inner_edge_and_leaves_the_outside_alone() -> None:
    found = outlined(GREY, SQUARE, COLOURS[0])
    assert found[5, 5] == pytest.approx(COLOURS[0])
    assert found[14, 10] == pytest.approx(COLOURS[0])
    assert (found[SQUARE == 0] == 0.5).all()
    assert np.abs(found[10, 10] - 0.5).max() < 0.06


def test_the_edge_lies_where_half_of_a_pixel_is_inside() -> None:
    share = np.repeat(np.linspace(0, 1, 21, dtype=np.float32)[np.newaxis], 5, axis=0)
    found = outlined(np.zeros((5, 21, 3), dtype=np.float32), share, (1.0, 1.0, 1.0))
    assert not found[:, :10].any()
    assert found[:, 10:].all()


def test_a_heat_map_draws_nothing_where_the_probability_is_small() -> None:
    chance = np.full((20, 20), LEAST_SHOWN * 0.99, dtype=np.float32)
    assert np.array_equal(heated(GREY, chance), GREY)
    chance[3, 4] = 0.9
    found = heated(GREY, chance)
    assert not np.array_equal(found[3, 4], GREY[3, 4])
    assert np.array_equal(found[10], GREY[10])


def test_more_heat_is_lighter_without_seeing_colours_too() -> None:
    luminance = heat(np.linspace(0, 1, 50, dtype=np.float32)) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > 0).all()


def test_colours_repeat_after_the_last() -> None:
    assert colour_of(0) == colour_of(len(COLOURS))
    assert len(set(COLOURS)) == len(COLOURS) == 7
