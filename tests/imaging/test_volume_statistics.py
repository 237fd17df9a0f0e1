from __future__ import annotations

import numpy as np
import pytest

from bedside.imaging.phantoms import drawn_head
from bedside.imaging.volume import Voxels
from bedside.imaging.volume_statistics import LEVELS, continuity, spread


def noise(shape: tuple[int, int, int] = (40, 36, 30)) -> Voxels:
    return np.random.default_rng(5).normal(100, 20, shape).astype(np.float32)


def test_levels_and_the_largest_share_are_counted() -> None:
    values = np.zeros((10, 10, 10), dtype=np.float32)
    values[:5] = 1.0
    values[0, 0, 0] = 3.0
    found = spread(values)
    assert found.levels == 3
    assert found.most_at_one == pytest.approx(0.5)


def test_a_flat_volume_has_one_level() -> None:
    assert spread(np.full((4, 4, 4), 7, dtype=np.float32)) == (1, 1.0)


def test_the_order_in_memory_means_nothing() -> None:
    values = noise()
    assert spread(values) == spread(np.asfortranarray(values))
    assert continuity(values) == pytest.approx(continuity(np.asfortranarray(values)), abs=1e-12)


def test_no_more_levels_are_told_than_are_counted() -> None:
    ramp = np.arange(2 * LEVELS, dtype=np.float32).reshape(64, 64, -1)
    assert spread(ramp).levels == LEVELS


def test_noise_has_no_continuity_and_a_head_has() -> None:
    assert abs(continuity(noise())) < 0.1
    assert continuity(drawn_head((48, 48, 48), (4.5, 4.8, 4.5)).values) > 0.85


@pytest.mark.parametrize("bright", [300, 1_000_000])
def test_one_voxel_however_bright_makes_no_noise_of_an_image(bright: int) -> None:
    values = drawn_head((48, 48, 48), (4.5, 4.8, 4.5)).values.copy()
    values[24, 24, 24] = bright * values.max()
    assert continuity(values) > 0.85


def test_thick_slices_do_not_hide_an_image() -> None:
    values = drawn_head((96, 96, 6), (2.3, 2.4, 36.0)).values
    assert continuity(values) > 0.85


def test_a_flat_volume_has_no_continuity() -> None:
    assert continuity(np.zeros((4, 4, 4), dtype=np.float32)) == 0
    assert continuity(np.zeros((1, 1, 1), dtype=np.float32)) == 0


def test_a_sample_of_a_large_volume_says_the_same() -> None:
    values = np.tile(noise(), (6, 6, 6)).astype(np.float32)
    assert abs(continuity(values)) < 0.1
