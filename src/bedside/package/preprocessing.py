"""The declared preprocessing of any kind of input, and which operations belong to which kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from pydantic import Field

from bedside.errors import PackageDamaged
from bedside.package.image_operations import (
    CropCentre,
    CropSquare,
    FixedWindow,
    FullRange,
    Greyscale,
    HeaderWindow,
    ImageOperation,
    Normalise,
    PadSquare,
    PercentileWindow,
    RepeatChannel,
    Resize,
    ResizeShorter,
)
from bedside.package.operations import (
    Concatenate,
    Impute,
    OneHot,
    Operation,
    Ordinal,
    Rescale,
    SelectNumbers,
    Standardise,
    TakeColumns,
)
from bedside.package.volume_operations import VolumeOperation

AnyOperation: TypeAlias = Annotated[
    Operation | ImageOperation | VolumeOperation, Field(discriminator="op")
]


def tabular_operations(operations: Sequence[AnyOperation]) -> tuple[Operation, ...]:
    """Return `operations`, all of which work on tables.

    Raises:
        PackageDamaged: one of them works on something else; names it.
    """
    found: list[Operation] = []
    for operation in operations:
        match operation:
            case SelectNumbers() | OneHot() | Ordinal() | Impute() | Standardise():
                found.append(operation)
            case Rescale() | TakeColumns() | Concatenate():
                found.append(operation)
            case _:
                raise _stranger(operation, "a table")
    return tuple(found)


def image_operations(operations: Sequence[AnyOperation]) -> tuple[ImageOperation, ...]:
    """Return `operations`, all of which work on pictures.

    Raises:
        PackageDamaged: one of them works on something else; names it.
    """
    found: list[ImageOperation] = []
    for operation in operations:
        match operation:
            case FullRange() | HeaderWindow() | FixedWindow() | PercentileWindow():
                found.append(operation)
            case Greyscale() | CropSquare() | PadSquare() | Resize() | ResizeShorter():
                found.append(operation)
            case CropCentre() | RepeatChannel() | Normalise():
                found.append(operation)
            case _:
                raise _stranger(operation, "a picture")
    return tuple(found)


def volume_operations(operations: Sequence[AnyOperation]) -> tuple[VolumeOperation, ...]:
    """Return `operations`, all of which work on volumes.

    Raises:
        PackageDamaged: one of them works on something else; names it.
    """
    found: list[VolumeOperation] = []
    for operation in operations:
        if not isinstance(operation, VolumeOperation):
            raise _stranger(operation, "a volume")
        found.append(operation)
    return tuple(found)


def _stranger(operation: AnyOperation, declared: str) -> PackageDamaged:
    match operation:
        case SelectNumbers() | OneHot() | Ordinal() | Impute() | Standardise():
            other = "tables"
        case Rescale() | TakeColumns() | Concatenate():
            other = "tables"
        case _:
            other = "volumes" if isinstance(operation, VolumeOperation) else "pictures"
    return PackageDamaged(
        f"The input is {declared}, and the operation {operation.op!r} works on {other}."
    )
