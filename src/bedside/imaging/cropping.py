"""Cutting out and adding round: whole voxels, nothing is computed.

Around the middle of n voxels, `cropped_or_padded` keeps voxel n // 2 in the middle when it crops;
where it pads by an odd number, the smaller half stands before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.imaging.grid import Grid, Placed, Shape
from bedside.imaging.volume import Voxels


@dataclass(frozen=True, slots=True)
class Box:
    """Voxels from `start` up to, and without, `stop`; either may lie outside the volume.

    Attributes:
        start: First index along i, j, k.
        stop: First index beyond, along i, j, k.
    """

    start: Shape
    stop: Shape

    def __post_init__(self) -> None:
        if min(self.shape) < 1:
            raise UsageError(f"A box from {self.start} to {self.stop} holds no voxel.")

    @property
    def shape(self) -> Shape:
        """Voxels along i, j, k."""
        i, j, k = (stop - start for start, stop in zip(self.start, self.stop, strict=True))
        return i, j, k

    def grown(self, margin: int) -> Box:
        """Return the box with so many voxels more on each side."""
        i, j, k = (one - margin for one in self.start)
        x, y, z = (one + margin for one in self.stop)
        return Box((i, j, k), (x, y, z))

    def within(self, shape: Shape) -> Box:
        """Return what of the box lies in a volume of that shape.

        Raises:
            UsageError: nothing does.
        """
        i, j, k = (max(one, 0) for one in self.start)
        x, y, z = (min(one, size) for one, size in zip(self.stop, shape, strict=True))
        return Box((i, j, k), (x, y, z))


def cropped(placed: Placed, box: Box, value: float = 0.0) -> Placed:
    """Return what lies in the box; a view where the box lies in the volume.

    Args:
        placed: The volume.
        box: What to keep, in its indices.
        value: What stands where the box reaches out of the volume.

    Raises:
        LimitExceeded: more voxels than a volume may have.
    """
    affine = np.array(placed.affine)
    affine[:3, 3] += affine[:3, :3] @ np.array(box.start, dtype=np.float64)
    kept = [
        slice(max(start, 0), max(min(stop, size), 0))
        for start, stop, size in zip(box.start, box.stop, placed.shape, strict=True)
    ]
    part = placed.values[kept[0], kept[1], kept[2]]
    if part.shape == box.shape:
        return Placed(part, affine)
    out = np.full(Grid(box.shape, affine).shape, value, dtype=np.float32)
    if part.size:
        i, j, k = (
            slice(one.start - start, one.stop - start)
            for one, start in zip(kept, box.start, strict=True)
        )
        out[i, j, k] = part
    return Placed(out, affine)


def cropped_or_padded(placed: Placed, shape: Shape, value: float = 0.0) -> Placed:
    """Return exactly so many voxels around the middle, as the module says.

    Args:
        placed: The volume.
        shape: Voxels along i, j, k to return.
        value: What stands where the volume is not.

    Raises:
        UsageError: a side is below 1.
        LimitExceeded: more voxels than a volume may have.
    """
    i, j, k = (first_kept(before, after) for before, after in zip(placed.shape, shape, strict=True))
    return cropped(placed, Box((i, j, k), (i + shape[0], j + shape[1], k + shape[2])), value)


def padded_to_multiple(placed: Placed, multiple: Shape, value: float = 0.0) -> Placed:
    """Return the volume padded around the middle until each side is a multiple of its number.

    Raises:
        UsageError: a multiple is below 1.
        LimitExceeded: more voxels than a volume may have.
    """
    if min(multiple) < 1:
        raise UsageError(f"A side cannot be a multiple of {min(multiple)}.")
    i, j, k = (-(-size // one) * one for size, one in zip(placed.shape, multiple, strict=True))
    return cropped_or_padded(placed, (i, j, k), value)


def first_kept(before: int, after: int) -> int:
    """Return which of `before` voxels is the first of `after`; negative where it is padded."""
    return before // 2 - after // 2 if after <= before else -((after - before) // 2)


def box_of(mask: NDArray[np.bool_]) -> Box | None:
    """Return the smallest box that holds all that is true; None where nothing is."""
    ends = [(0, 0)] * 3
    inner = [slice(None)] * 3
    for axis in sorted(range(3), key=lambda one: -abs(mask.strides[one])):  # as it lies in memory
        others = tuple(one for one in range(3) if one != axis)
        found = np.flatnonzero(mask[inner[0], inner[1], inner[2]].any(axis=others))
        if not len(found):
            return None
        ends[axis] = int(found[0]), int(found[-1]) + 1
        inner[axis] = slice(*ends[axis])
    (i, x), (j, y), (k, z) = ends
    return Box((i, j, k), (x, y, z))


def foreground_box(values: Voxels, above: float, margin: int = 0) -> Box | None:
    """Return the box of all that is larger than a value, grown, within the volume; None for nothing.

    Args:
        values: Along (i, j, k).
        above: What the background is at most.
        margin: Voxels to add on each side.

    Raises:
        UsageError: the margin is below 0.
    """
    if margin < 0:
        raise UsageError(f"A margin of {margin} voxels would cut into the foreground.")
    found = box_of(values > above)
    i, j, k = values.shape
    return None if found is None else found.grown(margin).within((i, j, k))
