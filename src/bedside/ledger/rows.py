"""The ledger's rows: how they are read and written, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update

from bedside.errors import Conflict, LedgerBroken
from bedside.ledger.events import Entry
from bedside.ledger.merkle import EMPTY_ROOT, HASH_BYTES, Frontier
from bedside.ledger.tables import (
    ledger_checkpoints,
    ledger_entries,
    ledger_fences,
    ledger_head,
    ledger_nodes,
)
from bedside.store.statement import AnyOf, DriverRow, Statement
from bedside.store.wire import Wire

HEAD_ID = 1
PAGE = 512
"""Entries read at once, so that a long ledger needs no long memory."""


@dataclass(frozen=True, slots=True)
class HeadRow:
    """The one row of `ledger_head`.

    Attributes:
        size: The number of entries.
        root: The root over all of them.
        frontier: The roots of the complete subtrees, concatenated from left to right.
        at: The time of the last entry.
        checkpoints: The number of checkpoints.
        note: The signed text of a checkpoint of this size and root.
    """

    size: int = 0
    root: bytes = EMPTY_ROOT
    frontier: bytes = b""
    at: str = ""
    checkpoints: int = 0
    note: str = ""

    def row(self) -> DriverRow:
        """Return the row as the driver gives it."""
        return (self.size, self.root, self.frontier, self.at, self.checkpoints, self.note)

    def tree(self) -> Frontier:
        """Return the tree, ready to grow.

        Raises:
            LedgerBroken: the frontier does not fit the size, or its root is another.
        """
        hashes = [
            self.frontier[start : start + HASH_BYTES]
            for start in range(0, len(self.frontier), HASH_BYTES)
        ]
        if len(self.frontier) != self.size.bit_count() * HASH_BYTES:
            raise LedgerBroken(
                f"The stored frontier does not fit a ledger of {self.size} entries.",
                advice="bedside ledger verify",
            )
        tree = Frontier(self.size, hashes)
        if tree.root() != self.root:
            raise LedgerBroken(
                f"The stored frontier of {self.size} entries has another root than their head.",
                advice="bedside ledger verify",
            )
        return tree


_HEAD_FIELDS = ("size", "root", "frontier", "at", "checkpoints", "note")
_HEAD = select(*[ledger_head.c[name] for name in _HEAD_FIELDS]).where(ledger_head.c.id == HEAD_ID)
_FEW = 4
_HEAD_AND_FENCES = [
    Statement(
        f"SELECT {', '.join(_HEAD_FIELDS)}"  # noqa: S608 - constants
        f"{', (SELECT value FROM ledger_fences WHERE name = ?)' * count}"
        f" FROM ledger_head WHERE id = {HEAD_ID}"
    )
    for count in range(_FEW + 1)
]
"""With none to four fences: all that an append reads, in one turn."""
_FIRST_HEAD = Statement.inserting("ledger_head", ("id", *_HEAD_FIELDS))
_MOVE_HEAD = Statement(
    f"UPDATE ledger_head SET {' = ?, '.join(_HEAD_FIELDS)} = ? WHERE id = {HEAD_ID} AND size = ?"  # noqa: S608 - constants
)
_ENTRY_FIELDS = ("position", "id", "kind", "about", "at", "event", "salt", "leaf", "root")
_MOST_ENTRIES = 64
_INSERT_ENTRIES = [
    Statement.inserting("ledger_entries", _ENTRY_FIELDS, count)
    for count in range(1, _MOST_ENTRIES + 1)
]
"""One statement for a group of any usual size: each statement costs a turn of the interpreter's lock,
and a round to a server; the driver prepares a text when it meets it first, and keeps 128."""
_INSERT_NODE = Statement.inserting("ledger_nodes", ("level", "position", "hash"))
_FENCES = AnyOf("SELECT name, value FROM ledger_fences WHERE name")


def read_head(connection: Connection) -> HeadRow | None:
    """Return the head, or None before the first entry."""
    row = connection.execute(_HEAD).one_or_none()
    return None if row is None else HeadRow(*row)


def head_and_fences(wire: Wire, names: Collection[str]) -> tuple[DriverRow | None, dict[str, int]]:
    """Return the head's row as the driver gives it, None before the first entry, and fences."""
    asked = list(names) if len(names) <= _FEW else []
    found = wire.rows(_HEAD_AND_FENCES[len(asked)], asked)
    if not found:
        return None, fences_on(wire, names)
    row, values = found[0][: len(_HEAD_FIELDS)], found[0][len(_HEAD_FIELDS) :]
    if len(asked) < len(names):
        return row, fences_on(wire, names)
    return row, {name: int(value or 0) for name, value in zip(asked, values, strict=True)}


def move_head(wire: Wire, old: HeadRow | None, new: HeadRow) -> None:
    """Put `new` in the place of `old`.

    Raises:
        Conflict: the head is not `old` any more, so the caller did not hold the pen.
    """
    if old is None:
        wire.change(_FIRST_HEAD, (HEAD_ID, *new.row()))
    elif wire.change(_MOVE_HEAD, (*new.row(), old.size)) != 1:
        raise Conflict(
            f"The ledger's head moved away from {old.size} entries.",
            advice="Append only inside database.write().",
        )


