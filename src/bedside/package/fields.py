"""The declared domain of a tabular model: its fields, their types, units, ranges and gaps.

Everything here is a frozen value. What a field means for an input is judged in
`runtime.gate`; what it looks like in the archive is `docs/spec/package.md`, section 4.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_FIELDS = 4096
"""More input fields than any tabular model at a bedside; bounds the work of a reader."""

MAX_CATEGORIES = 4096
"""More categories than one coded field has; bounds one-hot width."""

Language: TypeAlias = Literal["en", "ja"]
Text: TypeAlias = dict[Language, Annotated[str, Field(min_length=1, max_length=20_000)]]
"""The same words in one or more languages, keyed by language."""

LARGEST_BINARY32 = 3.4028234663852886e38
"""Largest finite number that binary32 holds, in which networks compute."""

SMALLEST_BINARY32 = 1.1754943508222875e-38
"""Smallest number above 0 that binary32 holds with all its digits."""

Binary32: TypeAlias = Annotated[float, Field(ge=-LARGEST_BINARY32, le=LARGEST_BINARY32)]
"""A number that stays finite when a network's arithmetic takes it."""

Missing: TypeAlias = Literal["refuse", "allow"]
Category: TypeAlias = Annotated[str, Field(max_length=200)] | int
Unit: TypeAlias = Annotated[str, Field(min_length=1, max_length=60)]


class Frozen(BaseModel):
    """A value of the manifest: immutable, strict about types, closed to unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def absent(value: object) -> bool:
    """Return whether an optional member is absent, and so left out of the spelling.

    For members that came after the first packages of a format version, whose manifests do not
    name them and must keep their digest: `Field(exclude_if=absent)`. All others are written
    `null`, so that every value has one spelling.
    """
    return value is None


class UnitConversion(Frozen):
    """Another unit in which a field may be sent: `value × factor + offset` gives the field's unit."""

    unit: Unit
    factor: float
    offset: float = 0.0


class NumberField(Frozen):
    """A number in a stated unit (UCUM; `1` where the quantity has none) and a closed range."""

    kind: Literal["number"] = "number"
    name: Annotated[str, Field(min_length=1, max_length=200)]
    unit: Unit
    minimum: float
    maximum: float
    whole: bool = False
    missing: Missing = "refuse"
    conversions: tuple[UnitConversion, ...] = ()
    description: Text = Field(default_factory=dict)

    @model_validator(mode="after")
    def _range_is_ordered(self) -> Self:
        if not self.minimum < self.maximum:
            raise ValueError(
                f"field {self.name!r}: minimum {self.minimum} is not below maximum {self.maximum}"
            )
        if self.whole and math.ceil(self.minimum) > math.floor(self.maximum):
            raise ValueError(
                f"field {self.name!r}: no whole number lies from {self.minimum} to {self.maximum}"
            )
        units = [self.unit, *(conversion.unit for conversion in self.conversions)]
        if len(set(units)) != len(units):
            raise ValueError(f"field {self.name!r}: a unit stands twice in {units}")
        if any(c.factor == 0 or not math.isfinite(c.factor) for c in self.conversions):
            raise ValueError(f"field {self.name!r}: a conversion factor must be finite and not 0")
        return self


class CategoryField(Frozen):
    """One of a closed list of codes; `unknown="allow"` lets a code through that training never saw."""

    kind: Literal["category"] = "category"
    name: Annotated[str, Field(min_length=1, max_length=200)]
    categories: Annotated[tuple[Category, ...], Field(min_length=1, max_length=MAX_CATEGORIES)]
    missing: Missing = "refuse"
    unknown: Missing = "refuse"
    description: Text = Field(default_factory=dict)

    @model_validator(mode="after")
    def _categories_are_distinct_and_alike(self) -> Self:
        if len(set(self.categories)) != len(self.categories):
            raise ValueError(f"field {self.name!r}: a category stands twice")
        if len({type(category) for category in self.categories}) != 1:
            raise ValueError(f"field {self.name!r}: categories must be all text or all integers")
        return self


InputField: TypeAlias = Annotated[NumberField | CategoryField, Field(discriminator="kind")]


class TabularInput(Frozen):
    """One row of named fields. Later kinds (image, volume) stand beside this one."""

    kind: Literal["tabular"] = "tabular"
    fields: Annotated[tuple[InputField, ...], Field(min_length=1, max_length=MAX_FIELDS)]

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        names = [field.name for field in self.fields]
        if len(set(names)) != len(names):
            repeated = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"the field {repeated!r} is declared twice")
        return self
