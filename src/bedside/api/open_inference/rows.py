"""Tensors of a model of fields → its raw rows, which then go through the gate like any others.

One input for each field, [n] or [n, 1]: its values for n rows. Instead of the number fields one by one,
`numbers` takes all of them as [n, fields] in the order in which the package declares them; since that
order belongs to one version, the version must be named. What a value may be is the gate's affair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bedside.api.open_inference.framing import InferRequest
from bedside.api.open_inference.tensors import BYTES, Tensor
from bedside.canonical import Json
from bedside.errors import LimitExceeded, UsageError
from bedside.package.fields import NumberField, TabularInput

NUMBERS: Final = "numbers"
"""The input that holds all number fields at once."""

UNIT: Final = "unit"
"""A parameter of an input: in which unit its numbers are, where it is not the field's own."""


def number_names(declared: TabularInput) -> tuple[str, ...]:
    """Return the number fields that `numbers` holds, in order; none where a field has that name."""
    if any(field.name == NUMBERS for field in declared.fields):
        return ()
    return tuple(field.name for field in declared.fields if isinstance(field, NumberField))


def rows_of(
    request: InferRequest, declared: TabularInput, most: int, *, version_named: bool
) -> list[dict[str, Json]]:
    """Return the rows that the inputs of a request say.

    Args:
        request: Any, checked in itself.
        declared: The fields of the model.
        most: Most rows.
        version_named: Whether the client named the version whose order `numbers` follows.

    Raises:
        UsageError: the inputs do not agree with each other, or `numbers` cannot be read.
        LimitExceeded: too many rows.
    """
    rows = _number_of_rows(request.inputs, most)
    columns: dict[str, Sequence[Json]] = {}
    whole = number_names(declared)
    for tensor in request.inputs:
        if tensor.name == NUMBERS and whole:
            found = _matrix(tensor, whole, version_named=version_named)
        else:
            found = {tensor.name: _column(tensor)}
        if twice := found.keys() & columns.keys():
            raise UsageError(
                f"The field {min(twice)[:60]!r} is said twice: alone, and in {NUMBERS!r}.",
                advice="Say it once.",
            )
        columns |= found
    names = tuple(columns)
    told = [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    assert len(told) == rows  # noqa: S101 - every tensor was held against it
    return told


def _number_of_rows(inputs: Sequence[Tensor], most: int) -> int:
    rows = inputs[0].shape[0]
    if rows > most:
        raise LimitExceeded(
            f"The request has {rows} rows; at most {most} are taken at once.",
            advice="Send them in several requests.",
        )
    other = next((one for one in inputs if one.shape[0] != rows), None)
    if other is not None:
        raise UsageError(
            f"The input {inputs[0].name[:60]!r} has {rows} row(s) and {other.name[:60]!r} has "
            f"{other.shape[0]}.",
            advice="The first axis of every input is the number of rows.",
        )
    return rows


def _column(tensor: Tensor) -> Sequence[Json]:
    if len(tensor.shape) > 2 or tensor.shape[1:] not in ((), (1,)):
        raise UsageError(
            f"The input {tensor.name[:60]!r} has the shape {list(tensor.shape)}.",
            advice=f"A field's values come as [n] or [n, 1]; all number fields at once as {NUMBERS!r}.",
        )
    unit, values = tensor.parameters.get(UNIT), tensor.listed()
    if unit is None:
        return values
    if not isinstance(unit, str) or tensor.datatype == BYTES:
        raise UsageError(
            f"The input {tensor.name[:60]!r} has a unit that cannot be.",
            advice="A unit is text, beside numbers.",
        )
    return [None if one is None else {"value": one, "unit": unit} for one in values]


def _matrix(
    tensor: Tensor, names: tuple[str, ...], *, version_named: bool
) -> Mapping[str, Sequence[Json]]:
    if not version_named:
        raise UsageError(
            f"{NUMBERS!r} was sent to no version of the model.",
            advice="The order of its columns belongs to one version: name it in the address "
            "(/versions/…), or send one input for each field.",
        )
    if tensor.shape != (tensor.shape[0], len(names)) or tensor.datatype in (BYTES, "BOOL"):
        raise UsageError(
            f"The input {NUMBERS!r} is {tensor.datatype} {list(tensor.shape)}.",
            advice=f"Send numbers [n, {len(names)}], one column for each number field, in the "
            "order of the model's metadata.",
        )
    if UNIT in tensor.parameters:
        raise UsageError(
            f"{NUMBERS!r} has a unit.", advice="Its numbers are in the units of their fields."
        )
    values = tensor.listed()
    return {name: values[place :: len(names)] for place, name in enumerate(names)}
