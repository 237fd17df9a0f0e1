"""What flows between two translated steps: untouched fields, or a block of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from bedside.errors import FreezeRefused
from bedside.package.fields import Category, CategoryField, InputField, NumberField
from bedside.package.operations import Operation, SelectNumbers, TakeColumns


@dataclass(frozen=True, slots=True)
class FieldColumns:
    """Declared fields that no operation has read yet.

    Attributes:
        fields: The fields, in the order of the native columns.
        fill: For each field, the code that an imputer puts where the value is missing, or None.
    """

    fields: tuple[InputField, ...]
    fill: tuple[Category | None, ...]

    @property
    def width(self) -> int:
        """Number of native columns."""
        return len(self.fields)


@dataclass(frozen=True, slots=True)
class Block:
    """A named matrix of float64 that an operation wrote."""

    name: str
    width: int


Columns: TypeAlias = FieldColumns | Block


@dataclass(slots=True)
class Operations:
    """The operations written so far, in order; hands out block names that never repeat."""

    written: list[Operation] = field(default_factory=list)

    def name(self, word: str) -> str:
        """Return a name for the next block, such as `scaled_3`."""
        return f"{word}_{len(self.written) + 1}"

    def add(self, operation: Operation, width: int) -> Block:
        """Write `operation`; return its block, `width` columns wide."""
        self.written.append(operation)
        return Block(operation.output, width)


@dataclass(frozen=True, slots=True)
class Step:
    """One fitted scikit-learn object, and the path that names it in a refusal."""

    estimator: object
    path: str

    @property
    def name(self) -> str:
        """Class name of the estimator."""
        return type(self.estimator).__name__

    def inside(self, word: str, estimator: object) -> Step:
        """Return the step called `word` that lies within this one."""
        return Step(estimator, f"{self.path} → {word!r}" if self.path else repr(word))

    def refuse(self, reason: str, advice: str) -> FreezeRefused:
        """Return the refusal of this step, by name."""
        place = f" (step {self.path})" if self.path else ""
        return FreezeRefused(f"{self.name}{place}: {reason}", advice=advice)


def numbers(columns: Columns, step: Step, operations: Operations) -> Block:
    """Return `columns` as a block of numbers, reading the fields if no one has.

    Raises:
        FreezeRefused: a category field reaches a step that calculates.
    """
    if isinstance(columns, Block):
        return columns
    for declared in columns.fields:
        if isinstance(declared, CategoryField):
            raise step.refuse(
                f"it gets the category field {declared.name!r} as if it were a number.",
                "Encode the field first with OneHotEncoder or OrdinalEncoder, or declare it as a "
                "number field (whole = true).",
            )
    names = tuple(declared.name for declared in columns.fields)
    return operations.add(
        SelectNumbers(fields=names, output=operations.name("numbers")), len(names)
    )


def categories(columns: Columns, step: Step) -> FieldColumns:
    """Return `columns` as untouched category fields.

    Raises:
        FreezeRefused: a number field, or an already calculated column, reaches an encoder.
    """
    if isinstance(columns, Block):
        raise step.refuse(
            "it encodes columns that an earlier step calculated.",
            "Give the encoder the raw category fields, in a ColumnTransformer of its own.",
        )
    for declared in columns.fields:
        if isinstance(declared, NumberField):
            raise step.refuse(
                f"it encodes {declared.name!r}, which the spec declares as a number.",
                f"Declare {declared.name!r} as a category field with its codes.",
            )
    return columns


def take(columns: Columns, positions: Sequence[int], operations: Operations) -> Columns:
    """Return the columns at `positions`, in this order."""
    if list(positions) == list(range(columns.width)):
        return columns
    if isinstance(columns, FieldColumns):
        return FieldColumns(
            tuple(columns.fields[i] for i in positions), tuple(columns.fill[i] for i in positions)
        )
    operation = TakeColumns(
        input=columns.name, columns=tuple(positions), output=operations.name("taken")
    )
    return operations.add(operation, len(positions))


def check_width(columns: Columns, expected: int, step: Step) -> None:
    """Refuse a step that was fitted on another number of columns than it gets.

    Raises:
        FreezeRefused: the widths differ.
    """
    if columns.width != expected:
        raise step.refuse(
            f"it was fitted on {expected} columns and would get {columns.width}.",
            "Declare in the spec exactly the fields that the model was fitted on, in their order.",
        )
