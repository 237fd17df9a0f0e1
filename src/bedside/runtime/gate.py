"""The gate: is this input inside the domain that the package declares?

Every row and every field is looked at before anything is refused, so that a caller mends all
faults at once. Nothing is guessed, rounded or filled in here. `docs/spec/package.md`, section 4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from bedside.canonical import Json
from bedside.errors import InputRefused, Refusal, UsageError
from bedside.package.fields import Category, CategoryField, NumberField, TabularInput
from bedside.runtime.lookalikes import folded, readable, shown_beside
from bedside.runtime.table import Table
from bedside.runtime.wording import (
    MAX_CODE_CHARACTERS,
    MAX_WHOLE,
    allowed_category,
    allowed_number,
    in_unit,
    number,
    printable,
    shown,
)

MAX_REFUSALS: Final = 100
"""Reasons that one refusal gives; a hostile request must not make a message without end."""


class Refusals:
    """Collects the reasons of one request, up to `MAX_REFUSALS`."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: list[Refusal] = []

    @property
    def full(self) -> bool:
        """Whether no further reason is kept."""
        return len(self.found) >= MAX_REFUSALS

    def add(self, row: int, field: str, code: str, value: str, allowed: str) -> None:
        """Keep one reason, unless there are enough."""
        if not self.full:
            self.found.append(Refusal(row, printable(field), code, value, allowed))


class NumberCheck:
    """One number field, compiled for checking many values."""

    __slots__ = ("_allowed", "_conversions", "_field", "maximum", "minimum", "name", "plain")

    def __init__(self, field: NumberField) -> None:
        self.name = field.name
        self.minimum = field.minimum
        self.maximum = field.maximum
        self.plain = not field.whole
        """Whether the range alone decides about a number without a unit."""
        self._field = field
        self._allowed = allowed_number(field)
        self._conversions = {c.unit: (c.factor, c.offset) for c in field.conversions}

    def read(self, value: Json, row: int, refusals: Refusals) -> float:
        """Return `value` in the field's unit, NaN when it is missing or refused."""
        unit: Json = self._field.unit
        sent = value
        if isinstance(sent, dict):
            if sent.keys() != {"value", "unit"}:
                return self._refuse(refusals, row, "wrong-type", shown(value))
            sent, unit = sent["value"], sent["unit"]
        if not isinstance(unit, str) or not (unit == self._field.unit or unit in self._conversions):
            return self._refuse(refusals, row, "wrong-unit", shown(value))
        if sent is None:
            if self._field.missing == "refuse":
                self._refuse(refusals, row, "missing", "nothing")
            return math.nan
        if isinstance(sent, bool) or not isinstance(sent, int | float):
            return self._refuse(refusals, row, "wrong-type", shown(value))
        converted, fault, text = self._convert(sent, unit)
        return converted if not fault else self._refuse(refusals, row, fault, text)

    def _convert(self, sent: float, unit: str) -> tuple[float, str, str]:
        """Return the value in the field's unit, a refusal's code or nothing, and what was sent."""
        field, text = self._field, shown(sent) + in_unit(unit)
        try:
            converted = float(sent)
        except OverflowError:  # an integer beyond every float is beyond every range
            return math.nan, "out-of-range", text
        if not math.isfinite(converted):
            return math.nan, "not-finite", text
        if unit != field.unit:
            factor, offset = self._conversions[unit]
            converted = converted * factor + offset
            text += f" (= {number(converted)}{in_unit(field.unit)})"
        if not field.minimum <= converted <= field.maximum:
            return math.nan, "out-of-range", text
        if field.whole and not converted.is_integer():
            return math.nan, "wrong-type", text
        return converted, "", text

    def _refuse(self, refusals: Refusals, row: int, code: str, value: str) -> float:
        refusals.add(row, self.name, code, value, self._allowed)
        return math.nan


