"""Golden cases: synthesised rows, some next to each threshold, with the frozen model's answers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from typing import TypeAlias, TypeVar

import numpy as np

from bedside.canonical import Json, canonical_bytes
from bedside.errors import FreezeRefused
from bedside.freezing.data import Frozen, GoldenRow
from bedside.freezing.domain import clip, evenly, random_row, range_ends, unknown_code
from bedside.freezing.near import LINE, MARGIN, nearest_to_a_line, row_between, stable
from bedside.freezing.rows import RawRow
from bedside.freezing.spec import GoldenOptions
from bedside.package.fields import CategoryField, InputField, NumberField
from bedside.package.golden import GoldenCase
from bedside.package.outputs import NumberOutput, Output
from bedside.runtime.postprocess import Answer

DIGITS = 4
"""Significant digits of a synthesised number: plausible, and nobody's exact measurement."""

MIDDLE = (0.02, 0.98)
"""Quantiles between which values are drawn, so that no extreme patient can be recognised."""

MOST_GAPS = 8
"""Cases spent on missing values, and on unknown codes; more fields share a case."""

SEARCHED = 400
"""Rows of one kind among which two sides of a line are looked for."""

MOST_REAL = 2_000
"""Rows of the data that are asked for their label when a side of a line is not found otherwise."""

CROWD = 5
"""Fewest real rows whose fields are mixed into new ones; of fewer, someone could be recognised."""

CASES = 24
"""Golden cases of a table where the spec says no other number."""

TRIES = 50
"""Draws for one case before it is given up."""

DRAWN = "synthesised row"
REAL = "real row"
DOMAIN = "row of the declared domain"
MIXED = "mixture of several pictures"
PLAIN = frozenset({DRAWN, REAL, DOMAIN, MIXED})
"""Notes of cases that only fill up the number that is wanted."""

FEWEST = 4
"""Fewer cases prove too little."""

Wish: TypeAlias = tuple[str, RawRow, RawRow]
"""Why a case is wished for, its row in the fields' own units, and the row as it is sent."""

T = TypeVar("T")


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
        FreezeRefused: no row was found on one side of the line; nearly every row of the domain is a real row, so none can be synthesised.
    """
    wanted = options.cases or CASES
    synthesis = Synthesis(fields, tuple(rows), np.random.default_rng(options.seed))
    known = set() if options.from_real_rows else {_key(row) for row in rows}
    line = _near(synthesis, frozen, output, options, known)
    wishes = chain(line, _wishes(synthesis, wanted, real=options.from_real_rows))
    nobodys = (wish for wish in wishes if _key(wish[1]) not in known)
    return gathered(nobodys, frozen, output, options.tolerance, wanted)


def gathered(
    wishes: Iterable[Wish], frozen: Frozen, output: Output, tolerance: float, wanted: int
) -> tuple[GoldenRow, ...]:
    """Return cases for the first `wishes` whose label holds; plain ones until `wanted` are there.

    Raises:
        FreezeRefused: fewer than four, or none on one side of a line.
    """
    cases: list[GoldenRow] = []
    taken: set[bytes] = set()
    for note, row, sent in wishes:
        if len(cases) >= wanted and note in PLAIN:
            break
        if _key(sent) in taken:
            continue
        answer = frozen([sent])[0]
        if not stable(answer, output, tolerance):
            continue
        taken.add(_key(sent))
        cases.append(GoldenRow(_case(len(cases) + 1, note, sent, answer), row))
    if len(cases) < FEWEST:
        raise FreezeRefused(
            f"Only {len(cases)} golden cases can be synthesised that are no real row and keep "
            "away from the threshold.",
            advice="If real rows may be in the package, set golden.from_real_rows = true.",
        )
    guarded = {case.case.label for case in cases if LINE in case.case.note}
    if not isinstance(output, NumberOutput) and len(guarded) < 2:
        raise FreezeRefused(
            f"No golden case can lie on both sides of the line where the label changes (only on "
            f"that of {sorted(map(str, guarded))}): no row found there keeps {MARGIN} tolerances "
            "away from it and is nobody's real row.",
            advice="Lower golden.tolerance, or set golden.from_real_rows = true if real rows may "
            "be in the package.",
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
        return clip(rounded(drawn), declared)


def rounded(value: float) -> float:
    """Return `value` with `DIGITS` significant digits."""
    if value == 0:
        return 0.0
    return round(value, DIGITS - 1 - math.floor(math.log10(abs(value))))


def _near(
    synthesis: Synthesis,
    frozen: Frozen,
    output: Output,
    options: GoldenOptions,
    known: set[bytes],
) -> Iterator[Wish]:
    """Yield the cases that guard each line."""

    def usable(row: RawRow, answer: Answer) -> bool:
        return _key(row) not in known and stable(answer, output, options.tolerance)

    nobodys = (
        [row for row in pool if _key(row) not in known]
        for pool in _pools(synthesis, frozen, options)
    )
    between = partial(row_between, fields=synthesis.fields)
    for note, row in nearest_to_a_line(nobodys, frozen, between, output, usable):
        yield note, row, row


def _wishes(synthesis: Synthesis, cases: int, *, real: bool) -> Iterator[Wish]:
    """Yield the cases beside those, the most important first."""
    low, high = range_ends(synthesis.fields)
    if low:
        for word, end in (("smallest", low), ("largest", high)):
            row = {**synthesis.row(), **end}
            yield f"every number the {word} allowed", row, row
    yield from _with_gaps(synthesis)
    yield from _with_units(synthesis)
    if real:
        step = max(1, len(synthesis.rows) // cases)
        for row in islice(synthesis.rows, 0, None, step):
            yield REAL, row, row
    for _ in range(cases * TRIES):
        row = synthesis.row()
        yield DRAWN, row, row
    for _ in range(cases * TRIES):
        row = random_row(synthesis.fields, synthesis.random)
        yield DOMAIN, row, row


def _pools(synthesis: Synthesis, frozen: Frozen, options: GoldenOptions) -> Iterator[list[RawRow]]:
    """Yield rows among which two sides of a line are looked for, the most plausible first.

    The data's own rows only say which values go with which label: new rows are drawn from the
    fields of all rows of one label, unless real rows may be in the package.
    """
    yield [synthesis.row() for _ in range(SEARCHED)]
    yield [random_row(synthesis.fields, synthesis.random) for _ in range(SEARCHED)]
    low, high = range_ends(synthesis.fields)
    yield [{**synthesis.row(), **end} for end in (low, high)]
    real = evenly(synthesis.rows, MOST_REAL)
    by_label: dict[str | None, list[RawRow]] = {}
    for row, answer in zip(real, frozen(real), strict=True):
        by_label.setdefault(answer.label, []).append(row)
    for rows in by_label.values():
        if len(rows) >= CROWD:
            alike = Synthesis(synthesis.fields, tuple(rows), synthesis.random)
            yield [alike.row() for _ in range(SEARCHED)]
    if options.from_real_rows:
        yield list(real)


def _with_gaps(synthesis: Synthesis) -> Iterator[Wish]:
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


def _with_units(synthesis: Synthesis) -> Iterator[Wish]:
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