def insert_entries(wire: Wire, entries: Sequence[Entry]) -> None:
    """Write entries.

    Raises:
        IntegrityError: an id or a place is taken.
    """
    for start in range(0, len(entries), _MOST_ENTRIES):
        values: list[object] = []
        part = entries[start : start + _MOST_ENTRIES]
        for e in part:
            values += (e.index, e.id, e.kind, e.about, e.at, e.event, e.salt, e.leaf, e.root)
        wire.change(_INSERT_ENTRIES[len(part) - 1], values)


def insert_nodes(wire: Wire, nodes: Sequence[tuple[int, int, bytes]]) -> None:
    """Write inner nodes, given as level, position, hash."""
    for node in nodes:
        wire.change(_INSERT_NODE, node)


def fences_on(wire: Wire, names: Collection[str]) -> dict[str, int]:
    """Return the values of fences, with one query for up to 64; one that never moved is 0."""
    found = dict.fromkeys(names, 0)
    for statement, values in _FENCES.parts(list(found)):
        found |= {name: int(value) for name, value in wire.rows(statement, values)}
    return found


_ENTRIES = select(ledger_entries)
_ONE_PAGE = (
    _ENTRIES.where(
        ledger_entries.c.position >= bindparam("start"),
        ledger_entries.c.position < bindparam("stop"),
    )
    .order_by(ledger_entries.c.position)
    .limit(PAGE)
)
_FENCE = select(ledger_fences.c.value).where(ledger_fences.c.name == bindparam("fence"))
_BY_ID = _ENTRIES.where(ledger_entries.c.id == bindparam("event_id"))


def page(connection: Connection, start: int, stop: int) -> tuple[Entry, ...]:
    """Return the entries from `start` to before `stop`, at most `PAGE` of them."""
    rows = connection.execute(_ONE_PAGE, {"start": start, "stop": stop})
    return tuple(_entry(row) for row in rows)


def pages(connection: Connection, start: int, stop: int) -> Iterator[Entry]:
    """Yield the entries from `start` to before `stop`, page by page."""
    while start < stop:
        found = page(connection, start, stop)
        yield from found
        if len(found) < PAGE:
            return
        start = found[-1].index + 1


def entry_with_id(connection: Connection, event_id: str) -> Entry | None:
    """Return the entry of an event, or None."""
    row = connection.execute(_BY_ID, {"event_id": event_id}).one_or_none()
    return None if row is None else _entry(row)


def matching(
    connection: Connection, *, kind: str | None, about: str | None, limit: int, newest_first: bool
) -> tuple[Entry, ...]:
    """Return entries of a kind, about something, in order; every condition has its index."""
    columns = ledger_entries.c
    query: Select[Any] = _ENTRIES
    if kind is not None:
        query = query.where(columns.kind == kind)
    if about is not None:
        query = query.where(columns.about == about)
    order = columns.position.desc() if newest_first else columns.position
    rows = connection.execute(query.order_by(order).limit(limit))
    return tuple(_entry(row) for row in rows)


def hashes(connection: Connection, level: int, start: int, stop: int) -> dict[int, bytes]:
    """Return the stored hashes of one level by position: leaves at 0, else `ledger_nodes`."""
    if level == 0:
        leaves = ledger_entries.c
        query = select(leaves.position, leaves.leaf).where(
            leaves.position >= start, leaves.position < stop
        )
    else:
        nodes = ledger_nodes.c
        query = select(nodes.position, nodes.hash).where(
            nodes.level == level, nodes.position >= start, nodes.position < stop
        )
    return {row[0]: row[1] for row in connection.execute(query)}


def read_fences(connection: Connection, names: Collection[str]) -> dict[str, int]:
    """Return the values of fences; one that never moved is 0."""
    found = {}
    for name in names:
        value = connection.execute(_FENCE, {"fence": name}).scalar_one_or_none()
        found[name] = 0 if value is None else int(value)
    return found


def advance_fence(connection: Connection, name: str) -> int:
    """Add one to a fence, and return its new value."""
    value = read_fences(connection, [name])[name] + 1
    if value == 1:
        connection.execute(insert(ledger_fences), {"name": name, "value": value})
    else:
        match = ledger_fences.c.name == name
        connection.execute(update(ledger_fences).where(match).values(value=value))
    return value


def insert_checkpoint(connection: Connection, number: int, size: int, note: str) -> None:
    """Write a checkpoint."""
    row = {"number": number, "size": size, "note": note}
    connection.execute(insert(ledger_checkpoints), row)


def latest_note(connection: Connection) -> str | None:
    """Return the text of the latest checkpoint, or None."""
    columns = ledger_checkpoints.c
    query = select(columns.note).order_by(columns.number.desc()).limit(1)
    return connection.execute(query).scalar_one_or_none()


def notes(connection: Connection) -> Iterator[tuple[int, str]]:
    """Yield the number and text of every checkpoint, oldest first."""
    columns, after = ledger_checkpoints.c, -1
    while True:
        query = (
            select(columns.number, columns.note)
            .where(columns.number > after)
            .order_by(columns.number)
            .limit(PAGE)
        )
        found = connection.execute(query).all()
        yield from ((row.number, row.note) for row in found)
        if len(found) < PAGE:
            return
        after = found[-1].number


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        row.position,
        row.id,
        row.kind,
        row.about,
        row.at,
        row.event,
        row.salt,
        row.leaf,
        row.root,
    )
