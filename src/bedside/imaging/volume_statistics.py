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
    sample = np.moveaxis(values[lines], axis, 0).astype(np.float64)
    np.clip(sample, dark, bright, out=sample)
    here, next_one = sample[:-1] - sample[:-1].mean(), sample[1:] - sample[1:].mean()
    size = float(np.sqrt((here**2).sum() * (next_one**2).sum()))
    return float((here * next_one).sum() / size) if size > 0 else 0.0


def _parts(values: Voxels) -> list[Voxels]:
    """Return slabs of about four million voxels, along the axis that varies slowest in memory."""
    axis = int(np.argmax(np.abs(values.strides)))
    thick = max(int(2**22 * values.shape[axis] / values.size), 1)
    moved = np.moveaxis(values, axis, 0)
    return [moved[at : at + thick] for at in range(0, len(moved), thick)]
