from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bedside.imaging.measuring.masks import Mask
from bedside.imaging.measuring.regions import MOST_REGIONS, regions
from tests.imaging.measuring.shapes import placed, stored_in_48_ways


def voxels(*places: tuple[int, int, int]) -> Mask:
    mask = np.zeros((10, 10, 10), dtype=np.bool_)
    for place in places:
        mask[place] = True
    return mask


def test_voxels_that_touch_by_a_corner_are_one_region() -> None:
    assert regions(voxels((1, 1, 1), (2, 2, 2)), np.eye(4)).count == 1


def test_voxels_with_one_between_them_are_two() -> None:
    assert regions(voxels((1, 1, 1), (3, 1, 1)), np.eye(4)).count == 2


def test_the_largest_comes_first_with_its_volume_and_centre() -> None:
    found = regions(voxels((0, 0, 0), (5, 5, 5), (5, 5, 6)), np.diag([2.0, 1.0, 1.0, 1.0]))
    largest, smallest = found.listed
    assert (largest.voxels, smallest.voxels) == (2, 1)
    assert largest.millilitres == pytest.approx(0.004)
    assert largest.centre == pytest.approx((10, 5, 5.5))
    assert smallest.centre == pytest.approx((0, 0, 0))


def test_equal_ones_are_ordered_by_place_however_the_volume_is_stored() -> None:
    mask = voxels(*((i, j, 4) for i in range(0, 10, 2) for j in range(0, 10, 2)))
    affine = placed((1.0, 2.0, 3.0), turn=0.1, shape=(10, 10, 10))
    found = [regions(one.astype(np.bool_), where) for one, where in stored_in_48_ways(mask, affine)]
    first = [tuple(np.round(one.centre, 6)) for one in found[0].listed]
    for other in found:
        assert other.count == 25
        assert len(other.listed) == MOST_REGIONS
        assert [tuple(np.round(one.centre, 6) + 0.0) for one in other.listed] == first


def test_the_regions_of_chance_are_those_that_scipy_measures() -> None:
    mask = np.random.default_rng(3).random((20, 21, 22)) < 0.08
    labels, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel())[1:]
    found = regions(mask, np.eye(4))
    assert found.count == count
    assert [one.voxels for one in found.listed] == sorted(sizes, reverse=True)[:MOST_REGIONS]
    (most,) = ndimage.center_of_mass(mask, labels, [int(np.argmax(sizes)) + 1])
    if sorted(sizes)[-1] > sorted(sizes)[-2]:
        assert found.listed[0].centre == pytest.approx(most)


def test_of_nothing_there_are_none() -> None:
    assert regions(voxels(), np.eye(4)).count == 0
