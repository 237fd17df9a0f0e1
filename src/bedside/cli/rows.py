"""Input rows as a person keeps them: JSON, or CSV with the fields' names in its first line."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bedside.canonical import Json, read_json
from bedside.errors import LimitExceeded, NotFound, UsageError

if TYPE_CHECKING:
    from bedside.package.fields import InputField, TabularInput

MAX_ROWS_BYTES = 64 * 2**20
"""Larger files belong to a program that talks to the service, not to a command line."""

_NUMBER = re.compile(r"[+-]?(\d{1,400}\.?\d{0,400}|\.\d{1,400})([eE][+-]?\d{1,4})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)


class _Line(NamedTuple):
    number: int
    cells: list[str]


def read_rows(source: str, declared: TabularInput) -> list[dict[str, Json]]:
    """Return the rows of a file, or of stdin where `source` is `-`.

    JSON holds one row (an object) or several (an array of objects). A file named .csv holds one
    row a line; there, an empty cell is a missing value, and a cell of a declared number field is
    read as a number where it is one. Everything else goes to the gate as it is written.

    Raises:
        NotFound: there is no such file.
        LimitExceeded: larger than `MAX_ROWS_BYTES`.
        UsageError: neither JSON objects nor CSV.
    """
    data = read_bytes(source)
    if source.lower().endswith(".csv"):
        return _read_csv(data, declared.fields)
    value = read_json(data)
    rows = value if isinstance(value, list) else [value]
    for position, row in enumerate(rows):
        if not isinstance(row, dict):
            raise UsageError(
                f"Row {position} of {source} is {type(row).__name__}, not a JSON object.",
                advice='Write {"field": value, …}, or an array of such objects.',
            )
    if not rows:
        raise UsageError(f"{source} holds no row.", advice="Give at least one.")
    _refuse_request_body(source, rows[0], declared)
    return rows


def _refuse_request_body(source: str, row: dict[str, Json], declared: TabularInput) -> None:
    """Say so where somebody gives what the HTTP service takes: the row lies inside of it."""
    names = {field.name for field in declared.fields}
    for member in ("input", "inputs"):
        if member in row and member not in names:
            raise UsageError(
                f"{source} is the body of an HTTP request; the row is its member {member!r}.",
                advice='Give the row alone: {"field": value, …}.',
            )


def read_bytes(source: str) -> bytes:
    """Return the bytes of a file, or of stdin where `source` is `-`.

    Raises:
        NotFound: there is no such file.
        LimitExceeded: larger than `MAX_ROWS_BYTES`.
    """
    if source == "-":
        data = sys.stdin.buffer.read(MAX_ROWS_BYTES + 1)
    else:
        path = Path(source)
        if not path.is_file():
            raise NotFound(f"There is no file {source}.", advice="Name a file, or - for stdin.")
        with path.open("rb") as file:
            data = file.read(MAX_ROWS_BYTES + 1)
    if len(data) > MAX_ROWS_BYTES:
        raise LimitExceeded(
            f"{source} has more than {MAX_ROWS_BYTES} bytes.",
            advice="Split it, or use the service.",
        )
    return data


def _read_csv(data: bytes, fields: Sequence[InputField]) -> list[dict[str, Json]]:
    header, *lines = _csv_lines(data)
    if not lines:
        raise UsageError(
            "The CSV holds no row.", advice="First line: the fields' names; then one row a line."
        )
    names = header.cells
    if len(set(names)) != len(names):
        repeated, _ = Counter(names).most_common(1)[0]
        raise UsageError(f"The column {repeated!r} stands twice.", advice="Name each column once.")
    declared = {field.name: field for field in fields}
    rows = []
    for line in lines:
        if len(line.cells) != len(names):
            raise UsageError(
                f"Line {line.number} has {len(line.cells)} cells; the first line has {len(names)}."
            )
        pairs = zip(names, line.cells, strict=True)
        rows.append({name: _cell(cell, declared.get(name)) for name, cell in pairs if cell.strip()})
    return rows


def _csv_lines(data: bytes) -> list[_Line]:
    """Return the lines that are not empty, the header first.

    Raises:
        UsageError: not UTF-8, or not CSV.
    """
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        lines = [_Line(reader.line_num, cells) for cells in reader if cells]
    except UnicodeDecodeError as problem:
        raise UsageError(
            f"Not UTF-8 at byte {problem.start}.", advice="Save as UTF-8."
        ) from problem
    except csv.Error as problem:
        raise UsageError(f"Not CSV: {problem}.", advice="Save it again as CSV.") from problem
    if not lines:
        raise UsageError("The CSV is empty.", advice="First line: the fields' names.")
    return lines


def _cell(text: str, field: InputField | None) -> Json:
    """Return a cell as the field's kind of value, or as text where it is none."""
    stripped = text.strip()
    if field is None or not _NUMBER.fullmatch(stripped):
        return stripped
    if field.kind == "category":
        coded = isinstance(field.categories[0], int) and _WHOLE.fullmatch(stripped)
        return int(stripped) if coded else stripped
    return float(stripped)
