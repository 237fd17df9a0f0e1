"""The declared preprocessing of any kind of input, and which operations belong to which kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from pydantic import Field

from bedside.errors import PackageDamaged
from bedside.package.image_operations import ImageOperation
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

AnyOperation: TypeAlias = Annotated[Operation | ImageOperation, Field(discriminator="op")]


def tabular_operations(operations: Sequence[AnyOperation]) -> tuple[Operation, ...]:
    """Return `operations`, all of which work on tables.

    Raises:
        PackageDamaged: one of them works on pictures; names it.
    """
    found: list[Operation] = []
    for operation in operations:
        match operation:
            case SelectNumbers() | OneHot() | Ordinal() | Impute() | Standardise():
                found.append(operation)
            case Rescale() | TakeColumns() | Concatenate():
                found.append(operation)
            case _:
                raise _stranger(operation.op, "a table", "pictures")
    return tuple(found)


def image_operations(operations: Sequence[AnyOperation]) -> tuple[ImageOperation, ...]:
    """Return `operations`, all of which work on pictures.

    Raises:
        PackageDamaged: one of them works on tables; names it.
    """
    found: list[ImageOperation] = []
    for operation in operations:
        match operation:
            case SelectNumbers() | OneHot() | Ordinal() | Impute() | Standardise():
                raise _stranger(operation.op, "a picture", "tables")
            case Rescale() | TakeColumns() | Concatenate():
                raise _stranger(operation.op, "a picture", "tables")
            case _:
                found.append(operation)
    return tuple(found)


def _stranger(op: str, declared: str, other: str) -> PackageDamaged:
    return PackageDamaged(f"The input is {declared}, and the operation {op!r} works on {other}.")
