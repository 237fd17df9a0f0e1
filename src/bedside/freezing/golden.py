"""Golden cases: synthesised rows, some next to each threshold, with the frozen model's answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias, TypeVar

import numpy as np

from bedside.canonical import Json, canonical_bytes
from bedside.errors import FreezeRefused
from bedside.freezing.domain import clip, random_row, range_ends, unknown_code
from bedside.freezing.frames import RawRow
from bedside.freezing.near import nearest_to_a_line, stable
from bedside.freezing.spec import GoldenOptions
from bedside.package.fields import CategoryField, InputField, NumberField
from bedside.package.golden import GoldenCase
from bedside.package.outputs import Output
from bedside.runtime.postprocess import Answer

DIGITS = 4
"""Significant digits of a synthesised number: plausible, and nobody's exact measurement."""

MIDDLE = (0.02, 0.98)
"""Quantiles between which values are drawn, so that no extreme patient can be recognised."""

MOST_GAPS = 8
"""Cases spent on missing values, and on unknown codes; more fields share a case."""

TRIES = 50
"""Draws for one case before it is given up."""

DRAWN = "synthesised row"
REAL = "real row"
DOMAIN = "row of the declared domain"

Frozen: TypeAlias = Callable[[Sequence[RawRow]], Sequence[Answer]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GoldenRow:
    """A golden case, and its input with every number in the field's own unit."""

    case: GoldenCase
    row: RawRow


def golden_cases(
    fields: tuple[InputField, ...],
    rows: Sequence[RawRow],
    frozen: Frozen,
    output: Output,
    options: GoldenOptions,
) -> tuple[GoldenRow, ...]:
    """Return golden cases with the answers of `frozen`.

    Unless `options.from_real_rows`, each field of a row is drawn by itself from the middle of
    the data, so no row is anyone's; none equals a row of `rows`.

    Raises:
        FreezeRefused: nearly every row of the domain is a real row, so none can be synthesised.
    """
    synthesis = Synthesis(fields, tuple(rows), np.random.default_rng(options.seed))
    known = {_key(row) for row in rows}
    cases: list[GoldenRow] = []
    taken: set[bytes] = set()
    wishes = _wishes(synthesis, frozen, output, options)
    for note, row, sent in wishes:
        if len(cases) >= options.cases and note in (DRAWN, REAL, DOMAIN):
            break
        real = note != REAL and _key(row) in known
        if real or _key(sent) in taken:
            continue
        answer = frozen([sent])[0]
        if not stable(answer, output, options.tolerance):
            continue
        taken.add(_key(sent))
        cases.append(GoldenRow(_case(len(cases) + 1, note, sent, answer), row))
    if len(cases) < 4:
        raise FreezeRefused(
            f"Only {len(cases)} golden cases can be synthesised that are no real row and keep "
            "away from the threshold.",
            advice="If real rows may be in the package, set golden.from_real_rows = true.",
        )
    return tuple(cases)


@dataclass(frozen=True, slots=True)
class Synthesis:
    """Draws rows that nobody has, each field by itself from its quantiles in the data."""

    fields: tuple[InputField, ...]
    rows: tuple[RawRow, ...]
    random: np.random.Generator
    columns: dict[str, list[Json]] = field(init=False)

    def __post_init__(self) -> None:
        known = {
            f.name: [row[f.name] for row in self.rows if row[f.name] is not None]
            for f in self.fields
        }
        object.__setattr__(self, "columns", known)

    def row(self) -> RawRow:
        """Return one row; nothing is missing."""
        return {f.name: self._value(f) for f in self.fields}

    def _value(self, declared: InputField) -> Json:
        known = self.columns[declared.name]
        if not known:
            return random_row((declared,), self.random)[declared.name]
        if isinstance(declared, CategoryField):
            codes = [code for code in known if code in declared.categories]
            codes = codes or list(declared.categories)
            return codes[int(self.random.integers(len(codes)))]
        drawn = float(np.quantile(np.asarray(known, dtype=float), self.random.uniform(*MIDDLE)))
        return clip(_rounded(drawn), declared)


def _rounded(value: float) -> float:
    if value == 0:
        return 0.0
    return round(value, DIGITS - 1 - math.floor(math.log10(abs(value))))


def _wishes(
    synthesis: Synthesis, frozen: Frozen, output: Output, options: GoldenOptions
) -> Iterator[tuple[str, RawRow, RawRow]]:
    """Yield (note, row in the fields' own units, row as sent), the most important first."""
    for note, row in nearest_to_a_line(synthesis.row, synthesis.fields, frozen, output, options):
        yield note, row, row
    low, high = range_ends(synthesis.fields)
    if low:
        for word, end in (("smallest", low), ("largest", high)):
            row = {**synthesis.row(), **end}
            yield f"every number the {word} allowed", row, row
    yield from _with_gaps(synthesis)
    yield from _with_units(synthesis)
    if options.from_real_rows:
        step = max(1, len(synthesis.rows) // options.cases)
        for row in islice(synthesis.rows, 0, None, step):
            yield REAL, row, row
    for _ in range(options.cases * TRIES):
        row = synthesis.row()
        yield DRAWN, row, row
    for _ in range(options.cases * TRIES):
        row = random_row(synthesis.fields, synthesis.random)
        yield DOMAIN, row, row


def _with_gaps(synthesis: Synthesis) -> Iterator[tuple[str, RawRow, RawRow]]:
    gaps = [f.name for f in synthesis.fields if f.missing == "allow"]
    groups = _shared(gaps, MOST_GAPS)
    if len(gaps) > 1:
        groups.append(gaps)
    for names in groups:
        row = {**synthesis.row(), **dict.fromkeys(names)}
        yield f"missing: {', '.join(names)}"[:2_000], row, row
    strange = [f for f in synthesis.fields if isinstance(f, CategoryField) and f.unknown == "allow"]
    for chosen in _shared(strange, MOST_GAPS):
        row = {**synthesis.row(), **{f.name: unknown_code(f) for f in chosen}}
        yield f"unknown code: {', '.join(f.name for f in chosen)}"[:2_000], row, row


def _with_units(synthesis: Synthesis) -> Iterator[tuple[str, RawRow, RawRow]]:
    measured = [f for f in synthesis.fields if isinstance(f, NumberField) and f.conversions]
    for turn in range(max((len(f.conversions) for f in measured), default=0)):
        row = synthesis.row()
        others = {f.name: _in_unit(row[f.name], f, turn) for f in measured}
        sent = {**row, **{name: value for name, value in others.items() if value is not None}}
        if sent != row:
            yield "values in other declared units", row, sent


def _in_unit(value: float, declared: NumberField, turn: int) -> Json:
    """Return `value` in the field's other unit at `turn`; None where there is none that fits."""
    if turn >= len(declared.conversions):
        return None
    other = declared.conversions[turn]
    sent = (value - other.offset) / other.factor
    back = sent * other.factor + other.offset
    fits = declared.minimum <= back <= declared.maximum
    if not fits or (declared.whole and not back.is_integer()):
        return None
    return {"value": sent, "unit": other.unit}


def _shared(items: list[T], most: int) -> list[list[T]]:
    """Return `items` in at most `most` groups, in order."""
    size = max(1, math.ceil(len(items) / most))
    return [items[i : i + size] for i in range(0, len(items), size)]


def _case(number: int, note: str, row: RawRow, answer: Answer) -> GoldenCase:
    return GoldenCase(
        id=f"case-{number:03d}",
        input=row,
        label=answer.label,
        scores=dict(answer.scores),
        note=note,
    )


def _key(row: RawRow) -> bytes:
    return canonical_bytes(row)
