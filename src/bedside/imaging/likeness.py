"""How alike two pictures are on a coarse grid. (Thin version by the lead; helper A owns it.)"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 16


def thumbnail(unit: NDArray[np.float32], side: int = SIDE) -> NDArray[np.float64]:
    """Return side × side cell means, row by row, made to mean 0 and standard deviation 1."""
    small = Image.fromarray(unit, mode="F").resize((side, side), Image.Resampling.BOX)
    return standardised(np.asarray(small, dtype=np.float64).ravel())


def standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `values` with mean 0 and standard deviation 1; zeros where they are constant."""
    centred = values - values.mean()
    deviation = centred.std()
    return centred / deviation if deviation > 0 else centred * 0


def correlation(reference: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """Return the mean product of two standardised thumbnails."""
    return float((reference * found).mean())


def mean_thumbnail(thumbnails: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the standardised mean."""
    return standardised(np.mean(thumbnails, axis=0))
