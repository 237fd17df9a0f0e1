"""What speaks against a mask, by its own probabilities, its shape and where it ends.

Every doubt is 0 where nothing speaks against the mask, has no unit, and grows with what it counts.
Shapes are looked at in cells of about `CELL` mm: what is finer tells nothing of a whole organ.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bedside.imaging.cropping import box_of
from bedside.imaging.grid import Grid
from bedside.imaging.measuring.masks import Mask, voxel_millilitres
from bedside.imaging.volume import Voxels

CELL: Final = 4.0
"""Millimetres."""

DEEP: Final = 8.0
"""Millimetres from the surface, beyond which a probability should be near 1, or near 0."""

BRIDGED: Final = 16.0
"""Half the width in mm of the widest dent that counts."""

END: Final = 4.0
"""Millimetres from where a mask ends, in which it should have become thin."""

BALL: Final = 7.25
"""Faces of a ball of voxels by its volume to the power of 2/3: the fewest that a mask can have."""

_LITRE: Final = 1_000.0


def doubts(probability: Voxels, mask: Mask, shown: Mask, grid: Grid) -> dict[str, float]:
    """Return the doubts by name; nothing of an empty mask.

    Args:
        probability: 0 … 1, along (i, j, k).
        mask: What the answer says.
        shown: Which voxels lie in the field of view.
        grid: Where the voxels lie.
    """
    count = int(np.count_nonzero(mask))
    if not count:
        return {}
    total = float(probability.sum(dtype=np.float64))
    within = float(probability.sum(dtype=np.float64, where=mask))
    faces, border = _faces(mask, shown)
    found = {
        "expected-error": 1 - 2 * within / (total + count),
        "ragged": max(faces / count ** (2 / 3) - BALL, 0.0),
        "border": border / faces,
        "blunt": _blunt(mask, grid.spacing),
        "smallness": _LITRE / (count * voxel_millilitres(grid.affine)),
    }
    return found | _of_cells(probability, mask, grid.spacing)


def _faces(mask: Mask, shown: Mask) -> tuple[int, int]:
    """Return how many faces of voxels the surface has, and how many of them end the field of view."""
    faces = border = 0
    for axis in range(3):
        one, seen = np.moveaxis(mask, axis, 0), np.moveaxis(shown, axis, 0)
        for before, after in ((slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1))):
            ends = one[before] & ~one[after]
            faces += int(np.count_nonzero(ends))
            border += int(np.count_nonzero(ends & ~seen[after]))
        outer = int(np.count_nonzero(one[0])) + int(np.count_nonzero(one[-1]))
        faces, border = faces + outer, border + outer
    return faces, border


def _blunt(mask: Mask, spacing: tuple[float, float, float]) -> float:
    """Return the largest of six ends: its mean section within `END` mm by the largest section."""
    worst = 0.0
    for axis, step in enumerate(spacing):
        others = tuple(other for other in range(3) if other != axis)
        sections = np.count_nonzero(mask, axis=others).astype(np.float64)
        sections = np.trim_zeros(sections)
        thick = max(round(END / step), 1)
        ends = max(float(sections[:thick].mean()), float(sections[-thick:].mean()))
        worst = max(worst, ends / float(sections.max()))
    return worst


def _of_cells(
    probability: Voxels, mask: Mask, spacing: tuple[float, float, float]
) -> dict[str, float]:
    factors = tuple(max(round(CELL / step), 1) for step in spacing)
    steps = [factor * step for factor, step in zip(factors, spacing, strict=True)]
    soft, share = _celled(probability, factors), _celled(mask.astype(np.float32), factors)
    size = float(share.sum())
    solid = share >= 0.5
    if not solid.any():
        return {"doubt-within": 1.0, "doubt-beyond": 1.0, "dented": 1.0, "lopsided": 1.0}
    inside = ndimage.distance_transform_edt(solid, sampling=steps)
    outside = ndimage.distance_transform_edt(~solid, sampling=steps)
    bridged = ndimage.distance_transform_edt(outside <= BRIDGED, sampling=steps) > BRIDGED
    return {
        "doubt-within": float((1 - soft)[inside > DEEP].sum()) / size,
        "doubt-beyond": float(soft[outside > DEEP].sum()) / size,
        "dented": float(np.count_nonzero(bridged & ~solid)) / float(np.count_nonzero(solid)),
    }


def _celled(values: Voxels, factors: tuple[int, ...]) -> NDArray[np.float32]:
    """Return means over whole numbers of voxels, with zeros where a cell reaches out, and around it."""
    before = round(BRIDGED / CELL) + 2
    wide = [
        (before * factor, before * factor + (-side) % factor)
        for side, factor in zip(values.shape, factors, strict=True)
    ]
    padded = np.pad(values, wide)
    i, j, k = (side // factor for side, factor in zip(padded.shape, factors, strict=True))
    x, y, z = factors
    return padded.reshape(i, x, j, y, k, z).mean(axis=(1, 3, 5), dtype=np.float32)
