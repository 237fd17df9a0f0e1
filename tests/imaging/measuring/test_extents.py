from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.imaging.measuring.extents import bounds, centre, extents
from tests.imaging.measuring.shapes import millimetres, placed


def test_one_voxel_has_its_own_size() -> None:
    mask = np.zeros((5, 5, 5), dtype=np.bool_)
    mask[1, 2, 3] = True
    assert extents(mask, placed((1.0, 2.0, 3.0), shape=(5, 5, 5))) == pytest.approx((1, 2, 3))


def test_a_voxel_that_stands_on_its_edge_reaches_as_far_as_its_diagonal() -> None:
    mask = np.ones((1, 1, 1), dtype=np.bool_)
    found = extents(mask, placed(turn=np.pi / 4, shape=(1, 1, 1)))
    assert found == pytest.approx((np.sqrt(2), np.sqrt(2), 1))


@given(st.integers(0, 10_000), st.floats(-3, 3), st.floats(-0.5, 0.5))
@settings(max_examples=40, deadline=None)
def test_bounds_are_those_of_all_voxels_corners(seed: int, turn: float, shear: float) -> None:
    chance = np.random.default_rng(seed)
    mask = chance.random((6, 7, 8)) < 0.1
    affine = placed((1.0, 0.5, 2.0), turn, shear, (6, 7, 8))
    if not mask.any():
        return
    corners = np.array(np.meshgrid(*[(-0.5, 0.5)] * 3)).reshape(3, -1).T @ affine[:3, :3].T
    all_of_them = (millimetres(mask.shape, affine)[mask][:, np.newaxis] + corners).reshape(-1, 3)
    found = bounds(mask, affine)
    assert found is not None
    assert found[0] == pytest.approx(tuple(all_of_them.min(axis=0)))
    assert found[1] == pytest.approx(tuple(all_of_them.max(axis=0)))
    middle = centre(mask, affine)
    assert middle == pytest.approx(tuple(millimetres(mask.shape, affine)[mask].mean(axis=0)))


def test_nothing_has_no_extents_and_no_centre() -> None:
    mask = np.zeros((3, 3, 3), dtype=np.bool_)
    assert bounds(mask, np.eye(4)) is None
    assert extents(mask, np.eye(4)) is None
    assert centre(mask, np.eye(4)) is None
