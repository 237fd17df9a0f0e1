"""Carries out the declared operations on one volume, in binary32, and knows where each voxel lies.

The arithmetic of each is that of `imaging`, as `docs/spec/package.md`, section 13, says. What
changes the geometry changes the affine with it, so that the way back needs nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bedside.imaging.axes import Turn, reoriented, turned, turned_grid
from bedside.imaging.conforming import conformed, conformed_grid
from bedside.imaging.cropping import cropped, cropped_or_padded, foreground_box, padded_to_multiple
from bedside.imaging.grid import Placed
from bedside.imaging.intensities import (
    clipped,
    eight_bit,
    min_max,
    percentile_scaled,
    rescaled,
    shifted,
    z_scored,
)
from bedside.imaging.resampling import resampled
from bedside.imaging.volume import Volume, Voxels
from bedside.package.volume_operations import (
    ClipValues,
    Conform,
    CropForeground,
    CropOrPad,
    EightBit,
    Geometry,
    MinimumMaximum,
    PadToMultiple,
    Percentiles,
    Reorient,
    Resample,
    ScaleRange,
    SubtractDivide,
    Transpose,
    ValueOperation,
    VolumeOperation,
    ZScore,
)
from bedside.runtime.engines.engine import Prepared
from bedside.runtime.progress import Progress, Report, silent


class VolumePreprocess:
    """The declared operations, in their order."""

    __slots__ = ("_operations",)

    def __init__(self, operations: Sequence[VolumeOperation]) -> None:
        self._operations = tuple(operations)

    def __call__(self, volume: Volume, report: Report = silent) -> Prepared:
        """Return what the network gets of `volume`; `report` is told before each operation.

        Raises:
            LimitExceeded: an operation would make more voxels than a volume may have.
        """
        placed = Placed.of(volume)
        count = len(self._operations)
        for done, operation in enumerate(self._operations):
            report(Progress("prepare", done, count))
            placed = applied(operation, placed)
        report(Progress("prepare", count, max(count, 1)))
        tensor = np.ascontiguousarray(placed.values, dtype=np.float32)
        return Prepared(tensor[np.newaxis], placed.affine)


def applied(operation: VolumeOperation, placed: Placed) -> Placed:
    """Return what one operation makes of values that lie somewhere."""
    match operation:
        case Transpose():
            turn = Turn(operation.order)
            return Placed(turned(placed.values, turn), turned_grid(placed.grid, turn).affine)
        case Reorient() | Resample() | Conform() | CropForeground() | CropOrPad() | PadToMultiple():
            return _moved(operation, placed)
        case _:
            return placed.with_values(_valued(operation, placed.values))


def _moved(operation: Geometry, placed: Placed) -> Placed:
    match operation:
        case Reorient():
            return reoriented(placed, operation.axes)
        case Resample():
            return resampled(
                placed,
                placed.grid.spaced(operation.spacing, operation.anchor),
                operation.interpolation,
                outside=None if operation.outside == "edge" else 0.0,
                antialias=operation.antialias,
            )
        case Conform():
            cube = conformed_grid(placed.grid, operation.side, operation.spacing, operation.axes)
            return conformed(placed, cube, operation.interpolation, antialias=operation.antialias)
        case CropForeground():
            box = foreground_box(placed.values, operation.above, operation.margin)
            return placed if box is None else cropped(placed, box)
        case CropOrPad():
            return cropped_or_padded(placed, operation.shape, operation.value)
        case PadToMultiple():
            return padded_to_multiple(placed, operation.multiple, operation.value)


def _valued(operation: ValueOperation, values: Voxels) -> Voxels:
    match operation:
        case ClipValues():
            return clipped(values, operation.low, operation.high)
        case ScaleRange():
            before = operation.from_low, operation.from_high
            after = operation.to_low, operation.to_high
            return rescaled(values, before, after, clip=operation.clip)
        case Percentiles():
            nonzero = operation.of == "non-zero"
            return percentile_scaled(
                values, operation.low, operation.high, nonzero=nonzero, clip=operation.clip
            )
        case SubtractDivide():
            return shifted(values, operation.subtract, operation.divide)
        case _:
            return _conformed(operation, values)


def _conformed(operation: EightBit | MinimumMaximum | ZScore, values: Voxels) -> Voxels:
    """Return values that only the volume's own decide."""
    match operation:
        case EightBit():
            return eight_bit(values, operation.share)
        case MinimumMaximum():
            return min_max(values)
        case ZScore():
            return z_scored(values, nonzero=operation.of == "non-zero")
