"""How much two heads look alike on a coarse grid: enough to tell a head from a belly or a lizard.

A thumbnail is a cube of `REACH` mm around the middle of the head's box, along the patient's axes,
in cells of some 20 mm: where it is bright, whatever the scale of its values. Nobody can be
recognised in it. What lies outside the field of view is unknown, not dark: it is left out of the
comparison, so that a head whose chin is cut off still looks like a head. The nearness of two is
Pearson's correlation over the cells that both know.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bedside.errors import UsageError
from bedside.imaging.axes import reoriented
from bedside.imaging.grid import Placed
from bedside.imaging.likeness import standardised
from bedside.imaging.measuring.head import Head, averaged, foreground
from bedside.imaging.volume import Affine, Voxels

SIDE: Final = 12
"""Cells along each axis that are enough."""

REACH: Final = 240.0
"""Millimetres of the cube, its middle where the head's box has its own: more than any head."""

LEAST_KNOWN: Final = 0.2
"""Share of the cells that must be known; the brain alone fills about a tenth of the cube."""

_FINER: Final = 4
"""Points along each side of a cell that are averaged."""

_WHITE: Final = 95.0
"""Percentile of what stands out that is white."""

_HALF: Final = 0.5


def likeness_of(
    values: Voxels, affine: Affine, head: Head, side: int = SIDE
) -> NDArray[np.float64]:
    """Return side × side × side cells along R, A, S in C order; NaN where nothing is known.

    A cell is the mean brightness of what lies in it: 0 is the air's median, 1 the percentile
    `_WHITE` of what stands out from it. It is unknown where less than half of it lies in the field
    of view. The known cells have mean 0 and deviation 1; a flat volume has zeros.

    Args:
        values: float32 along (i, j, k).
        affine: Voxel indices to mm, RAS+.
        head: Where the head lies.
        side: Cells along each axis of the cube.
    """
    upright = reoriented(Placed(values, affine), "RAS")
    step = REACH / side / _FINER
    coarse, placed = averaged(upright.values, upright.affine, step)
    points = [
        (np.arange(side * _FINER) + 0.5) * step - REACH / 2 + middle for middle in head.centre
    ]
    grid = np.stack(np.meshgrid(*points, indexing="ij")).reshape(3, -1)
    inverse = np.linalg.inv(placed)
    places = inverse[:3, :3] @ grid + inverse[:3, 3:]
    found = ndimage.map_coordinates(_brightness(coarse), places, order=1, mode="nearest")
    within = np.ones(found.shape, dtype=np.bool_)
    for place, count in zip(places, coarse.shape, strict=True):
        within &= (place >= -_HALF) & (place <= count - _HALF)
    known = _cells(within.astype(np.float64), side)
    bright = _cells(found * within, side) / np.maximum(known, _HALF)
    seen = known >= _HALF
    out = np.full(side**3, np.nan)
    if seen.any():
        out[seen] = standardised(bright[seen])
    return out


def mean_likeness(thumbnails: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the mean of thumbnails, cell by cell over those that know it, standardised again.

    A cell that none knows has the mean of all.

    Raises:
        UsageError: there is none, or they have different sizes.
    """
    if not thumbnails or len({one.size for one in thumbnails}) > 1:
        raise UsageError(f"There is no mean of {len(thumbnails)} thumbnails of unequal sizes.")
    stack = np.stack(thumbnails)
    known = ~np.isnan(stack)
    sums = np.where(known, stack, 0).sum(axis=0)
    mean = np.where(known.any(axis=0), sums / np.maximum(known.sum(axis=0), 1), 0.0)
    return standardised(mean)


def nearness(reference: NDArray[np.float64], own: NDArray[np.float64]) -> float:
    """Return Pearson's correlation over the cells that both know, from -1 to 1.

    0 where less than `LEAST_KNOWN` of the cells are known, or one is flat there.

    Raises:
        UsageError: they have different sizes.
    """
    if reference.shape != own.shape:
        raise UsageError(
            f"Thumbnails of {reference.size} and {own.size} values cannot be compared."
        )
    known = ~(np.isnan(reference) | np.isnan(own))
    if np.count_nonzero(known) < LEAST_KNOWN * known.size:
        return 0.0
    products = standardised(reference[known]) * standardised(own[known])
    return float(np.clip(np.mean(products), -1, 1))


def _brightness(coarse: Voxels) -> Voxels:
    bright = foreground(coarse)
    if not bright.any():
        return np.zeros(coarse.shape, dtype=np.float32)
    air = float(np.median(coarse[~bright]))
    white = float(np.percentile(coarse[bright], _WHITE))
    scaled = (coarse.astype(np.float64) - air) / (white - air)
    unit: Voxels = np.clip(scaled, 0, 1).astype(np.float32)
    return unit


def _cells(points: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Return means of `_FINER` × `_FINER` × `_FINER` points."""
    blocks = points.reshape(side, _FINER, side, _FINER, side, _FINER)
    return np.asarray(blocks.mean(axis=(1, 3, 5)).ravel(), dtype=np.float64)
