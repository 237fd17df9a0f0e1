"""How many pieces there are, how large each is, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bedside.imaging.measuring.extents import Triple
from bedside.imaging.measuring.masks import (
    Mask,
    boxed,
    centroid,
    in_millimetres,
    voxel_millilitres,
)
from bedside.imaging.volume import Affine

MOST_REGIONS: Final = 20
"""Regions that are listed; all are counted."""

_SAME_PLACE: Final = 3
"""Digits after the point, in mm, to which two centres are told apart."""


@dataclass(frozen=True, slots=True)
class Region:
    """One piece: voxels that touch by a face, an edge or a corner.

    Attributes:
        voxels: How many.
        millilitres: Its volume.
        centre: Its centre of mass in mm, RAS+.
    """

    voxels: int
    millilitres: float
    centre: Triple


@dataclass(frozen=True, slots=True)
class Regions:
    """The pieces of a mask.

    Attributes:
        count: How many there are.
        listed: The largest ones, at most `MOST_REGIONS`, the largest first; of equally large ones
            the leftmost, then hindmost, then lowest first, however the volume is stored.
    """

    count: int
    listed: tuple[Region, ...]


def regions(mask: Mask, affine: Affine) -> Regions:
    """Return the connected components of a mask, by 26 neighbours.

    Args:
        mask: bool along (i, j, k).
        affine: Voxel indices to mm, RAS+.
    """
    inside, first = boxed(mask)
    if not inside.size:
        return Regions(0, ())
    labels, count = ndimage.label(inside, structure=np.ones((3, 3, 3), dtype=np.bool_))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    least = np.sort(sizes[1:])[-min(count, MOST_REGIONS)]
    chosen = np.flatnonzero(sizes >= least)
    places = in_millimetres(_centres(labels, chosen, sizes) + first, affine)
    order = np.lexsort((*np.round(places.T, _SAME_PLACE)[::-1], -sizes[chosen]))[:MOST_REGIONS]
    one = voxel_millilitres(affine)
    listed = []
    for place in order:
        right, front, head = (float(value) for value in places[place])
        voxels = int(sizes[chosen[place]])
        listed.append(Region(voxels, voxels * one, (right, front, head)))
    return Regions(int(count), tuple(listed))


def _centres(
    labels: NDArray[np.int32], chosen: NDArray[np.intp], sizes: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the mean voxel index of each chosen label, chosen × 3.

    In slabs, so that little memory is taken however many labels there are.
    """
    if len(chosen) == 1:  # as it is after the largest region alone was kept
        return centroid(labels == chosen[0])[np.newaxis]
    rank = np.zeros(len(sizes), dtype=np.int32)
    rank[chosen] = np.arange(1, len(chosen) + 1)
    sums = np.zeros((len(chosen) + 1, 3))
    rows, columns, depth = labels.shape
    thick = max(1, -(-len(chosen) // (columns * depth)))
    for start in range(0, rows, thick):
        slab = rank[labels[start : start + thick]]
        where = np.nonzero(slab)
        names = slab[where]
        for axis, index in enumerate(where):
            offset = start if axis == 0 else 0
            sums[:, axis] += np.bincount(names, weights=index + offset, minlength=len(sums))
    means: NDArray[np.float64] = sums[1:] / sizes[chosen][:, np.newaxis]
    return means
