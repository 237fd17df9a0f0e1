"""Rows of a table as bytes and back: column by column, typed, the same from every database.

A page is pure bytes, so a backup that was made on SQLite fills PostgreSQL, and the other way.
docs/spec/backup.md describes it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from bedside.canonical import Json
from bedside.errors import SiteProblem

Kind: TypeAlias = Literal["integer", "text", "bytes"]
Value: TypeAlias = int | str | bytes | None

KINDS: Final[Mapping[Kind, type]] = MappingProxyType({"integer": int, "text": str, "bytes": bytes})
"""What a column may hold; every column may also hold nothing where its table allows it."""

_COUNT: Final = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Shape:
    """A table's name and the names and kinds of its columns, in the order of the pages."""

    table: str
    columns: tuple[tuple[str, Kind], ...]

    def document(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {"columns": [list(column) for column in self.columns], "table": self.table}

    @classmethod
    def read(cls, value: Json) -> Shape:
        """Return the shape that `document` gave.

        Raises:
            SiteProblem: it is none, or has a kind of column that this Bedside does not know.
        """
        try:
            columns = tuple((str(name), kind) for name, kind in value["columns"])
            shape = cls(str(value["table"]), columns)
        except (KeyError, TypeError, ValueError) as problem:
            raise SiteProblem("A table of the backup is not described.") from problem
        odd = [kind for _, kind in columns if kind not in KINDS]
        if odd or not columns:
            raise SiteProblem(
                f"The table {shape.table} of the backup has a column of kind {odd[:1]}.",
                advice="Restore it with the Bedside that made it, or a later one.",
            )
        return shape


def encode_page(shape: Shape, rows: Sequence[Sequence[Any]]) -> bytes:
    """Return rows as one page.

    Raises:
        SiteProblem: a value of another kind than its column's.
    """
    parts = [_COUNT.pack(len(rows))]
    columns = zip(*rows, strict=True) if rows else iter([()] * len(shape.columns))
    for (name, kind), column in zip(shape.columns, columns, strict=True):
        odd = set(map(type, column)) - {KINDS[kind], type(None)}
        if odd:
            raise SiteProblem(
                f"{shape.table}.{name} holds a value of type {odd.pop().__name__}, not {kind}.",
                advice="Somebody wrote to the database past Bedside: run bedside doctor.",
            )
        parts += _encoded(kind, column)
    return b"".join(parts)


def decode_page(shape: Shape, page: bytes) -> list[tuple[Value, ...]]:
    """Return the rows of a page.

    Raises:
        SiteProblem: its bytes are no page of this shape.
    """
    try:
        (count,) = _COUNT.unpack_from(page)
        place = _COUNT.size
        columns: list[Sequence[Value]] = []
        for _, kind in shape.columns:
            column, place = _decoded(kind, page, place, count)
            columns.append(column)
    except (struct.error, IndexError, UnicodeDecodeError) as problem:
        raise _no_page(shape) from problem
    if place != len(page):
        raise _no_page(shape)
    return list(zip(*columns, strict=True))


def rows_in(page: bytes) -> int:
    """Return how many rows a page says that it has."""
    return int(_COUNT.unpack_from(page)[0]) if len(page) >= _COUNT.size else 0


def _no_page(shape: Shape) -> SiteProblem:
    return SiteProblem(f"A page of the table {shape.table} of the backup is damaged.")


def _encoded(kind: Kind, column: Sequence[Any]) -> list[bytes]:
    nothing = bytes(value is None for value in column)
    mask = b"\x01" + nothing if any(nothing) else b"\x00"
    if kind == "integer":
        return [mask, struct.pack(f">{len(column)}q", *(value or 0 for value in column))]
    spelled: list[bytes] = (
        [b"" if value is None else value.encode() for value in column]
        if kind == "text"
        else [b"" if value is None else value for value in column]
    )
    lengths = struct.pack(f">{len(spelled)}I", *map(len, spelled))
    return [mask, lengths, b"".join(spelled)]


def _decoded(kind: Kind, page: bytes, place: int, count: int) -> tuple[Sequence[Value], int]:
    masked = page[place]
    place += 1
    nothing = page[place : place + count] if masked else b""
    place += count if masked else 0
    column: list[Value]
    if kind == "integer":
        column = list(struct.unpack_from(f">{count}q", page, place))
        place += 8 * count
    else:
        lengths = struct.unpack_from(f">{count}I", page, place)
        place += 4 * count
        end = place + sum(lengths)
        if end > len(page):
            raise IndexError(end)
        column = _cut(page, place, lengths, _SPELLED[kind])
        place = end
    if masked:
        column = [None if gone else value for gone, value in zip(nothing, column, strict=True)]
    return column, place


def _cut(
    page: bytes, place: int, lengths: Sequence[int], spelled: Callable[[bytes], Value]
) -> list[Value]:
    found: list[Value] = []
    for length in lengths:
        found.append(spelled(page[place : place + length]))
        place += length
    return found


_SPELLED: Final[Mapping[Kind, Callable[[bytes], Value]]] = MappingProxyType(
    {"text": bytes.decode, "bytes": bytes}
)
