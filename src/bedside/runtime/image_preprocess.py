"""Carries out the declared operations on one picture, in binary32.

The arithmetic of each is defined in `docs/spec/package.md`, section 5.1, and nothing else
happens here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.geometry import Placement, crop_or_pad, resize
from bedside.imaging.grey import luma
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
)

Pixels: TypeAlias = NDArray[np.float32]
"""Rows × columns × channels."""

Size: TypeAlias = tuple[int, int]
"""Rows and columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What the network gets, and where that lies in the picture.

    Attributes:
        tensor: Channels × rows × columns, float32.
        placement: From the network's grid to the picture's pixels.
    """

    tensor: NDArray[np.float32]
    placement: Placement


class ImagePreprocess:
    """The operations after the window."""

    __slots__ = ("_operations",)

    def __init__(self, operations: Sequence[ImageOperation]) -> None:
        self._operations = tuple(operations)

    def __call__(self, unit: NDArray[np.float32]) -> Prepared:
        """Return what the network gets of `unit`: rows × columns (× 3), values from 0 to 1."""
        pixels = unit[:, :, np.newaxis] if unit.ndim == 2 else unit
        placement = Placement()
        for operation in self._operations:
            pixels, placement = _applied(operation, pixels, placement)
        tensor = np.ascontiguousarray(np.moveaxis(pixels, 2, 0), dtype=np.float32)
        return Prepared(tensor, placement)


def _applied(
    operation: ImageOperation, pixels: Pixels, placement: Placement
) -> tuple[Pixels, Placement]:
    size = pixels.shape[0], pixels.shape[1]
    match operation:
        case Greyscale():
            return luma(pixels)[:, :, np.newaxis], placement
        case RepeatChannel():
            return np.repeat(pixels, 3, axis=2), placement
        case Normalise():
            return _normalised(operation, pixels), placement
        case Resize() | ResizeShorter():
            wanted = resized_to(operation, size)
            found = resize(pixels, *wanted, operation.filter)
            return found, placement.resized(size, wanted)
        case CropSquare() | PadSquare() | CropCentre():
            wanted = centred_to(operation, size)
            value = operation.value if isinstance(operation, PadSquare) else 0.0
            return crop_or_pad(pixels, *wanted, value), placement.centred(size, wanted)
        case _:
            return pixels, placement


def _normalised(operation: Normalise, pixels: Pixels) -> Pixels:
    centred: Pixels = pixels - np.array(operation.mean, dtype=np.float32)
    centred /= np.array(operation.deviation, dtype=np.float32)
    return centred


def resized_to(operation: Resize | ResizeShorter, size: Size) -> Size:
    """Return the size that a resizing gives; the longer side in proportion, rounded down."""
    if isinstance(operation, Resize):
        return operation.rows, operation.columns
    rows, columns = size
    if rows <= columns:
        return operation.side, operation.side * columns // rows
    return operation.side * rows // columns, operation.side


def centred_to(operation: CropSquare | PadSquare | CropCentre, size: Size) -> Size:
    """Return the size that cropping or padding around the middle gives."""
    if isinstance(operation, CropCentre):
        return operation.rows, operation.columns
    side = (max if isinstance(operation, PadSquare) else min)(size)
    return side, side
