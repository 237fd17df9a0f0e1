"""Carries out the declared operations on one picture, in binary32.

The arithmetic of each is defined in `docs/spec/package.md`, section 5.1, and nothing else
happens here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.geometry import crop_or_pad, resize
from bedside.package.image_operations import (
    CropCentre,
    CropSquare,
    Greyscale,
    ImageOperation,
    Normalise,
    PadSquare,
    RepeatChannel,
    Resize,
    ResizeShorter,
    Windowing,
)

Channels = NDArray[np.float32]
"""Channels × rows × columns."""

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue. Source: ITU-R BT.601-7, section 2.5.1."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the network's grid lies in the picture: pixel = grid × scale + offset, by axis.

    Attributes:
        rows: Scale and offset along rows, in pixels of the picture, pixel edges counted.
        columns: The same along columns.
    """

    rows: tuple[float, float] = (1.0, 0.0)
    columns: tuple[float, float] = (1.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What the network gets, and where that lies in the picture.

    Attributes:
        tensor: Channels × rows × columns, float32.
        placement: From the network's grid to the picture's.
        black, white: What 0 and 1 became, channel by channel, after normalisation.
    """

    tensor: Channels
    placement: Placement


class ImagePreprocess:
    """The operations after the window."""

    __slots__ = ("_operations",)

    def __init__(self, operations: Sequence[ImageOperation]) -> None:
        self._operations = tuple(operations)

    def __call__(self, unit: NDArray[np.float32]) -> Prepared:
        """Return what the network gets of `unit`: rows × columns (× 3), values from 0 to 1."""
        channels = unit[np.newaxis] if unit.ndim == 2 else np.moveaxis(unit, 2, 0)
        placement = Placement()
        for operation in self._operations:
            before = channels.shape[1:]
            channels = _applied(operation, channels)
            placement = _moved(operation, placement, before, channels.shape[1:])
        return Prepared(np.ascontiguousarray(channels, dtype=np.float32), placement)

    def fill(self, level: float) -> Channels:
        """Return what the grey value `level`, from 0 to 1, is on the network's grid: channels × 1 × 1."""
        prepared = np.full((1, 1, 1), level, dtype=np.float32)
        for operation in self._operations:
            if isinstance(operation, RepeatChannel | Normalise):
                prepared = _applied(operation, prepared)
        return prepared


def _applied(operation: ImageOperation, channels: Channels) -> Channels:
    rows, columns = channels.shape[1:]
    match operation:
        case Greyscale():
            return np.tensordot(LUMA, channels, axes=1)[np.newaxis]
        case RepeatChannel():
            return np.repeat(channels, 3, axis=0)
        case Normalise():
            mean = np.array(operation.mean, dtype=np.float32).reshape(-1, 1, 1)
            deviation = np.array(operation.deviation, dtype=np.float32).reshape(-1, 1, 1)
            return (channels - mean) / deviation
        case CropSquare():
            return _each(channels, min(rows, columns), min(rows, columns))
        case PadSquare():
            return _each(channels, max(rows, columns), max(rows, columns), operation.value)
        case CropCentre():
            return _each(channels, operation.rows, operation.columns)
        case Resize():
            size = operation.rows, operation.columns
            return np.stack([resize(one, *size, operation.filter) for one in channels])
        case ResizeShorter():
            size = shorter_to(operation.side, rows, columns)
            return np.stack([resize(one, *size, operation.filter) for one in channels])
        case _:
            return channels


def shorter_to(side: int, rows: int, columns: int) -> tuple[int, int]:
    """Return the size whose shorter side is `side`, the longer in proportion, rounded down."""
    if rows <= columns:
        return side, side * columns // rows
    return side * rows // columns, side


def _each(channels: Channels, rows: int, columns: int, value: float = 0.0) -> Channels:
    return np.stack([crop_or_pad(one, rows, columns, value) for one in channels])


def _moved(
    operation: ImageOperation, now: Placement, before: tuple[int, ...], after: tuple[int, ...]
) -> Placement:
    """Return where the grid lies after an operation that made `after` of `before`."""
    if before == after or isinstance(operation, Windowing):
        return now
    scaled = isinstance(operation, Resize | ResizeShorter)
    axes = []
    for (scale, offset), old, new in zip((now.rows, now.columns), before, after, strict=True):
        if scaled:
            axes.append((scale * old / new, offset))
        else:
            axes.append((scale, offset + scale * _start(old, new)))
    return Placement(axes[0], axes[1])


def _start(old: int, new: int) -> int:
    """Return where a centred side of `new` begins on one of `old`; below 0 where it was padded."""
    return (old - new) // 2 if new <= old else -((new - old) // 2)
