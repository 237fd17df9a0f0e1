"""What every measurement of a mask starts with: the box around it, its voxels' places."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.imaging.cropping import box_of
from bedside.imaging.volume import Affine

Mask: TypeAlias = NDArray[np.bool_]
"""Along i, j, k; True inside."""

Places: TypeAlias = NDArray[np.float64]
"""n × 3, voxel indices or millimetres."""


def voxel_millilitres(affine: Affine) -> float:
    """Return the volume of one voxel in mL, by the determinant, so that shear is counted."""
    return abs(float(np.linalg.det(affine[:3, :3]))) / 1000.0


def check_mask(mask: Mask) -> None:
    """Check that a mask is one.

    Raises:
        UsageError: it has not three axes, or no booleans.
    """
    if mask.ndim != 3 or mask.dtype != np.bool_:
        raise UsageError(
            f"A mask has three axes of booleans; this has {mask.shape} of {mask.dtype}."
        )


def boxed(mask: Mask) -> tuple[Mask, Places]:
    """Return the smallest box with all of the mask, a view of it, and the box's first voxel.

    The view has no voxels where the mask is empty.
    """
    check_mask(mask)
    box = box_of(mask)
    if box is None:
        return mask[:0, :0, :0], np.zeros(3)
    i, j, k = (slice(at, end) for at, end in zip(box.start, box.stop, strict=True))
    return mask[i, j, k], np.array(box.start, dtype=np.float64)


def in_millimetres(places: Places, affine: Affine) -> Places:
    """Return voxel indices (n × 3) as millimetres in the affine's RAS+ frame."""
    placed: Places = places @ affine[:3, :3].T + affine[:3, 3]
    return placed


def centroid(mask: Mask) -> Places:
    """Return the mean voxel index of a mask that is not empty: 3 numbers.

    Sums of whole numbers along each axis, so the same in every orientation of the array.
    """
    means = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        counts = np.count_nonzero(mask, axis=others).astype(np.float64)
        means.append(float(counts @ np.arange(len(counts))) / float(counts.sum()))
    return np.array(means)


def outermost(mask: Mask) -> Places:
    """Return voxel indices (n × 3) among which lie the mask's farthest ones in any direction.

    Of each line along the last axis the first and the last voxel: what lies between two voxels is
    never farther than both.
    """
    rows, columns = np.nonzero(mask.any(axis=2))
    lines = mask[rows, columns]
    first = lines.argmax(axis=1)
    last = lines.shape[1] - 1 - lines[:, ::-1].argmax(axis=1)
    ends = [np.stack([rows, columns, end], axis=1) for end in (first, last)]
    places: Places = np.concatenate(ends).astype(np.float64)
    return places
