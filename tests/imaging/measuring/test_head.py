from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bedside.imaging.files import files_at
from bedside.imaging.measuring.head import NECK, averaged, body_of, foreground, head_of
from bedside.imaging.phantoms import drawn_head
from bedside.imaging.volume_reading import read_volume
from tests.imaging.measuring.shapes import ball, placed, stored_in_48_ways

SHAPE = (40, 40, 40)


def test_a_ball_of_a_heads_size_is_found_among_noise() -> None:
    affine = placed((6.0, 6.0, 6.0), shape=SHAPE)
    values = ball(affine, (10.0, 0.0, -5.0), 80.0, SHAPE).astype(np.float32) * 100
    values += np.random.default_rng(1).normal(0, 10, SHAPE).astype(np.float32)
    found = head_of(values, affine)
    assert found is not None
    assert found.centre == pytest.approx((10, 0, -5), abs=6)
    assert found.lowest == pytest.approx((-70, -80, -85), abs=9)


def test_one_bright_voxel_does_not_hide_a_head() -> None:
    affine = placed((6.0, 6.0, 6.0), shape=SHAPE)
    values = ball(affine, radius=80.0, shape=SHAPE).astype(np.float32)
    values[0, 0, 0] = 1e6
    found = head_of(values, affine)
    assert found is not None
    assert found.centre == pytest.approx((0, 0, 0), abs=6)


def test_a_long_neck_is_not_of_the_head() -> None:
    affine = placed((4.0, 4.0, 8.0), shape=SHAPE)
    values = np.zeros(SHAPE, dtype=np.float32)
    values[5:35, 5:35, 2:36] = 1
    found = head_of(values, affine)
    whole = body_of(values, affine)
    assert found is not None
    assert whole is not None
    assert found.highest[2] - found.lowest[2] == NECK
    assert found.highest == whole[1]
    assert whole[1][2] - whole[0][2] == 34 * 8


def test_the_scalp_around_a_skull_as_dark_as_air_is_of_the_head() -> None:
    volume = drawn_head((48, 56, 52), (4.0, 4.0, 4.0))
    found = head_of(volume.values, volume.affine)
    assert found is not None
    assert np.subtract(found.highest, found.lowest) == pytest.approx((147, 190, 182), abs=9)


@pytest.mark.parametrize("value", [0.0, -1000.0, 7.0])
def test_in_a_volume_of_one_value_nothing_stands_out(value: float) -> None:
    assert head_of(np.full((8, 8, 8), value, dtype=np.float32), np.eye(4)) is None


def test_two_values_are_told_apart_even_where_one_is_rare() -> None:
    values = np.zeros((16, 16, 16), dtype=np.float32)
    values[8, 8, 8] = 1
    assert np.array_equal(foreground(values), values > 0)


def test_the_48_ways_to_store_it_give_one_box() -> None:
    affine = placed((1.9, 2.0, 1.3), shape=(41, 39, 40))
    values = ball(affine, (4.0, 5.0, -2.0), 21.0, (41, 39, 40)).astype(np.float32)
    wanted = head_of(values, affine)
    assert wanted is not None
    for one, where in stored_in_48_ways(values, affine):
        found = head_of(one.astype(np.float32), where)
        assert found is not None
        assert found.lowest == pytest.approx(wanted.lowest, abs=1e-6)
        assert found.highest == pytest.approx(wanted.highest, abs=1e-6)


def test_cells_are_means_and_lie_where_their_voxels_lay() -> None:
    values = np.random.default_rng(2).random((9, 8, 7)).astype(np.float32)
    affine = placed((1.0, 2.0, 4.0), turn=0.5, shape=(9, 8, 7))
    cells, coarse = averaged(values, affine, 4.0)
    assert cells.shape == (2, 4, 7)
    assert cells[1, 2, 3] == pytest.approx(float(values[4:8, 4:6, 3].mean()))
    middle = affine[:3, :3] @ [5.5, 4.5, 3] + affine[:3, 3]
    assert coarse[:3, :3] @ [1, 2, 3] + coarse[:3, 3] == pytest.approx(middle)


@pytest.mark.parametrize("name", ["colin27_T1.nii.gz", "MNI152_T1_2mm.nii.gz", "MoAE_t1.nii.gz"])
def test_real_heads_have_a_heads_size(samples: Path, name: str) -> None:
    volume = read_volume(files_at(samples / "heads" / name))
    found = head_of(volume.values, volume.affine)
    assert found is not None
    size = np.subtract(found.highest, found.lowest)
    assert size == pytest.approx((170, 215, 165), abs=15)
