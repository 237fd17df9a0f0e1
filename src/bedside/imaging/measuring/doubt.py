"""What speaks against a mask: its own probabilities, its shape, and where it ends.

Every doubt is 0 where nothing speaks against the mask, has no unit, and grows with what it counts.
Depths and shapes are looked at in cells of about `CELL` mm: finer ones tell no more of an organ.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bedside.imaging.cropping import Box, box_of, cropped
from bedside.imaging.grid import Grid, Placed
from bedside.imaging.measuring.masks import Mask
from bedside.imaging.volume import Voxels

Factors: TypeAlias = tuple[int, int, int]

CELL: Final = 4.0
"""Millimetres."""

DEEP: Final = 8.0
"""Millimetres from the surface, beyond which a probability should be near 1, or near 0."""

BRIDGED: Final = 16.0
"""Half the width in mm of the widest dent that counts."""

END: Final = 4.0
"""Millimetres from where a mask ends, in which it should have become thin."""

WORST: Final = 99.0
"""Percentile of the doubts deep within."""

_BALL: Final = 7.25
"""Faces of a ball of voxels by its volume to the power of 2/3: no mask has fewer."""

_CUBIC: Final = 1e6
"""Cubic millimetres of a litre."""


def doubts(probability: Voxels, mask: Mask, shown: Mask, grid: Grid) -> dict[str, float]:
    """Return the doubts by name; none of an empty mask.

    Args:
        probability: 0 … 1, along (i, j, k).
        mask: What the answer says.
        shown: Which voxels lie in the field of view.
        grid: Where the voxels lie.
    """
    box = box_of(mask)
    if box is None:
        return {}
    count = int(np.count_nonzero(mask))
    total = float(probability.sum(dtype=np.float64))
    within = float(probability.sum(dtype=np.float64, where=mask))
    litres = count * abs(float(np.linalg.det(grid.affine[:3, :3]))) / _CUBIC
    found = {
        "expected-error": max(1 - 2 * within / (total + count), 0.0),
        "blunt": _blunt(mask, grid),
        "smallness": 1 / litres,
    }
    near = box.grown(1).within(mask.shape)
    found |= _of_faces(mask[_slices(near)], shown[_slices(near)], count)
    return found | _of_cells(probability, mask, box, grid)


def _of_faces(mask: Mask, shown: Mask, count: int) -> dict[str, float]:
    """Return how ragged the surface is, and which share of it ends with the field of view."""
    faces = border = 0
    for axis in range(3):
        one, seen = np.moveaxis(mask, axis, 0), np.moveaxis(shown, axis, 0)
        for ends, after in ((one[:-1] & ~one[1:], seen[1:]), (one[1:] & ~one[:-1], seen[:-1])):
            faces += int(np.count_nonzero(ends))
            border += int(np.count_nonzero(ends & ~after))
        outer = int(np.count_nonzero(one[0])) + int(np.count_nonzero(one[-1]))
        faces, border = faces + outer, border + outer
    ragged = max(faces / float(count) ** (2 / 3) - _BALL, 0.0)
    return {"ragged": ragged, "border": border / faces}


def _blunt(mask: Mask, grid: Grid) -> float:
    """Return the largest of six ends: its mean section within `END` mm by the largest section."""
    worst = 0.0
    for axis, step in enumerate(grid.spacing):
        others = tuple(other for other in range(3) if other != axis)
        sections = np.trim_zeros(np.count_nonzero(mask, axis=others).astype(np.float64))
        thick = max(round(END / step), 1)
        ends = max(float(sections[:thick].mean()), float(sections[-thick:].mean()))
        worst = max(worst, ends / float(sections.max()))
    return worst


def _of_cells(probability: Voxels, mask: Mask, box: Box, grid: Grid) -> dict[str, float]:
    """Return what probabilities deep within and far beyond say, and how dented the mask is."""
    i, j, k = (max(round(CELL / step), 1) for step in grid.spacing)
    factors = (i, j, k)
    steps = [factor * step for factor, step in zip(factors, grid.spacing, strict=True)]
    wide = _round_about(box, factors)
    soft = _celled(_part(probability, wide, grid), factors)
    share = _celled(_part(mask.astype(np.float32), wide, grid), factors)
    solid = share >= 0.5
    if not solid.any():
        return {"doubt-within": 1.0, "worst-within": 1.0, "doubt-beyond": 1.0, "dented": 1.0}
    outside = ndimage.distance_transform_edt(~solid, sampling=steps)
    bridged = ndimage.distance_transform_edt(outside <= BRIDGED, sampling=steps) > BRIDGED
    deep = ndimage.distance_transform_edt(solid, sampling=steps) > DEEP
    size = float(share.sum())
    cell = float(np.prod(factors))
    near = float(soft[outside <= DEEP].sum())
    beyond = float(probability.sum(dtype=np.float64)) / cell - near
    doubted = 1 - soft[deep]
    return {
        "doubt-within": float(doubted.sum()) / size,
        "worst-within": float(np.percentile(doubted, WORST)) if deep.any() else 1.0,
        "doubt-beyond": max(beyond, 0.0) / size,
        "dented": float(np.count_nonzero(bridged & ~solid)) / float(np.count_nonzero(solid)),
    }


def _round_about(box: Box, factors: Factors) -> Box:
    """Return whole cells around a box, and so many more that a dent is bridged within them."""
    margin = round(BRIDGED / CELL) + 2
    before = [start - margin * one for start, one in zip(box.start, factors, strict=True)]
    cells = [-(-side // one) for side, one in zip(box.shape, factors, strict=True)]
    i, j, k = before
    x, y, z = (
        first + (count + 2 * margin) * one
        for first, count, one in zip(before, cells, factors, strict=True)
    )
    return Box((i, j, k), (x, y, z))


def _part(values: Voxels, box: Box, grid: Grid) -> Voxels:
    return cropped(Placed(values, grid.affine), box).values


def _celled(values: Voxels, factors: Factors) -> NDArray[np.float32]:
    """Return means over whole cells."""
    x, y, z = factors
    i, j, k = (side // one for side, one in zip(values.shape, factors, strict=True))
    means: NDArray[np.float32] = values.reshape(i, x, j, y, k, z).mean(axis=(1, 3, 5))
    return means


def _slices(box: Box) -> tuple[slice, slice, slice]:
    i, j, k = (slice(start, stop) for start, stop in zip(box.start, box.stop, strict=True))
    return i, j, k
