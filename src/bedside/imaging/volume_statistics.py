"""What the values of a volume show, whatever their scale: how many levels, and how continuous."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.volume import Voxels

LEVELS: Final = 65_536
"""Steps from the smallest value to the largest."""

_SAMPLE: Final = 2**21
"""Pairs of neighbours that are compared along one axis, at most about twice as many."""


_CUT: Final = 0.1
"""Percent of the values that are cut at either end."""

_LOOKED_AT: Final = 2**18
"""Voxels by which those are found, at most."""

_FLAT: Final = 1e-12
"""Share of the range's square that a variance must have to be more than rounding."""


class Spread(NamedTuple):
    """How the values are spread.

    Attributes:
        levels: How many of the `LEVELS` steps from the smallest to the largest value occur.
        most_at_one: The largest share of all voxels at one step.
    """

    levels: int
    most_at_one: float


def spread(values: Voxels) -> Spread:
    """Return how the values are spread; a flat volume has one level.

    Args:
        values: float32, finite, along (i, j, k) in any order in memory.
    """
    low, high = float(values.min()), float(values.max())
    if not low < high:
        return Spread(1, 1.0)
    counts: NDArray[np.int64] = np.zeros(LEVELS, dtype=np.int64)
    for part in _parts(values):
        unit = (part.astype(np.float64) - low) * ((LEVELS - 1) / (high - low))
        counts += np.bincount(unit.astype(np.int64).ravel(order="K"), minlength=LEVELS)
    return Spread(int(np.count_nonzero(counts)), float(counts.max() / values.size))


def continuity(values: Voxels) -> float:
    """Return Pearson's correlation of neighbouring voxels, along the axis where it is largest.

    White noise has about 0, an image 0.8 and more, however thick its slices. It is taken of
    a regular sample of lines, so that it takes no time to speak of; the brightest and the darkest
    thousandth of it are cut, so that no single voxel decides. 0 for a flat volume.

    Args:
        values: float32, finite, along (i, j, k).
    """
    step = max(math.ceil((values.size / _LOOKED_AT) ** (1 / 3)), 1)
    some = values[step // 2 :: step, step // 2 :: step, step // 2 :: step]
    dark, bright = np.percentile(some if some.size else values, (_CUT, 100 - _CUT))
    return max((_along(values, axis, float(dark), float(bright)) for axis in range(3)), default=0.0)


def _along(values: Voxels, axis: int, dark: float, bright: float) -> float:
    if values.shape[axis] < 2:
        return 0.0
    step = max(int((values.size / _SAMPLE) ** 0.5), 1)
    lines = tuple(slice(None) if one == axis else slice(step // 2, None, step) for one in range(3))
    sample = np.moveaxis(values[lines], axis, 0)
    slowest = max((1, 2), key=lambda one: abs(sample.strides[one]))
    middle, count = (dark + bright) / 2, 0
    sums = np.zeros(5)
    for plane in np.moveaxis(sample, slowest, 0):  # of one plane everything fits into the cache
        part = plane.astype(np.float64, order="C")
        np.clip(part, dark, bright, out=part)
        part -= middle
        here, beyond = part[:-1], part[1:]
        count += here.size
        products = (
            np.einsum("ij,ij", *two) for two in ((here,) * 2, (beyond,) * 2, (here, beyond))
        )
        sums += (here.sum(), beyond.sum(), *products)
    if not count:
        return 0.0
    first, second = sums[2] - sums[0] ** 2 / count, sums[3] - sums[1] ** 2 / count
    least = _FLAT * count * (bright - dark) ** 2
    if not (first > least and second > least):
        return 0.0
    return float((sums[4] - sums[0] * sums[1] / count) / np.sqrt(first * second))


def _parts(values: Voxels) -> list[Voxels]:
    """Return slabs of about four million voxels, along the axis that varies slowest in memory."""
    axis = int(np.argmax(np.abs(values.strides)))
    thick = max(int(2**22 * values.shape[axis] / values.size), 1)
    moved = np.moveaxis(values, axis, 0)
    return [moved[at : at + thick] for at in range(0, len(moved), thick)]
