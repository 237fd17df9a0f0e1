"""Rows inside the declared domain that a native and a frozen model must agree on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bedside.canonical import Json
from bedside.freezing.rows import RawRow, told_row
from bedside.package.fields import Category, CategoryField, InputField, NumberField

UNKNOWN_CODE = "(unknown code)"
"""A text that no author declares as a category."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that try the same thing.

    Attributes:
        name: What they try, for messages.
        rows: The rows; pictures are read when they are asked for.
        missing: Whether values are missing in them.
        unknown: Whether they hold codes that are not declared.
        told: What a message calls each row; none where it shows the row itself.
        at_once: How many are answered together.
    """

    name: str
    rows: Sequence[RawRow]
    missing: bool = False
    unknown: bool = False
    told: Sequence[str] = ()
    at_once: int = 4_096

    def parts(self) -> Iterator[Sequence[RawRow]]:
        """Yield the rows, at most `at_once` together."""
        for start in range(0, len(self.rows), self.at_once):
            yield self.rows[start : start + self.at_once]

    def shown(self, position: int) -> str:
        """Return what a message says of the row at `position`."""
        return self.told[position] if self.told else told_row(self.rows[position])


def comparison_groups(
    rows: Sequence[RawRow], fields: tuple[InputField, ...], *, seed: int, random_rows: int
) -> tuple[Group, ...]:
    """Return `rows` and what the domain allows beside them.

    Missing values one at a time, several and all at once; unknown codes; every declared code;
    the ends of every range; random rows. The same arguments give the same groups.
    """
    random = np.random.default_rng(seed)
    bases = [rows[i] for i in random.choice(len(rows), min(5, len(rows)), replace=False)]
    groups = [
        _own(rows),
        *_missing(bases, fields, random),
        *_codes(bases, fields),
        _ends(bases, fields),
    ]
    if random_rows:
        drawn = tuple(random_row(fields, random) for _ in range(random_rows))
        groups.append(Group("random rows of the declared domain", drawn))
    return tuple(group for group in groups if group.rows)


def random_row(fields: tuple[InputField, ...], random: np.random.Generator) -> RawRow:
    """Return one row, each field drawn evenly from its declared domain; nothing is missing."""
    return {field.name: _draw(field, random) for field in fields}


def _draw(field: InputField, random: np.random.Generator) -> Json:
    if isinstance(field, CategoryField):
        return field.categories[int(random.integers(len(field.categories)))]
    value = float(random.uniform(field.minimum, field.maximum))
    return clip(round(value), field) if field.whole else value


def evenly(rows: Sequence[RawRow], most: int) -> Sequence[RawRow]:
    """Return at most `most` of `rows`, evenly spaced."""
    if len(rows) <= most:
        return rows
    return [rows[i * len(rows) // most] for i in range(most)]


def clip(value: float, field: NumberField) -> float | int:
    """Return `value` moved into the field's range, whole where the field is."""
    if field.whole:
        low, high = int(np.ceil(field.minimum)), int(np.floor(field.maximum))
        return min(max(round(value), low), high)
    return min(max(float(value), field.minimum), field.maximum)


def unknown_code(field: CategoryField) -> Category:
    """Return a code that `field` does not declare."""
    if isinstance(field.categories[0], str):
        return UNKNOWN_CODE
    return max(int(code) for code in field.categories) + 1


def _own(rows: Sequence[RawRow]) -> Group:
    gaps = any(value is None for row in rows for value in row.values())
    return Group("your data", tuple(rows), missing=gaps)


def _missing(
    bases: list[RawRow], fields: tuple[InputField, ...], random: np.random.Generator
) -> Iterator[Group]:
    gaps = [field.name for field in fields if field.missing == "allow"]
    for name in gaps:
        yield Group(f"{name!r} missing", tuple({**b, name: None} for b in bases), missing=True)
    if len(gaps) > 1:
        several = []
        for i in range(20):
            chosen = random.choice(gaps, int(random.integers(2, len(gaps) + 1)), replace=False)
            several.append({**bases[i % len(bases)], **{str(name): None for name in chosen}})
        yield Group("several values missing", tuple(several), missing=True)
        every = dict.fromkeys(gaps)
        yield Group(
            "everything missing that may be", tuple({**b, **every} for b in bases), missing=True
        )


def _codes(bases: list[RawRow], fields: tuple[InputField, ...]) -> Iterator[Group]:
    coded = [field for field in fields if isinstance(field, CategoryField)]
    for field in coded:
        yield Group(
            f"every code of {field.name!r}",
            tuple({**bases[0], field.name: code} for code in field.categories),
        )
        if field.unknown == "allow":
            stranger = unknown_code(field)
            yield Group(
                f"an unknown code for {field.name!r}",
                tuple({**base, field.name: stranger} for base in bases),
                unknown=True,
            )


def _ends(bases: list[RawRow], fields: tuple[InputField, ...]) -> Group:
    low, high = range_ends(fields)
    rows = [{**base, name: end[name]} for base in bases[:2] for end in (low, high) for name in end]
    rows += [{**base, **end} for base in bases[:2] for end in (low, high)]
    return Group("range ends", tuple(rows) if low else ())


def range_ends(fields: tuple[InputField, ...]) -> tuple[RawRow, RawRow]:
    """Return the smallest and the largest value of every number field."""
    measured = [field for field in fields if isinstance(field, NumberField)]
    return (
        {field.name: clip(field.minimum, field) for field in measured},
        {field.name: clip(field.maximum, field) for field in measured},
    )
