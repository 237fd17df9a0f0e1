"""Doubts of a ball, and of a ball with something wrong."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bedside.imaging.grid import Grid
from bedside.imaging.measuring.doubt import doubts
from bedside.imaging.measuring.masks import Mask
from tests.imaging.measuring.shapes import stored_in_48_ways

SIDE = 40
SPACING = 4.0
RADIUS = 60.0

Array = NDArray[np.float32]


def away(centre: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Array:
    """Millimetres from a point to each voxel of a room of 160 mm."""
    places = (np.indices((SIDE, SIDE, SIDE)) - (SIDE - 1) / 2) * SPACING
    square = sum((one - middle) ** 2 for one, middle in zip(places, centre, strict=True))
    found: Array = np.sqrt(square).astype(np.float32)
    return found


def soft(distance: Array, width: float = 2.0) -> Array:
    """A probability that falls from 1 to 0 around the surface of a ball."""
    steep = np.clip((distance - RADIUS) / width, -60, 60)
    found: Array = (1 / (1 + np.exp(steep))).astype(np.float32)
    return found


BALL = soft(away())
PICTURE = np.where(away() < RADIUS, 0.6 + 0.03 * np.sin(away()), 0.0).astype(np.float32)
PICTURE[0, 0, 0] = 1.0
SHOWN = np.ones(BALL.shape, dtype=np.bool_)


def told(
    probability: Array,
    mask: Mask | None = None,
    shown: Mask = SHOWN,
    image: Array = PICTURE,
) -> dict[str, float]:
    grid = Grid((SIDE, SIDE, SIDE), np.diag([SPACING, SPACING, SPACING, 1.0]))
    return doubts(image, probability, probability > 0.5 if mask is None else mask, shown, grid)


def test_nothing_is_told_of_an_empty_mask() -> None:
    assert told(np.zeros_like(BALL)) == {}


def test_nothing_speaks_against_a_sharp_ball_but_that_it_has_a_size() -> None:
    found = told((away() < RADIUS).astype(np.float32))
    assert found["smallness"] == pytest.approx(1 / (4 / 3 * np.pi * 0.6**3), rel=0.02)
    assert found["blunt"] < 0.2
    assert found["flat"] < 0.1
    assert found["ragged"] < 0.1
    for name in ("expected-error", "doubt-within", "worst-within", "doubt-beyond", "border"):
        assert found[name] < 1e-6, name
    assert found["dented"] == 0.0
    assert found["lopsided"] < 1e-6


def test_the_expected_error_is_one_less_the_expected_overlap() -> None:
    mask = BALL > 0.5
    both = float(BALL[mask].sum(dtype=np.float64))
    expected = 2 * both / (float(BALL.sum(dtype=np.float64)) + np.count_nonzero(mask))
    assert told(BALL)["expected-error"] == pytest.approx(1 - expected, abs=1e-9)


def test_a_probability_that_wavers_deep_within_is_a_doubt() -> None:
    hole = np.where(away((10.0, 0.0, 0.0)) < 18, np.float32(0.7), BALL)
    plain, found = told(BALL), told(hole)
    assert found["doubt-within"] > plain["doubt-within"] + 0.005
    assert found["worst-within"] == pytest.approx(0.3, abs=0.05)


def test_probability_far_from_the_mask_is_a_doubt() -> None:
    stray = BALL.copy()
    stray[:3, :3, :3] = 1.0
    mask = BALL > 0.5
    more = told(stray, mask)["doubt-beyond"] - told(BALL)["doubt-beyond"]
    assert more == pytest.approx(27 / mask.sum(), rel=0.01)


@pytest.mark.parametrize("depth", [2, 6, 12])
def test_a_cut_is_blunt_and_where_the_field_of_view_ends_a_border(depth: int) -> None:
    first = int((BALL > 0.5).any((1, 2)).argmax())
    cut, view = BALL.copy(), SHOWN.copy()
    cut[: first + depth], view[: first + depth] = 0, False
    whole, zeroed, ended = told(BALL), told(cut), told(cut, shown=view)
    assert zeroed["blunt"] == ended["blunt"] > 1.5 * whole["blunt"]
    assert ended["border"] > 0.02
    assert zeroed["border"] == 0.0


def test_cutting_more_is_a_larger_doubt() -> None:
    first = int((BALL > 0.5).any((1, 2)).argmax())
    found = []
    for depth in (0, 3, 6, 9, 12):
        cut, view = BALL.copy(), SHOWN.copy()
        cut[: first + depth], view[: first + depth] = 0, False
        found.append(told(cut, shown=view))
    for name in ("blunt", "flat", "border", "smallness"):
        values = [one[name] for one in found]
        assert values == sorted(values), name
        assert values[0] < values[-1], name


def test_an_array_that_ends_in_the_mask_ends_the_field_of_view() -> None:
    grid = Grid((SIDE // 2, SIDE, SIDE), np.diag([SPACING] * 3 + [1.0]))
    half = BALL[: SIDE // 2]
    found = doubts(PICTURE[: SIDE // 2], half, half > 0.5, SHOWN[: SIDE // 2], grid)
    assert found["border"] > 0.2
    assert found["blunt"] == 1.0


def test_a_dent_is_seen_and_a_ragged_edge() -> None:
    mask = BALL > 0.5
    dented = mask & (away((52.0, 0.0, 0.0)) > 14)
    assert told(BALL, dented)["dented"] > told(BALL)["dented"] + 0.005
    rough = mask & (np.indices(mask.shape).sum(0) % 2 == 0)
    assert told(BALL, rough)["ragged"] > 1.0


@pytest.mark.parametrize("grey", [0.0, 0.3, 1.0])
def test_a_lump_of_another_grey_value_on_one_side_is_a_doubt_that_grows_with_it(
    grey: float,
) -> None:
    found = []
    for radius in (0.0, 12.0, 18.0, 24.0):
        lump = away((25.0, 0.0, 0.0)) < radius
        found.append(told(BALL, image=np.where(lump, np.float32(grey), PICTURE)))
    for name in ("lopsided", "odd"):
        values = [one[name] for one in found]
        assert values == sorted(values), name
        assert values[0] < values[-1], name


def test_an_even_picture_tells_nothing_and_is_doubted() -> None:
    found = told(BALL, image=np.ones_like(BALL))
    assert found["lopsided"] == found["odd"] == 1.0


def test_the_scale_of_the_grey_values_means_nothing() -> None:
    one, other = told(BALL), told(BALL, image=(PICTURE * 1000 - 300).astype(np.float32))
    assert other == pytest.approx(one, rel=1e-3, abs=1e-6)


def test_how_the_volume_is_stored_changes_next_to_nothing() -> None:
    odd = soft(away() * (1 + 0.2 * (away((60.0, 20.0, -9.0)) < 30)))
    image = (PICTURE * (1 + (away((20.0, 5.0, 3.0)) < 18))).astype(np.float32)
    affine = np.diag([SPACING, SPACING, SPACING, 1.0])
    stacked = [stored_in_48_ways(one, affine) for one in (odd, image)]
    first: dict[str, float] = {}
    for (probability, where), (picture, _) in list(zip(*stacked, strict=True))[::7]:
        p, shape = np.asarray(probability, dtype=np.float32), probability.shape
        grid = Grid((shape[0], shape[1], shape[2]), where)
        found = doubts(np.asarray(picture, dtype=np.float32), p, p > 0.5, SHOWN, grid)
        first = first or found
        assert found == pytest.approx(first, rel=0.02, abs=1e-6)


def test_a_mask_that_is_nowhere_deep_is_doubted_altogether() -> None:
    speck = np.zeros_like(BALL)
    speck[5, 5, 5] = 0.9
    found = told(speck)
    assert found["dented"] == found["worst-within"] == found["odd"] == 1.0
