from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from bedside.imaging.refining import (
    Mask,
    Neighbours,
    holes,
    largest_region,
    touches_edge,
    without_small,
)


def drawn(shape: tuple[int, int, int] = (9, 8, 7)) -> Mask:
    return np.zeros(shape, dtype=np.bool_)


def random_mask(seed: int, share: float) -> Mask:
    found: Mask = np.random.default_rng(seed).random((8, 9, 7)) < share
    return found


def test_the_largest_region_stays_alone() -> None:
    mask = drawn()
    mask[1:4, 1:4, 1:4] = True
    mask[6:8, 6:8, 5:7] = True
    kept = largest_region(mask)
    assert kept[1:4, 1:4, 1:4].all()
    assert kept.sum() == 27


@pytest.mark.parametrize(("neighbours", "kept"), [(6, 1), (18, 2), (26, 3)])
def test_neighbours_say_what_touches(neighbours: Neighbours, kept: int) -> None:
    mask = drawn()
    mask[1, 1, 1] = mask[1, 2, 2] = mask[2, 3, 3] = True  # by an edge, then by a corner
    assert largest_region(mask, neighbours).sum() == kept


def test_small_regions_are_taken_away_and_those_of_the_least_size_stay() -> None:
    mask = drawn()
    mask[0, 0, 0:2] = True
    mask[4:6, 4, 4] = mask[6, 4, 4] = True
    assert without_small(mask, 3).sum() == 3
    assert (without_small(mask, 2) == mask).all()


def test_a_hole_is_found_and_an_open_cave_is_not() -> None:
    mask = drawn()
    mask[1:6, 1:6, 1:6] = True
    mask[3, 3, 3] = False
    mask[2, 1, 2] = False
    found = holes(mask)
    assert found[3, 3, 3]
    assert found.sum() == 1


@given(st.integers(0, 2**16), st.floats(0, 1))
def test_holes_are_those_of_scipy(seed: int, share: float) -> None:
    mask = random_mask(seed, share)
    assert (holes(mask) == ndimage.binary_fill_holes(mask) & ~mask).all()


@given(st.integers(0, 2**16), st.floats(0, 0.6))
def test_nothing_is_marked_that_was_not(seed: int, share: float) -> None:
    mask = random_mask(seed, share)
    for kept in (largest_region(mask), without_small(mask, 3)):
        assert not (kept & ~mask).any()


def test_an_empty_mask_stays_empty() -> None:
    mask = drawn()
    assert not (largest_region(mask) | without_small(mask, 2) | holes(mask)).any()
    assert not touches_edge(mask)


@pytest.mark.parametrize(
    "place", [(0, 4, 4), (8, 4, 4), (4, 0, 4), (4, 7, 4), (4, 4, 0), (4, 4, 6)]
)
def test_each_of_six_edges_is_seen(place: tuple[int, int, int]) -> None:
    mask = drawn()
    mask[4, 4, 4] = True
    assert not touches_edge(mask)
    mask[place] = True
    assert touches_edge(mask)
