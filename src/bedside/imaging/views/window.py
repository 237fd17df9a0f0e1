"""What is black and what is white, chosen from the volume itself."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.measuring.head import foreground
from bedside.imaging.volume import Voxels

BRIGHT: Final = 99.5
"""Percentile of what is not air that is white."""

_LOOKED_AT: Final = 64
"""Voxels along an axis that are looked at, at least; more of a small volume."""


def window_of(values: Voxels) -> tuple[float, float]:
    """Return the values that are black and white: the air's median, and percentile `BRIGHT`.

    Of the brighter part (Otsu's threshold) of an evenly spread share of the voxels. Where all
    values are equal, they are black.
    """
    steps = tuple(slice(None, None, max(side // _LOOKED_AT, 1)) for side in values.shape)
    some = np.ascontiguousarray(values[steps])
    bright = foreground(some)
    if not bright.any():
        lowest = float(some.min())
        return lowest, lowest + 1
    air = float(np.median(some[~bright]))
    white = float(np.percentile(some[bright], BRIGHT))
    least = float(np.finfo(np.float32).eps) * max(abs(air), abs(white))
    return air, max(white, air + least)


def brightness(values: NDArray[np.float32], window: tuple[float, float]) -> NDArray[np.float32]:
    """Return values as brightness from 0 (at or below black) to 1 (at or above white)."""
    black, white = window
    scaled: NDArray[np.float32] = np.clip(
        (values.astype(np.float64) - black) / (white - black), 0, 1
    ).astype(np.float32)
    return scaled
