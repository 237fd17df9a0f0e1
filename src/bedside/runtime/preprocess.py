"""Carries out the declared preprocessing operations, in float64, over all rows at once.

Each operation is compiled once into a step that reads blocks and returns one. The arithmetic
of each is defined in `docs/spec/package.md`, section 5, and nothing else happens here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

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
from bedside.package.widths import block_widths
from bedside.runtime.table import Matrix, Table

Step: TypeAlias = Callable[[Table, Mapping[str, Matrix]], Matrix]
"""Takes the table and the blocks so far; returns the next block."""


class Preprocess:
    """The declared operations, compiled; gives the matrix that the model takes."""

    __slots__ = ("_steps", "width")

    def __init__(self, declared: TabularInput, operations: Sequence[Operation]) -> None:
        """Compile `operations`.

        Raises:
            PackageDamaged: they do not fit together.
        """
        widths = block_widths(declared, operations)
        self.width = widths[operations[-1].output]
        """Columns of the matrix that a call returns."""
        places = _places(declared)
        self._steps = tuple((one.output, _compile(one, places)) for one in operations)

    def __call__(self, table: Table) -> Matrix:
        """Return the last operation's block: rows × `width`, float64, NaN where missing."""
        blocks: dict[str, Matrix] = {}
        last = table.numbers
        with np.errstate(over="ignore", invalid="ignore"):  # infinities are caught before the model
            for output, step in self._steps:
                last = blocks[output] = step(table, blocks)
        return last


def _places(declared: TabularInput) -> dict[str, int]:
    """Return each field's position among the declared fields of its own kind."""
    numbers = [field.name for field in declared.fields if isinstance(field, NumberField)]
    codes = [field.name for field in declared.fields if isinstance(field, CategoryField)]
    return {name: place for names in (numbers, codes) for place, name in enumerate(names)}


def _compile(operation: Operation, places: Mapping[str, int]) -> Step:
    match operation:
        case SelectNumbers():
            return _select_numbers([places[name] for name in operation.fields])
        case OneHot():
            return _one_hot(operation, [places[name] for name in operation.fields])
        case Ordinal():
            return _ordinal(operation, [places[name] for name in operation.fields])
        case Concatenate():
            return _concatenate(operation.inputs)
        case _:
            return _on_columns(operation)


def _on_columns(operation: Impute | Standardise | Rescale | TakeColumns) -> Step:
    name = operation.input
    match operation:
        case Impute():
            return _impute(name, operation)
        case Standardise():
            centre, scale = np.array(operation.centre), np.array(operation.scale)
            return lambda _, blocks: (blocks[name] - centre) / scale
        case Rescale():
            return _rescale(name, operation)
        case TakeColumns():
            columns = np.array(operation.columns, dtype=np.intp)
            return lambda _, blocks: blocks[name][:, columns]


def _select_numbers(places: Sequence[int]) -> Step:
    columns = np.array(places, dtype=np.intp)
    leading = list(places) == list(range(len(places)))

    def step(table: Table, _: Mapping[str, Matrix]) -> Matrix:
        if leading and table.numbers.shape[1] == len(columns):
            return table.numbers  # all of them as they stand: nothing to copy
        return table.numbers[:, columns]

    return step


def _impute(name: str, operation: Impute) -> Step:
    values = np.array(operation.values)
    indicators = np.array(operation.indicators, dtype=np.intp)

    def step(_: Table, blocks: Mapping[str, Matrix]) -> Matrix:
        block = blocks[name]
        absent = np.isnan(block)
        filled = np.where(absent, values, block)
        if not len(indicators):
            return filled
        return np.hstack([filled, absent[:, indicators].astype(np.float64)])

    return step


def _rescale(name: str, operation: Rescale) -> Step:
    factor, offset, clip = np.array(operation.factor), np.array(operation.offset), operation.clip

    def step(_: Table, blocks: Mapping[str, Matrix]) -> Matrix:
        scaled: Matrix = blocks[name] * factor + offset
        return scaled if clip is None else np.clip(scaled, clip[0], clip[1])

    return step


def _concatenate(names: Sequence[str]) -> Step:
    return lambda _, blocks: np.hstack([blocks[name] for name in names])


def _one_hot(operation: OneHot, places: Sequence[int]) -> Step:
    columns: list[tuple[int, Category | None, dict[Category | None, int]]] = []
    width = 0
    for place, known, drop, fill in zip(
        places, operation.categories, operation.drop, operation.fill, strict=True
    ):
        kept = [code for position, code in enumerate(known) if position != drop]
        columns.append((place, fill, {code: width + at for at, code in enumerate(kept)}))
        width += len(kept)

    def step(table: Table, _: Mapping[str, Matrix]) -> Matrix:
        block: NDArray[np.float64] = np.zeros((table.rows, width))
        for place, fill, column_of in columns:
            for row, code in enumerate(table.codes[place]):
                column = column_of.get(fill if code is None else code)
                if column is not None:
                    block[row, column] = 1.0
        return block

    return step


def _ordinal(operation: Ordinal, places: Sequence[int]) -> Step:
    columns: list[tuple[int, Category | None, dict[Category | None, float], float]] = []
    for place, known, unknown, missing, fill in zip(
        places,
        operation.categories,
        operation.unknown,
        operation.missing,
        operation.fill,
        strict=True,
    ):
        numbers: dict[Category | None, float] = {None: _or_nan(missing)}
        numbers.update({code: float(position) for position, code in enumerate(known)})
        columns.append((place, fill, numbers, _or_nan(unknown)))

    def step(table: Table, _: Mapping[str, Matrix]) -> Matrix:
        block: NDArray[np.float64] = np.empty((table.rows, len(columns)))
        for at, (place, fill, numbers, unknown) in enumerate(columns):
            codes = table.codes[place]
            block[:, at] = [numbers.get(fill if c is None else c, unknown) for c in codes]
        return block

    return step


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
