"""The row that others are compared with: typical of the data, and nobody's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from bedside.canonical import Json
from bedside.errors import FreezeRefused
from bedside.freezing.domain import clip
from bedside.freezing.golden import CROWD, DIGITS, rounded
from bedside.freezing.rows import RawRow
from bedside.package.fields import CategoryField, InputField, NumberField

MOST_STEPS = 5
"""Last digits by which one number is moved until the row is nobody's."""


def reference_row(fields: tuple[InputField, ...], rows: Sequence[RawRow]) -> RawRow:
    """Return the median of each number, rounded, and the most frequent code of each category.

    A field without any value in `rows` is missing where that is allowed; else it gets the middle
    of its range, or its first code. Where one to four rows of the data are equal to the whole,
    one field is moved to its next value, so that the row describes nobody.

    Args:
        fields: The declared fields.
        rows: All rows of the data, in the fields' own units; None where a value is missing.

    Raises:
        FreezeRefused: every such row is a real one.
    """
    typical = {field.name: _typical(field, _known(field, rows)) for field in fields}
    for row in chain([typical], _moved(typical, fields, rows)):
        if not 0 < sum(person == row for person in rows) < CROWD:
            return row
    raise FreezeRefused(
        "No reference row for explanations was found that is nobody's: each row next to the "
        "typical one is a real row of the data.",
        advice="State explanation.reference in the spec.",
    )


def _known(field: InputField, rows: Sequence[RawRow]) -> list[Json]:
    return [row[field.name] for row in rows if row[field.name] is not None]


def _typical(field: InputField, known: list[Json]) -> Json:
    if isinstance(field, CategoryField):
        codes = _by_frequency(field, known)
        return codes[0] if known or field.missing == "refuse" else None
    if known:
        return clip(rounded(float(np.median(known))), field)
    return None if field.missing == "allow" else clip((field.minimum + field.maximum) / 2, field)


def _by_frequency(field: CategoryField, known: list[Json]) -> list[Json]:
    """Return the declared codes, the most frequent first; of equals in declared order."""
    counts = Counter(known)
    return sorted(field.categories, key=lambda code: -counts[code])


def _moved(
    typical: RawRow, fields: tuple[InputField, ...], rows: Sequence[RawRow]
) -> Iterator[RawRow]:
    """Yield rows that differ from `typical` in one field, by as little as its kind allows."""
    for field in fields:
        if isinstance(field, NumberField) and typical[field.name] is not None:
            for value in _next_numbers(typical[field.name], field):
                yield {**typical, field.name: value}
    for field in fields:
        if isinstance(field, CategoryField):
            for code in _by_frequency(field, _known(field, rows))[1:]:
                yield {**typical, field.name: code}


def _next_numbers(value: float, field: NumberField) -> Iterator[float]:
    step = 1.0
    if not field.whole and value:
        step = 10.0 ** (np.floor(np.log10(abs(value))) + 1 - DIGITS)
    for steps in range(1, MOST_STEPS + 1):
        for moved in (value + steps * step, value - steps * step):
            near = moved if field.whole else rounded(float(moved))
            if field.minimum <= near <= field.maximum:
                yield clip(near, field)
