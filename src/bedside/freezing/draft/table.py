"""A table's columns as a draft needs them: read once, row by row, in bounded memory."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

from bedside.errors import FreezeRefused, LimitExceeded, NotFound
from bedside.freezing.draft.facts import Column, TableFacts
from bedside.package.fields import MAX_FIELDS

MOST_CODES: Final = 20
"""More different texts than this are no codes but free text, names or identifiers."""

MOST_ODD: Final = 5
MAX_CELL: Final = 200
"""Characters of a cell that are kept; a category may have no more."""

MAX_TABLE_BYTES: Final = 4 * 2**30
"""4 GiB: minutes of reading; a larger table is better described by a sample of it."""

_NUMBER = re.compile(r"[+-]?([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})([eE][+-]?[0-9]{1,3})?")
_PADDED = re.compile(r"[+-]?0[0-9]+")
"""A code such as 007, which is no number."""


def table_facts(path: Path) -> TableFacts:
    """Return what a CSV file shows: its digest, its rows and its columns.

    Raises:
        NotFound: no such file.
        LimitExceeded: larger than `MAX_TABLE_BYTES`, or more columns than a model may have fields.
        FreezeRefused: not CSV in UTF-8 with a header, or without rows.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {str(path)!r}.", advice="Give the path of a CSV file.")
    if (size := path.stat().st_size) > MAX_TABLE_BYTES:
        raise LimitExceeded(
            f"{path.name} has {size} bytes; at most {MAX_TABLE_BYTES}.",
            advice="Draft the spec from some thousand of its rows.",
        )
    try:
        with path.open("rb") as raw:
            found = hashlib.file_digest(raw, "sha256").hexdigest()
            raw.seek(0)
            text = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
            rows, columns = _columns(csv.reader(text, strict=True))
    except (ValueError, csv.Error) as problem:
        raise FreezeRefused(
            f"{path.name} cannot be read as a table: {problem}.",
            advice="Give a CSV file in UTF-8 with a header; leave missing values empty.",
        ) from problem
    return TableFacts(path.name, f"sha256:{found}", rows, columns)


def _columns(lines: Iterator[list[str]]) -> tuple[int, tuple[Column, ...]]:
    """Return the number of rows, and the columns; ValueError says what is wrong."""
    header = next(lines, [])
    if not any(header):
        raise ValueError("it has no header")
    if len(header) > MAX_FIELDS:
        raise LimitExceeded(f"The table has {len(header)} columns; at most {MAX_FIELDS}.")
    if repeated := sorted({name for name in header if header.count(name) > 1}):
        raise ValueError(f"its header has the name {repeated[0]!r} twice")
    growing = [_Growing() for _ in header]
    rows = 0
    for rows, cells in enumerate((row for row in lines if row), start=1):
        if len(cells) != len(header):
            raise ValueError(f"row {rows} has {len(cells)} values for {len(header)} columns")
        for column, cell in zip(growing, cells, strict=True):
            column.take(cell)
    if not rows:
        raise ValueError("it has no rows")
    return rows, tuple(column.seen(name) for column, name in zip(growing, header, strict=True))


class _Growing:
    """What is known of a column so far."""

    def __init__(self) -> None:
        self.gaps = self.numbers = 0
        self.span: tuple[Decimal, Decimal] | None = None
        self.whole = True
        self.values: set[str] = set()
        self.odd: list[str] = []

    def take(self, cell: str) -> None:
        if not cell:
            self.gaps += 1
            return
        if len(self.values) <= MOST_CODES:
            self.values.add(cell[: MAX_CELL + 1])
        bare = cell.strip()
        if _NUMBER.fullmatch(bare) and not _PADDED.fullmatch(bare):
            self._count(Decimal(bare))
        elif len(self.odd) < MOST_ODD and cell not in self.odd:
            self.odd.append(cell)

    def _count(self, number: Decimal) -> None:
        self.numbers += 1
        lowest, highest = self.span or (number, number)
        self.span = min(lowest, number), max(highest, number)
        self.whole = self.whole and number == number.to_integral_value()

    def seen(self, name: str) -> Column:
        return Column(
            name=name,
            gaps=self.gaps,
            numbers=self.numbers,
            span=self.span,
            whole=self.whole,
            values=tuple(sorted(self.values, key=_order)),
            odd=tuple(self.odd),
        )


def _order(text: str) -> tuple[int, Decimal, str]:
    """Sort numbers by size, and before texts."""
    bare = text.strip()
    return (0, Decimal(bare), text) if _NUMBER.fullmatch(bare) else (1, Decimal(0), text)