class CategoryCheck:
    """One category field, compiled for checking many values."""

    __slots__ = ("_allowed", "_codes", "_field", "_looks", "_text", "name")

    def __init__(self, field: CategoryField) -> None:
        self.name = field.name
        self._field = field
        self._text = isinstance(field.categories[0], str)
        self._codes = frozenset(field.categories)
        self._looks = {folded(code): code for code in field.categories if isinstance(code, str)}
        self._allowed = allowed_category(field)

    def read(self, value: Json, row: int, refusals: Refusals) -> Category | None:
        """Return the code, None when it is missing or refused."""
        if value is None:
            if self._field.missing == "refuse":
                refusals.add(row, self.name, "missing", "nothing", self._allowed)
            return None
        code = value if self._text else _whole(value)
        if isinstance(code, bool) or not isinstance(code, str if self._text else int):
            refusals.add(row, self.name, "wrong-type", shown(value), self._allowed)
            return None
        if code in self._codes or (self._field.unknown == "allow" and self._is_new(code)):
            return code
        told, hint = shown(value), ""
        if isinstance(code, str):
            told = shown_beside(code, self._looks.values())
            meant = self._looks.get(folded(code))
            hint = f"; perhaps {meant!r} is meant" if meant is not None else ""
        refusals.add(row, self.name, "unknown-category", told, self._allowed + hint)
        return None

    def _is_new(self, code: Category) -> bool:
        """Whether a code that training never saw can be recorded, and is no misspelt known one."""
        if isinstance(code, int):
            return abs(code) <= MAX_WHOLE
        return readable(code) and folded(code) not in self._looks


class Gate:
    """The declared domain of a tabular model, compiled once, used for every request."""

    __slots__ = ("_categories", "_names", "_numbers", "_spelt")

    def __init__(self, declared: TabularInput) -> None:
        self._numbers = tuple(
            NumberCheck(field) for field in declared.fields if isinstance(field, NumberField)
        )
        self._categories = tuple(
            CategoryCheck(field) for field in declared.fields if isinstance(field, CategoryField)
        )
        self._names = frozenset(field.name for field in declared.fields)
        self._spelt = {_without_marks(name): name for name in self._names}

    def check(self, rows: Sequence[Json]) -> Table:
        """Return `rows` as a table, every value in its field's own unit.

        Args:
            rows: Each an object from field name to value: a number, or
                `{"value": number, "unit": unit}`; a code; null or absent where it is missing.

        Raises:
            InputRefused: with every reason of every row, the first `MAX_REFUSALS` of them.
            UsageError: no row at all.
        """
        if not rows:
            raise UsageError("There is no row to predict.", advice="Send at least one row.")
        refusals = Refusals()
        numbers: list[list[float]] = []
        codes: list[list[Category | None]] = []
        for position, row in enumerate(rows):
            if not isinstance(row, dict):
                refusals.add(position, "", "wrong-type", shown(row), "an object of named fields")
            else:
                if not row.keys() <= self._names:
                    self._refuse_unknown(position, row, refusals)
                numbers.append(self._read_numbers(position, row, refusals))
                codes.append(self._read_codes(position, row, refusals))
            if refusals.full:
                break
        if refusals.found:
            raise InputRefused(tuple(refusals.found))
        matrix = np.array(numbers, dtype=np.float64).reshape(len(rows), len(self._numbers))
        return Table(matrix, tuple(zip(*codes, strict=True)))

    def _read_numbers(
        self, position: int, row: Mapping[str, Json], refusals: Refusals
    ) -> list[float]:
        values = []
        for check in self._numbers:
            value = row.get(check.name)
            # The hot path: a plain number in its range. Everything else takes the long way.
            if not (
                check.plain
                and (type(value) is float or type(value) is int)
                and check.minimum <= value <= check.maximum
            ):
                value = check.read(value, position, refusals)
            values.append(value)
        return values

    def _read_codes(
        self, position: int, row: Mapping[str, Json], refusals: Refusals
    ) -> list[Category | None]:
        return [check.read(row.get(check.name), position, refusals) for check in self._categories]

    def _refuse_unknown(self, position: int, row: Mapping[str, Json], refusals: Refusals) -> None:
        for name, value in row.items():
            if name not in self._names:
                near = self._spelt.get(_without_marks(name))
                advice = f"only the {len(self._names)} declared fields"
                advice += f"; perhaps {near!r} is meant" if near else ""
                refusals.add(position, str(name), "unknown-field", shown(value), advice)
            if refusals.full:
                return


def _whole(value: Json) -> Json:
    """Return 1 for 1.0: JSON does not tell them apart, and neither do its writers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _without_marks(name: str) -> str:
    """Return a name without case, spaces, dashes and underscores, to find a misspelt one."""
    text = str(name)[:MAX_CODE_CHARACTERS].casefold()
    return text.replace("_", "").replace("-", "").replace(" ", "")
