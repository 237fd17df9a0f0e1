"""From a picture's values to 0 … 1. (Thin version by the lead; helper A owns it.)"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.picture import Picture


def full_range(picture: Picture) -> NDArray[np.float32]:
    """Return the values, the lowest possible as 0 and the highest as 1; negatives turned over."""
    unit = (picture.values - picture.lowest) / (picture.highest - picture.lowest)
    return _turned(unit, picture)


def fixed_window(picture: Picture, centre: float, width: float) -> NDArray[np.float32]:
    """Return the values through a window. Source: DICOM PS3.3, C.11.2.1.2.1 (LINEAR)."""
    unit = (picture.values - (centre - 0.5)) / max(width - 1, 1) + 0.5
    return _turned(np.clip(unit, 0, 1), picture)


def header_window(picture: Picture) -> NDArray[np.float32]:
    """Return the values through the header's first window; the full range without one."""
    return fixed_window(picture, *picture.windows[0]) if picture.windows else full_range(picture)


def percentile_window(picture: Picture, low: float, high: float) -> NDArray[np.float32]:
    """Return the values between two of their percentiles."""
    a, b = np.percentile(picture.values, [low, high])
    unit = (picture.values - a) / (b - a) if b > a else picture.values * 0
    return _turned(np.clip(unit, 0, 1), picture)


def _turned(unit: NDArray[np.float32], picture: Picture) -> NDArray[np.float32]:
    return np.asarray(1 - unit if picture.negative else unit, dtype=np.float32)
