"""How much two pictures look alike on a coarse grid: enough to tell a chest from a shin.

A thumbnail of 16 × 16 says where a picture is bright, whatever its contrast; nobody can be
recognised in it. The nearness of two is Pearson's correlation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.imaging.geometry import resize

SIDE: Final = 16

FLAT: Final = 1e-6
"""Deviation of what is flat but for rounding; one grey level of 255 in one cell of 256 has 2e-4."""


def thumbnail(unit: NDArray[np.float32], side: int = SIDE) -> NDArray[np.float64]:
    """Return `side` × `side` means of brightness, row by row, with mean 0 and deviation 1.

    The whole picture is shrunk with the filter `box`, whatever its proportions. A flat picture
    gives zeros.

    Args:
        unit: Brightness, rows × columns.
        side: Rows and columns of the thumbnail.
    """
    return standardised(resize(unit, side, side, "box").astype(np.float64).ravel())


def mean_thumbnail(thumbnails: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the mean of thumbnails of one size, with mean 0 and deviation 1 again.

    Raises:
        UsageError: there is none.
    """
    if not thumbnails:
        raise UsageError("There is no thumbnail to take the mean of.")
    return standardised(np.mean(np.stack(list(thumbnails)), axis=0))


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return Pearson's correlation of two thumbnails, from -1 to 1; 0 where one is flat."""
    if a.shape != b.shape:
        raise UsageError(f"Thumbnails of {a.size} and {b.size} values cannot be compared.")
    return float(np.clip(np.mean(standardised(a) * standardised(b)), -1, 1))


def standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values with mean 0 and deviation 1; zeros where they are flat."""
    centred = values - values.mean()
    deviation = float(np.sqrt(np.mean(centred**2)))
    if deviation <= FLAT:
        return np.zeros_like(centred)
    scaled: NDArray[np.float64] = centred / deviation
    return scaled
