"""The smallest and the largest pictures of a domain that freezing makes, and films of that size."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.geometry import resize
from bedside.package.images import ImageInput

FEWEST, MOST = 64, 2_048
"""Sides that are made although smaller or larger ones may be allowed: still seen, still quick."""


def smallest(declared: ImageInput) -> tuple[int, int]:
    """Return rows and columns of the smallest picture that is made."""
    rows, columns = (
        max(side.minimum, min(FEWEST, side.maximum)) for side in (declared.rows, declared.columns)
    )
    return (
        max(rows, min(declared.rows.maximum, math.ceil(columns / declared.most_elongated))),
        max(columns, min(declared.columns.maximum, math.ceil(rows / declared.most_elongated))),
    )


def largest(declared: ImageInput) -> tuple[int, int]:
    """Return rows and columns of the largest picture that is made."""
    rows, columns = (
        min(side.maximum, max(MOST, side.minimum)) for side in (declared.rows, declared.columns)
    )
    return (
        min(rows, max(declared.rows.minimum, math.floor(columns * declared.most_elongated))),
        min(columns, max(declared.columns.minimum, math.floor(rows * declared.most_elongated))),
    )


def resized(unit: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """Return `unit`, rows × columns (× 3), in another size."""
    if unit.ndim == 2:
        return resize(unit, rows, columns, "bilinear")
    channels = [resize(unit[:, :, i], rows, columns, "bilinear") for i in range(unit.shape[2])]
    return np.stack(channels, axis=2)
