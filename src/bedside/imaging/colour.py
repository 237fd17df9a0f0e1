"""Colour as it is stored: YCbCr to RGB, and pictures that have colour only in name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Stored = NDArray[Any]
"""Whole numbers as they are stored."""


def without_colour(pixels: Stored) -> Stored:
    """Return rows × columns where the three channels are equal everywhere, else `pixels`."""
    if pixels.ndim == 2:
        return pixels
    first, *others = np.moveaxis(pixels, 2, 0)
    return first if all(np.array_equal(first, other) for other in others) else pixels


def rgb_of_ycc(ycc: Stored) -> NDArray[np.uint8]:
    """Return red, green and blue of full-range YCbCr with 8 bits, rows × columns × 3.

    Source: DICOM PS3.3, section C.7.6.3.1.2 (YBR_FULL), which is ITU-R BT.601 as in JFIF.
    """
    luma = ycc[..., 0].astype(np.float32)
    blue = ycc[..., 1].astype(np.float32) - 128
    red = ycc[..., 2].astype(np.float32) - 128
    rgb = np.stack(
        [luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue], axis=2
    )
    return np.asarray(np.clip(np.rint(rgb), 0, 255), dtype=np.uint8)
