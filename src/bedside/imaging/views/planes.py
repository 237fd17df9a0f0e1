"""Planes through a volume along the patient's own axes, whatever the volume's are.

A plane is computed from the affine, point by point, so that an oblique volume is shown straight,
an anisotropic one in its true proportions, and the letters at its sides are right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bedside.imaging.measuring.extents import Triple
from bedside.imaging.views.view import Convention
from bedside.imaging.volume import Affine

PlaneName: TypeAlias = Literal["axial", "coronal", "sagittal"]

_FINEST: Final = 4
"""Points along a side of a pixel that are averaged, at most, where voxels are smaller than pixels."""

_LETTERS: Final = (("L", "R"), ("P", "A"), ("I", "S"))
"""What lies at the lower and the upper end of the axes right, front, head."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box along the patient's axes, in mm, RAS+: what of a volume is shown."""

    lowest: Triple
    highest: Triple

    def size(self, axis: int) -> float:
        """Return the millimetres along an axis: 0 right, 1 front, 2 head."""
        return self.highest[axis] - self.lowest[axis]

    @property
    def centre(self) -> Triple:
        """The middle."""
        right, front, head = (
            (low + high) / 2 for low, high in zip(self.lowest, self.highest, strict=True)
        )
        return right, front, head

    def grown(self, millimetres: float) -> Box:
        """Return the box with a margin on every side."""
        low, high = np.array(self.lowest) - millimetres, np.array(self.highest) + millimetres
        return box_between(low, high)

    def joined(self, other: Box) -> Box:
        """Return the smallest box that holds both."""
        low = np.minimum(self.lowest, other.lowest)
        return box_between(low, np.maximum(self.highest, other.highest))

    def within(self, other: Box) -> Box:
        """Return what both have in common; this box where they have nothing."""
        low = np.maximum(self.lowest, other.lowest)
        high = np.minimum(self.highest, other.highest)
        return box_between(low, high) if (high > low).all() else self


def box_between(lowest: NDArray[np.float64], highest: NDArray[np.float64]) -> Box:
    """Return the box between two corners of three numbers."""
    low = (float(lowest[0]), float(lowest[1]), float(lowest[2]))
    return Box(low, (float(highest[0]), float(highest[1]), float(highest[2])))


def box_of(shape: tuple[int, ...], affine: Affine) -> Box:
    """Return the box around a whole volume."""
    ends = [(-0.5, side - 0.5) for side in shape]
    corners = np.array(np.meshgrid(*ends)).reshape(3, -1).T @ affine[:3, :3].T + affine[:3, 3]
    return box_between(corners.min(axis=0), corners.max(axis=0))


@dataclass(frozen=True, slots=True)
class Plane:
    """One plane of a picture.

    Attributes:
        name: Which plane.
        place: Where it cuts its own axis, in mm.
        box: What is shown.
        convention: On which side the patient's right is; of a sagittal plane the front is always
            at the left.
        scale: Pixels of a millimetre.
    """

    name: PlaneName
    place: float
    box: Box
    convention: Convention
    scale: float

    @property
    def axes(self) -> tuple[int, int, int]:
        """The patient's axes (0 right, 1 front, 2 head) along the columns, the rows, and across."""
        return {"axial": (0, 1, 2), "coronal": (0, 2, 1), "sagittal": (1, 2, 0)}[self.name]

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the picture."""
        columns, rows, _ = self.axes
        return (
            max(round(self.box.size(rows) * self.scale), 1),
            max(round(self.box.size(columns) * self.scale), 1),
        )

    @property
    def letters(self) -> tuple[str, str, str, str]:
        """What lies at the left, the right, the top and the bottom."""
        columns, rows, _ = self.axes
        left, right = _LETTERS[columns] if self._ascending else _LETTERS[columns][::-1]
        bottom, top = _LETTERS[rows]
        return left, right, top, bottom

    @property
    def _ascending(self) -> bool:
        """Whether millimetres grow from left to right."""
        return self.name != "sagittal" and self.convention == "neurological"

    def points(self, finer: int = 1) -> NDArray[np.float64]:
        """Return the pixels' centres in mm: 3 × rows × columns; rows from the top.

        Args:
            finer: Points along each side of a pixel.
        """
        columns, rows, across = self.axes
        down, along = (side * finer for side in self.size)
        x = _middles(self.box.lowest[columns], self.box.highest[columns], along)
        y = _middles(self.box.lowest[rows], self.box.highest[rows], down)[::-1]
        out = np.empty((3, down, along))
        out[columns] = x if self._ascending else x[::-1]
        out[rows] = y[:, np.newaxis]
        out[across] = self.place
        return out


def sampled(
    array: NDArray[Any], affine: Affine, plane: Plane, outside: float = 0.0
) -> NDArray[np.float32]:
    """Return what lies in a plane, linearly interpolated: rows × columns.

    Where voxels are smaller than pixels several points of a pixel are averaged, so that nothing
    fine turns into a pattern.

    Args:
        array: Numbers along (i, j, k).
        affine: Voxel indices to mm, RAS+.
        plane: Where.
        outside: What is shown where the volume ends.
    """
    spacing = float(np.linalg.norm(affine[:3, :3], axis=0).min())
    finer = int(np.clip(np.ceil(1 / (plane.scale * spacing) - 0.01), 1, _FINEST))
    points = plane.points(finer)
    inverse = np.linalg.inv(affine)
    places = (
        np.tensordot(inverse[:3, :3], points, axes=1) + inverse[:3, 3][:, np.newaxis, np.newaxis]
    )
    found = ndimage.map_coordinates(array, places, order=1, mode="nearest", output=np.float32)
    for place, side in zip(places, array.shape, strict=True):
        found[(place < -0.5) | (place > side - 0.5)] = outside
    rows, columns = plane.size
    blocks = found.reshape(rows, finer, columns, finer)
    out: NDArray[np.float32] = blocks.mean(axis=(1, 3), dtype=np.float32)
    return out


def _middles(lowest: float, highest: float, count: int) -> NDArray[np.float64]:
    """Return the centres of `count` equal pieces."""
    middles: NDArray[np.float64] = np.arange(count, dtype=np.float64) + 0.5
    return lowest + middles * ((highest - lowest) / count)
