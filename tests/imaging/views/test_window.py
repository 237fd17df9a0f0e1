from __future__ import annotations

import numpy as np
import pytest

from bedside.imaging.views.window import brightness, window_of
from tests.imaging.measuring.shapes import ball, placed


def test_air_is_black_and_the_brightest_tissue_white() -> None:
    values = np.full((32, 32, 32), -1000, dtype=np.float32)
    inside = ball(placed())
    values[inside] = np.linspace(0, 100, int(inside.sum()))
    black, white = window_of(values)
    assert black == -1000
    assert white == pytest.approx(99.5, abs=0.2)


def test_one_bright_voxel_does_not_darken_the_rest() -> None:
    values = ball(placed()).astype(np.float32)
    values[0, 0, 0] = 1e6
    assert window_of(values) == (0, 1)


@pytest.mark.parametrize("value", [0.0, -3.5, 1e30])
def test_a_volume_of_one_value_is_black(value: float) -> None:
    values = np.full((4, 4, 4), value, dtype=np.float32)
    black, white = window_of(values)
    assert white > black or value > 1e6
    assert not brightness(values, (black, max(white, np.nextafter(black, np.inf)))).any()


def test_the_scale_of_the_values_decides_nothing() -> None:
    """An ADC in m²/s has values below 10⁻⁸."""
    values = np.zeros((32, 32, 32), dtype=np.float32)
    inside = ball(placed())
    values[inside] = np.linspace(0, 100, int(inside.sum()))
    _, white = window_of(values)
    _, tiny = window_of(values * np.float32(1e-12))
    assert tiny == pytest.approx(white * 1e-12, rel=1e-5)


def test_brightness_is_cut_at_both_ends() -> None:
    values = np.array([-5.0, 0.0, 5.0, 10.0, 15.0], dtype=np.float32)
    assert brightness(values, (0, 10)).tolist() == [0, 0, 0.5, 1, 1]
