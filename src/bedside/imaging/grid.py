"""Where voxels lie: a grid in the room, and values placed on one.

Axis order is always (i, j, k), millimetres are the scanner's RAS+, as `volume.py` says. A voxel is
a box around its point: along an axis of n voxels the field of view goes from index -0.5 to n - 0.5.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Final, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.errors import LimitExceeded, UsageError
from bedside.imaging.volume import MOST_VOXELS, Affine, Volume, Voxels

Shape: TypeAlias = tuple[int, int, int]
Triple: TypeAlias = tuple[float, float, float]
Anchor: TypeAlias = Literal["middle", "first"]

FLATTEST: Final = 1e-6
"""Least |determinant| of the axes' unit vectors; below it they lie in a plane."""

SPARE: Final = 1e-3
"""Share of a voxel that rounding in an affine may add to a length; it makes no voxel more."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """So many voxels, and where they lie.

    Attributes:
        shape: Voxels along i, j, k.
        affine: Voxel indices to millimetres, RAS+.
    """

    shape: Shape
    affine: Affine

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise UsageError(f"{_times(self.shape)} is no size of a volume.")
        if self.voxels > MOST_VOXELS:
            raise LimitExceeded(
                f"A grid of {_times(self.shape)} has {self.voxels} voxels; the most is "
                f"{MOST_VOXELS}.",
                advice="Ask for a larger spacing, or a smaller field of view.",
            )
        check_affine(self.affine)
        self.affine.flags.writeable = False

    @property
    def voxels(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    @property
    def spacing(self) -> Triple:
        """Millimetres from one voxel to the next along i, j, k."""
        i, j, k = (float(one) for one in np.linalg.norm(self.affine[:3, :3], axis=0))
        return i, j, k

    @property
    def extent(self) -> Triple:
        """Millimetres of the field of view along i, j, k."""
        i, j, k = (size * step for size, step in zip(self.shape, self.spacing, strict=True))
        return i, j, k

    @property
    def centre(self) -> Triple:
        """The middle of the field of view, RAS+ millimetres."""
        middle = [(size - 1) / 2 for size in self.shape]
        right, front, head = (float(one) for one in (self.affine @ [*middle, 1.0])[:3])
        return right, front, head

    @property
    def corners(self) -> NDArray[np.float64]:
        """Where the eight outer voxels lie, 8 × 3, RAS+ millimetres."""
        ends = itertools.product(*((0, size - 1) for size in self.shape))
        indices = np.array([(*one, 1) for one in ends], dtype=np.float64)
        return (indices @ self.affine.T)[:, :3]

    def fits(self, other: Grid, within: float = SPARE) -> bool:
        """Tell whether both have one shape, and each corner lies within so many voxels."""
        if self.shape != other.shape:
            return False
        apart = np.abs(self.corners - other.corners).max()
        return bool(apart <= within * min(self.spacing))

    def spaced(self, spacing: Triple, anchor: Anchor = "middle") -> Grid:
        """Return a grid along the same axes with another spacing.

        Args:
            spacing: Millimetres along i, j, k.
            anchor: `middle` keeps the middle of the field of view and loses nothing of it: so many
                voxels as cover it. `first` keeps the first voxel's point, and has
                `round((n - 1) · before / after + 1)` voxels, the half going to the even number.

        Raises:
            UsageError: a spacing is not above 0, or there is no such anchor.
            LimitExceeded: too many voxels.
        """
        if not (np.isfinite(spacing).all() and min(spacing) > 0):
            raise UsageError(f"The spacing {_times(spacing)} mm is not above 0 along each axis.")
        if anchor not in ("middle", "first"):
            raise UsageError(f"There is no anchor {anchor!r}; there are middle, first.")
        scales = np.array(spacing) / np.array(self.spacing)
        shape = tuple(
            _count(size, float(scale), anchor)
            for size, scale in zip(self.shape, scales, strict=True)
        )
        affine = np.array(self.affine)
        affine[:3, :3] *= scales
        if anchor == "middle":
            middle = (np.array(shape) - 1) / 2
            affine[:3, 3] = np.array(self.centre) - affine[:3, :3] @ middle
        return Grid((shape[0], shape[1], shape[2]), affine)


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Values and where they lie; what geometry takes and gives.

    Attributes:
        values: float32 along (i, j, k), in memory in any order, often a view of others.
        affine: Voxel indices to millimetres, RAS+.
    """

    values: Voxels
    affine: Affine

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or self.values.dtype != np.float32:
            raise UsageError(
                f"Geometry is made for three axes of float32; this has {self.values.shape} of "
                f"{self.values.dtype}."
            )
        check_affine(self.affine)

    @classmethod
    def of(cls, volume: Volume) -> Self:
        """Return the volume's values where they lie."""
        return cls(volume.values, volume.affine)

    @property
    def shape(self) -> Shape:
        """Voxels along i, j, k."""
        i, j, k = self.values.shape
        return i, j, k

    @property
    def grid(self) -> Grid:
        """Where the values lie."""
        return Grid(self.shape, np.array(self.affine))

    def with_values(self, values: Voxels) -> Self:
        """Return other values in the same place.

        Raises:
            UsageError: they have another shape.
        """
        if values.shape != self.values.shape:
            raise UsageError(
                f"Values of {_times(values.shape)} do not fit where {_times(self.shape)} lie."
            )
        return type(self)(values, self.affine)


def check_affine(affine: Affine) -> None:
    """Raise UsageError unless this is 4 × 4 finite numbers whose three axes span the room."""
    if affine.shape != (4, 4) or not np.isfinite(affine).all():
        raise UsageError(f"An affine is 4 × 4 finite numbers; this is {affine.tolist()}.")
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    if not steps.all() or abs(np.linalg.det(affine[:3, :3] / steps)) < FLATTEST:
        raise UsageError(
            f"The axes of an affine span the room; those of {affine.tolist()} lie in a plane."
        )


def _count(size: int, scale: float, anchor: Anchor) -> int:
    """Return how many voxels of `scale` times the size stand where `size` were."""
    if anchor == "first":
        return round((size - 1) / scale + 1)
    return max(math.ceil(size / scale - SPARE), 1)


def _times(numbers: tuple[float, ...]) -> str:
    return " × ".join(f"{one:g}" for one in numbers)
