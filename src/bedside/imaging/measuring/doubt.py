"""What speaks against a mask: its own probabilities, its shape, where it ends, and what is in it.

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

FARTHEST: Final = 6.0
"""Spreads from the middle, beyond which a grey value is no odder."""

_FLAT: Final = 0.05
"""Of the picture's range: what the least spread of grey values is taken for."""

_BALL: Final = 7.25
"""Faces of a ball of voxels by its volume to the power of 2/3: no mask has fewer."""

_CUBIC: Final = 1e6
"""Cubic millimetres of a litre."""


def doubts(
    image: Voxels, probability: Voxels, mask: Mask, shown: Mask, grid: Grid
) -> dict[str, float]:
    """Return the doubts by name; none of an empty mask.

    Args:
        image: What the network saw, on any scale, along (i, j, k).
        probability: 0 … 1.
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
    return found | _of_cells(_Cells(image, probability, mask, box, grid))


def _of_faces(mask: Mask, shown: Mask, count: int) -> dict[str, float]:
    """Return how ragged the surface is, and how much of it ends with the field of view or is flat."""
    faces = border = flattest = 0
    for axis in range(3):
        one = _framed(np.moveaxis(mask, axis, 0))
        seen = _framed(np.moveaxis(shown, axis, 0))
        for ends, after in ((one[1:-1] & ~one[2:], seen[2:]), (one[1:-1] & ~one[:-2], seen[:-2])):
            planes = np.count_nonzero(ends, axis=(1, 2))
            faces += int(planes.sum())
            border += int(np.count_nonzero(ends & ~after))
            flattest = max(flattest, int(np.max(planes[1:] + planes[:-1], initial=planes[0])))
    ragged = max(faces / float(count) ** (2 / 3) - _BALL, 0.0)
    return {"ragged": ragged, "border": border / faces, "flat": flattest / faces}


def _framed(mask: Mask) -> Mask:
    """Return the mask with a plane of nothing before and after it."""
    return np.pad(mask, ((1, 1), (0, 0), (0, 0)))


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


class _Cells:
    """Means over cells of about `CELL` mm around the mask, and how deep each lies."""

    def __init__(
        self, image: Voxels, probability: Voxels, mask: Mask, box: Box, grid: Grid
    ) -> None:
        i, j, k = (max(round(CELL / step), 1) for step in grid.spacing)
        self.factors = (i, j, k)
        self.steps = [one * step for one, step in zip(self.factors, grid.spacing, strict=True)]
        wide = _round_about(box, self.factors)
        self.soft = _celled(_part(probability, wide, grid), self.factors)
        self.grey = _celled(_part(image, wide, grid), self.factors)
        self.share = _celled(_part(mask.astype(np.float32), wide, grid), self.factors)
        self.solid = self.share >= 0.5
        self.deep = self.away(self.solid) > DEEP
        self.all = float(probability.sum(dtype=np.float64)) / float(np.prod(self.factors))
        self.least = _FLAT * (float(image.max()) - float(image.min()))
        self.across = int(np.argmax(np.abs(grid.affine[0, :3]) / np.array(grid.spacing)))

    def away(self, mask: Mask) -> NDArray[np.float64]:
        """Return how many mm each cell of a mask is from what is none."""
        found: NDArray[np.float64] = ndimage.distance_transform_edt(mask, sampling=self.steps)
        return found

    def mirrored(self, cells: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return cells with left and right exchanged about the middle of the mask."""
        others = tuple(axis for axis in range(3) if axis != self.across)
        sums = self.share.sum(axis=others, dtype=np.float64)
        middle = float(sums @ np.arange(len(sums))) / float(sums.sum())
        shift = round(2 * middle) - (len(sums) - 1)
        return np.roll(np.flip(cells, self.across), shift, self.across)


def _of_cells(cells: _Cells) -> dict[str, float]:
    """Return what probabilities and grey values say within and beyond, and how dented the mask is."""
    if not cells.deep.any():
        names = ("doubt-within", "worst-within", "doubt-beyond", "dented", "lopsided", "odd")
        return dict.fromkeys(names, 1.0)
    outside = cells.away(~cells.solid)
    bridged = cells.away(outside <= BRIDGED) > BRIDGED
    size = float(cells.share.sum())
    beyond = cells.all - float(cells.soft[outside <= DEEP].sum())
    doubted = 1 - cells.soft[cells.deep]
    dents = np.count_nonzero(bridged & ~cells.solid)
    return {
        "doubt-within": float(doubted.sum()) / size,
        "worst-within": float(np.percentile(doubted, WORST)),
        "doubt-beyond": max(beyond, 0.0) / size,
        "dented": dents / float(np.count_nonzero(cells.solid)),
        **_of_grey(cells),
    }


def _of_grey(cells: _Cells) -> dict[str, float]:
    """Return how odd the grey values deep within are, and how unlike left and right.

    Both are mean squares in spreads of the grey values, of means over 3 × 3 × 3 cells.
    """
    grey = cells.grey[cells.deep]
    if not cells.least > 0:
        return {"lopsided": 1.0, "odd": 1.0}
    smooth = ndimage.uniform_filter(cells.grey, 3)
    low, middle, high = np.percentile(grey, [16, 50, 84])
    away = (smooth[cells.deep] - middle) / ((high - low) / 2 + cells.least)
    both = cells.deep & (cells.mirrored(cells.deep.astype(np.float32)) > 0)
    apart = (smooth - cells.mirrored(smooth))[both] / (float(grey.std()) + cells.least)
    return {
        "lopsided": float(np.mean(apart**2)) if both.any() else 1.0,
        "odd": float(np.mean(np.clip(away, -FARTHEST, FARTHEST) ** 2)),
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
