"""Declared preprocessing: a short, closed list of operations with numbers, and no code.

A table of declared fields becomes named blocks (float64 matrices, one row per input); each
operation reads blocks and writes one. The last operation's block is what the model gets.
`runtime.preprocess` carries them out; `freezing` translates scikit-learn into them;
`docs/spec/package.md`, section 5, defines each one exactly.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from bedside.package.fields import Category, Frozen

BlockName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{0,79}$")]


class SelectNumbers(Frozen):
    """The named number fields, in this order, as columns; a missing value is NaN."""

    op: Literal["select_numbers"] = "select_numbers"
    version: Literal[1] = 1
    fields: Annotated[tuple[str, ...], Field(min_length=1)]
    output: BlockName


class OneHot(Frozen):
    """One column per category of each named field, 1.0 where it matches, else 0.0.

    `categories[i]` belongs to `fields[i]`; `null` among them matches a missing value. A value
    that matches nothing gives zeros. `drop[i]` is the position of the column left out, or -1.
    """

    op: Literal["one_hot"] = "one_hot"
    version: Literal[1] = 1
    fields: Annotated[tuple[str, ...], Field(min_length=1)]
    categories: tuple[tuple[Category | None, ...], ...]
    drop: tuple[int, ...]
    fill: tuple[Category | None, ...]
    """What replaces a missing value before matching; `null` leaves it missing."""
    output: BlockName


class Ordinal(Frozen):
    """One column per named field: the position of its value in `categories[i]`.

    `unknown[i]` is the number for a value that matches nothing, `missing[i]` for a missing one;
    `null` stands for NaN.
    """

    op: Literal["ordinal"] = "ordinal"
    version: Literal[1] = 1
    fields: Annotated[tuple[str, ...], Field(min_length=1)]
    categories: tuple[tuple[Category | None, ...], ...]
    unknown: tuple[float | None, ...]
    missing: tuple[float | None, ...]
    fill: tuple[Category | None, ...]
    output: BlockName


class Impute(Frozen):
    """Replace NaN in column i by `values[i]`; then append 1.0/0.0 columns that say what was missing.

    `indicators` holds the positions (in the input) of the columns that get such an indicator.
    """

    op: Literal["impute"] = "impute"
    version: Literal[1] = 1
    input: BlockName
    values: Annotated[tuple[float, ...], Field(min_length=1)]
    indicators: tuple[int, ...] = ()
    output: BlockName


class Standardise(Frozen):
    """`(x - centre) / scale`, column by column, NaN kept."""

    op: Literal["standardise"] = "standardise"
    version: Literal[1] = 1
    input: BlockName
    centre: Annotated[tuple[float, ...], Field(min_length=1)]
    scale: Annotated[tuple[float, ...], Field(min_length=1)]
    output: BlockName


class Rescale(Frozen):
    """`x * factor + offset`, column by column, then clipped to `clip` where given; NaN kept."""

    op: Literal["rescale"] = "rescale"
    version: Literal[1] = 1
    input: BlockName
    factor: Annotated[tuple[float, ...], Field(min_length=1)]
    offset: Annotated[tuple[float, ...], Field(min_length=1)]
    clip: tuple[float, float] | None = None
    output: BlockName


class TakeColumns(Frozen):
    """The columns at these positions of a block, in this order."""

    op: Literal["take_columns"] = "take_columns"
    version: Literal[1] = 1
    input: BlockName
    columns: Annotated[tuple[int, ...], Field(min_length=1)]
    output: BlockName


class Concatenate(Frozen):
    """The columns of several blocks side by side, in this order."""

    op: Literal["concatenate"] = "concatenate"
    version: Literal[1] = 1
    inputs: Annotated[tuple[BlockName, ...], Field(min_length=1)]
    output: BlockName


Operation: TypeAlias = Annotated[
    SelectNumbers | OneHot | Ordinal | Impute | Standardise | Rescale | TakeColumns | Concatenate,
    Field(discriminator="op"),
]
