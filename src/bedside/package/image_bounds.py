"""How large a picture can become on its way to the network; bounded before any picture arrives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bedside.errors import PackageDamaged
from bedside.package.image_operations import (
    CropCentre,
    CropSquare,
    ImageOperation,
    PadSquare,
    Resize,
    ResizeShorter,
)
from bedside.package.images import MAX_PIXELS, ImageInput


class _Bounds(NamedTuple):
    """The most rows, the most columns, and the largest ratio of the longer side to the shorter."""

    rows: float
    columns: float
    ratio: float


def check_bounds(declared: ImageInput, operations: Sequence[ImageOperation]) -> None:
    """Check that no picture of the domain grows beyond `MAX_PIXELS` on its way to the network.

    Raises:
        PackageDamaged: one could; names the operation that makes it so large.
    """
    now = _Bounds(declared.rows.maximum, declared.columns.maximum, declared.most_elongated)
    for position, operation in enumerate(operations):
        now, pixels = _after(operation, now)
        if pixels > MAX_PIXELS:
            raise PackageDamaged(
                f"The operation {operation.op!r} at place {position} could make a picture of "
                f"{pixels:.0f} pixels; at most {MAX_PIXELS}.",
                advice="Narrow rows, columns or most_elongated, or resize before it.",
            )


def _after(operation: ImageOperation, now: _Bounds) -> tuple[_Bounds, float]:
    """Return the bounds after an operation, and the most pixels that it makes."""
    match operation:
        case Resize() | CropCentre():
            rows, columns = operation.rows, operation.columns
            ratio = max(rows, columns) / min(rows, columns)
            return _Bounds(rows, columns, ratio), rows * columns
        case ResizeShorter():
            longer = operation.side * now.ratio
            return _Bounds(longer, longer, now.ratio), operation.side * longer
        case CropSquare():
            side = min(now.rows, now.columns)
            return _Bounds(side, side, 1), 0
        case PadSquare():
            side = max(now.rows, now.columns)
            return _Bounds(side, side, 1), side * side
        case _:
            return now, 0
