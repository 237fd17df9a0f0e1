from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bedside.lab.evaluating.regions import TOUCHING
from bedside.lab.lesions.blobs import FORBIDDEN, Shape, axes_along, blob
from bedside.lab.lesions.places import Field

SIDE = 40
MIDDLE = np.array([20.2, 19.7, 20.4])
FREE: Field = np.ones((SIDE, SIDE, SIDE), dtype=np.float32)
SMOOTH: Field = np.zeros_like(FREE)
ROUND = axes_along(np.array([1.0, 2.0, 0.5]), 1.0, 1.0, 0.0)


def rough_field(seed: int) -> Field:
    drawn = np.random.default_rng(seed).normal(size=FREE.shape)
    field: Field = ndimage.gaussian_filter(drawn, 2).astype(np.float32)
    field /= field.std()
    return field


@pytest.mark.parametrize("volume", [3.0, 20.0, 500.0, 3000.0])
def test_a_smooth_lesion_has_the_volume_that_was_asked(volume: float) -> None:
    made = blob(Shape(MIDDLE, volume, ROUND, 0.0), SMOOTH, FREE, 1.0)
    assert made is not None
    assert int((made[1] > 0.5).sum()) == pytest.approx(volume, rel=0.005)


def test_finer_voxels_change_no_volume() -> None:
    made = blob(Shape(MIDDLE, 60.0, ROUND, 0.0), SMOOTH, FREE, 0.5)
    assert made is not None
    assert int((made[1] > 0.5).sum()) == pytest.approx(480, rel=0.005)


def test_an_irregular_one_is_in_one_piece_and_no_larger() -> None:
    for seed in range(6):
        made = blob(Shape(MIDDLE, 200.0, ROUND, 0.6), rough_field(seed), FREE, 1.0)
        assert made is not None
        inside = made[1] > 0.5
        assert 1 <= inside.sum() <= 200
        assert ndimage.label(inside, TOUCHING)[1] == 1


def test_it_is_long_in_the_direction_that_was_asked() -> None:
    axes = axes_along(np.array([0.0, 0.0, 3.0]), 2.5, 1.0, 0.7)
    made = blob(Shape(MIDDLE, 300.0, axes, 0.0), SMOOTH, FREE, 1.0)
    assert made is not None
    wide = [int(np.ptp(np.nonzero(made[1] > 0.5)[axis])) + 1 for axis in range(3)]
    assert wide[2] > 2.5 * max(wide[:2])


def test_it_goes_around_what_is_forbidden() -> None:
    cost = FREE.copy()
    cost[21:] = FORBIDDEN
    made = blob(Shape(MIDDLE, 100.0, ROUND, 0.3), rough_field(1), cost, 1.0)
    assert made is not None
    box, share = made
    assert not share[cost[box] >= FORBIDDEN].any()
    assert int((share > 0.5).sum()) >= 90


def test_where_there_is_no_room_there_is_none() -> None:
    cost = np.full_like(FREE, FORBIDDEN)
    cost[20, 20, 20] = 1
    assert blob(Shape(MIDDLE, 10.0, ROUND, 0.0), SMOOTH, cost, 1.0) is None
