"""Masks made clean: the largest connected region, holes filled, small regions taken away.

Everything works in the smallest box around what is marked, so that a small mask in a large volume
costs little. Components by `scipy.ndimage.label`.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bedside.imaging.cropping import box_of

Mask: TypeAlias = NDArray[np.bool_]
"""Along (i, j, k)."""

Neighbours: TypeAlias = Literal[6, 18, 26]
"""Voxels that touch by a face; by a face or an edge; by a face, an edge or a corner."""

_RANKS: Final = {6: 1, 18: 2, 26: 3}


def largest_region(mask: Mask, neighbours: Neighbours = 26) -> Mask:
    """Return the largest connected region alone; of equals, the one whose first voxel comes first.

    First along i, then j, then k: give it along RAS+ what shall not depend on how it is stored.
    """
    inner = _inner(mask)
    if inner is None:
        return mask.copy()
    found, sizes = _regions(mask[inner], neighbours)
    out = np.zeros_like(mask)
    out[inner] = found == (int(np.argmax(sizes[1:])) + 1)
    return out


def without_small(mask: Mask, least: int, neighbours: Neighbours = 26) -> Mask:
    """Return the regions that have at least `least` voxels."""
    inner = _inner(mask)
    if inner is None:
        return mask.copy()
    found, sizes = _regions(mask[inner], neighbours)
    keeps = sizes >= least
    keeps[0] = False
    out = np.zeros_like(mask)
    out[inner] = keeps[found]
    return out


def holes(mask: Mask) -> Mask:
    """Return what is not marked and reaches no face of the volume by a path of faces.

    Unlike `scipy.ndimage.binary_fill_holes`, which dilates step by step, it labels once.
    """
    out = np.zeros_like(mask)
    inner = _inner(mask)
    if inner is None:
        return out
    empty = np.pad(~mask[inner], 1, constant_values=True)
    found, _ = ndimage.label(empty, ndimage.generate_binary_structure(3, 1))
    closed = empty & (found != found[0, 0, 0])
    out[inner] = closed[1:-1, 1:-1, 1:-1]
    return out


def touches_edge(mask: Mask) -> bool:
    """Return whether anything marked lies in an outer voxel of the volume."""
    sides = (np.moveaxis(mask, axis, 0) for axis in range(3))
    return any(bool(side[0].any() or side[-1].any()) for side in sides)


def _regions(mask: Mask, neighbours: Neighbours) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    structure = ndimage.generate_binary_structure(3, _RANKS[neighbours])
    found, _ = ndimage.label(mask, structure)
    labels: NDArray[np.int32] = found
    return labels, np.bincount(labels.ravel()).astype(np.int64)


def _inner(mask: Mask) -> tuple[slice, slice, slice] | None:
    box = box_of(mask)
    if box is None:
        return None
    i, j, k = (slice(at, end) for at, end in zip(box.start, box.stop, strict=True))
    return i, j, k
