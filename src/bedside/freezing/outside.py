"""The author's own rows that the declared domain refuses, told field by field."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from bedside.canonical import Json
from bedside.errors import FreezeRefused, InputRefused
from bedside.freezing.rows import RawRow
from bedside.package.fields import CategoryField, InputField, NumberField, TabularInput
from bedside.runtime.gate import Gate
from bedside.runtime.wording import number, shown

MOST_FIELDS = 5
"""Fields told in one refusal; the rest are counted."""

MOST_CODES = 5

Faults = tuple[list[str], list[str]]
"""What is wrong with one field, and what to do about it."""


def refuse_outside(rows: Sequence[RawRow], fields: tuple[InputField, ...]) -> None:
    """Refuse a declared domain that does not hold the author's own rows.

    Raises:
        FreezeRefused: names the fields, how many rows, the farthest values, and what to do.
    """
    try:
        Gate(TabularInput(fields=fields)).check(rows)
    except InputRefused as problem:
        told, advice = [], list[str]()
        for field in fields:
            wrong, ways = _faults(field, [row[field.name] for row in rows])
            told += [f"{field.name!r}: {', '.join(wrong)}"] if wrong else []
            advice += ways
        more = f"; and {len(told) - MOST_FIELDS} more fields" if len(told) > MOST_FIELDS else ""
        ways = list(dict.fromkeys(advice))
        raise FreezeRefused(
            f"Your own data lies outside the declared domain: {'; '.join(told[:MOST_FIELDS])}{more}.",
            advice=_sentence([*ways, "or take these rows out"]),
        ) from problem


def _faults(field: InputField, values: list[Json]) -> Faults:
    wrong, ways = [], []
    absent = [i for i, value in enumerate(values) if value is None]
    if absent and field.missing == "refuse":
        wrong.append(f"{_of(absent, values)} have no value (row {absent[0]})")
        ways.append('allow missing values (missing = "allow")')
    more = _codes(field, values) if isinstance(field, CategoryField) else _numbers(field, values)
    return wrong + more[0], ways + more[1]


def _codes(field: CategoryField, values: list[Json]) -> Faults:
    if field.unknown == "allow":
        return _misspelt(field, values)
    unknown = Counter(v for v in values if v is not None and v not in field.categories)
    if not unknown:
        return [], []
    codes = ", ".join(repr(code) for code, _ in unknown.most_common(MOST_CODES))
    rest = f" and {len(unknown) - MOST_CODES} more codes" if len(unknown) > MOST_CODES else ""
    first = next(i for i, value in enumerate(values) if value in unknown)
    return [
        f"{unknown.total()} of {len(values)} rows have a code that is not declared: "
        f"{codes}{rest} (first in row {first})"
    ], ["declare the code"]


def _misspelt(field: CategoryField, values: list[Json]) -> Faults:
    """Return what a field that takes unknown codes still refuses: what looks like a known one."""
    gate = Gate(TabularInput(fields=(field.model_copy(update={"missing": "allow"}),)))
    try:
        gate.check([{field.name: value} for value in values])
    except InputRefused as problem:
        first = problem.refusals[0]
        return [f"row {first.row}: {first.code}: {first.value}; allowed: {first.allowed}"], [
            "correct the code"
        ]
    return [], []


def _numbers(field: NumberField, values: list[Json]) -> Faults:
    known = [(i, value) for i, value in enumerate(values) if value is not None]
    below = [(i, value) for i, value in known if value < field.minimum]
    above = [(i, value) for i, value in known if value > field.maximum]
    wrong, ways = [], []
    for found, word in (
        (below, f"below {number(field.minimum)}, smallest"),
        (above, f"above {number(field.maximum)}, largest"),
    ):
        if found:
            row, value = (min if found is below else max)(found, key=lambda pair: pair[1])
            wrong.append(f"{_of(found, values)} {word} {shown(value)} (row {row})")
    if len(below) > len(values) / 3:
        ways.append("give the raw data if this is already scaled")
    if wrong:
        ways.append("widen the declared range")
    parts = [i for i, value in known if field.whole and value % 1 and not math.isinf(value)]
    if parts:
        wrong.append(f"{_of(parts, values)} are no whole number (row {parts[0]})")
        ways.append("declare whole = false")
    return wrong, ways


def _sentence(ways: list[str]) -> str:
    text = ", ".join(ways)
    return f"{text[0].upper()}{text[1:]}."


def _of(found: Sequence[object], values: Sequence[object]) -> str:
    return f"{len(found)} of {len(values)} rows"
