"""What the declared operations give: the width of every block, and every reference checked.

A pure rule over the manifest, so that a package whose preprocessing does not fit together is
refused with a clear message when it is opened, not when a patient's values arrive.
`docs/spec/package.md`, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from bedside.errors import PackageDamaged
from bedside.package.fields import Category, CategoryField, NumberField, TabularInput
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

Kind = TypeVar("Kind", NumberField, CategoryField)

MAX_OPERATIONS = 4096
"""One a field, for the most fields that an input may have."""

MAX_COLUMNS = 2**17
"""Columns of all blocks together: one row then needs at most 1 MiB, whatever a manifest says."""


class _Misfit(Exception):
    """What does not fit, as the end of a sentence that begins with the operation."""


def block_widths(declared: TabularInput, operations: Sequence[Operation]) -> dict[str, int]:
    """Return the number of columns of each block, in the order in which they are written.

    Raises:
        PackageDamaged: an operation reads what is not there, does not fit what it reads, or the
            blocks together are wider than `MAX_COLUMNS`; the message names the operation.
    """
    if not 1 <= len(operations) <= MAX_OPERATIONS:
        raise PackageDamaged(
            f"The preprocessing has {len(operations)} operations; from 1 to {MAX_OPERATIONS}."
        )
    fields = {field.name: field for field in declared.fields}
    widths: dict[str, int] = {}
    for position, operation in enumerate(operations):
        where = f"The operation {operation.op!r} at place {position}"
        if operation.output in widths:
            raise PackageDamaged(f"{where} writes the block {operation.output!r} a second time.")
        try:
            width = _width(operation, fields, widths)
        except _Misfit as problem:
            raise PackageDamaged(f"{where} {problem}.") from problem
        widths[operation.output] = width
        if sum(widths.values()) > MAX_COLUMNS:
            raise PackageDamaged(f"{where} makes more than {MAX_COLUMNS} columns in all.")
    return widths


def _width(
    operation: Operation,
    fields: Mapping[str, NumberField | CategoryField],
    widths: Mapping[str, int],
) -> int:
    """Return the width of one operation's block; _Misfit says what does not fit."""
    match operation:
        case SelectNumbers():
            return len(_fields(operation.fields, fields, NumberField))
        case OneHot():
            return _one_hot(operation, _fields(operation.fields, fields, CategoryField))
        case Ordinal():
            return _ordinal(operation, _fields(operation.fields, fields, CategoryField))
        case Concatenate():
            return sum(_read(name, widths) for name in operation.inputs)
        case _:
            return _column_width(operation, _read(operation.input, widths))


def _column_width(operation: Impute | Standardise | Rescale | TakeColumns, width: int) -> int:
    """Return the width that an operation gives which reads one block of `width` columns."""
    match operation:
        case Impute():
            return _impute(operation, width)
        case Standardise():
            return _standardise(operation, width)
        case Rescale():
            return _rescale(operation, width)
        case TakeColumns():
            _demand_positions(operation.columns, width)
            return len(operation.columns)


def _fields(
    names: Sequence[str], fields: Mapping[str, NumberField | CategoryField], kind: type[Kind]
) -> list[Kind]:
    if len(set(names)) != len(names):
        raise _Misfit("names a field twice")
    found = []
    for name in names:
        if name not in fields:
            raise _Misfit(f"names the field {name[:80]!r}, which is not declared")
        field = fields[name]
        if isinstance(field, kind):
            found.append(field)
        else:
            raise _Misfit(f"cannot read the {field.kind} field {name!r}")
    return found


def _one_hot(operation: OneHot, fields: Sequence[CategoryField]) -> int:
    _demand_lengths(
        len(fields),
        "fields",
        categories=operation.categories,
        drop=operation.drop,
        fill=operation.fill,
    )
    _demand_codes(fields, operation.categories, operation.fill)
    for known, drop in zip(operation.categories, operation.drop, strict=True):
        if not -1 <= drop < len(known):
            raise _Misfit(f"drops the category {drop} of {len(known)}")
    width = sum(map(len, operation.categories)) - sum(drop >= 0 for drop in operation.drop)
    if width == 0:
        raise _Misfit("has no column left")
    return width


def _ordinal(operation: Ordinal, fields: Sequence[CategoryField]) -> int:
    _demand_lengths(
        len(fields),
        "fields",
        categories=operation.categories,
        unknown=operation.unknown,
        missing=operation.missing,
        fill=operation.fill,
    )
    _demand_codes(fields, operation.categories, operation.fill)
    return len(fields)


def _demand_codes(
    fields: Sequence[CategoryField],
    categories: Sequence[Sequence[Category | None]],
    fill: Sequence[Category | None],
) -> None:
    """Text against whole numbers never matches, so a mixture is a mistake and not a choice."""
    for field, known, filled in zip(fields, categories, fill, strict=True):
        if len(set(known)) != len(known):
            raise _Misfit(f"lists a category of {field.name!r} twice")
        kind = type(field.categories[0])
        for code in (*known, filled):
            if code is not None and type(code) is not kind:
                raise _Misfit(
                    f"uses the code {code!r} for {field.name!r}, whose categories are "
                    f"{'text' if kind is str else 'whole numbers'}"
                )


def _impute(operation: Impute, width: int) -> int:
    _demand_lengths(width, "columns", values=operation.values)
    _demand_positions(operation.indicators, width)
    return width + len(operation.indicators)


def _standardise(operation: Standardise, width: int) -> int:
    _demand_lengths(width, "columns", centre=operation.centre, scale=operation.scale)
    if 0.0 in operation.scale:
        raise _Misfit(f"divides column {operation.scale.index(0.0)} by 0")
    return width


def _rescale(operation: Rescale, width: int) -> int:
    _demand_lengths(width, "columns", factor=operation.factor, offset=operation.offset)
    if operation.clip is not None and not operation.clip[0] <= operation.clip[1]:
        raise _Misfit(f"clips to {operation.clip}, whose ends are the wrong way round")
    return width


def _demand_positions(positions: Sequence[int], width: int) -> None:
    for position in positions:
        if not 0 <= position < width:
            raise _Misfit(f"takes column {position} of a block that has {width}")


def _read(name: str, widths: Mapping[str, int]) -> int:
    if name not in widths:
        raise _Misfit(f"reads the block {name!r}, which nothing has written before it")
    return widths[name]


def _demand_lengths(wanted: int, what: str, **lists: Sequence[object]) -> None:
    for name, values in lists.items():
        if len(values) != wanted:
            raise _Misfit(f"has {len(values)} `{name}` for {wanted} {what}")
