"""Tables that are views of the ledger: their rows against what the events tell.

A room whose tables only repeat what its events say replays those events into the rows that must
be there; `compare` names every difference. The ledger alone is the record: where the two differ,
somebody wrote to the table who did not write to the ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import Connection, Table, select

from bedside.errors import BedsideError, LedgerBroken
from bedside.ledger.events import Entry, EventKind, commit_to
from bedside.ledger.form import broken
from bedside.ledger.tables import ledger_entries

Row: TypeAlias = Mapping[str, object]

ADVICE = (
    "Somebody wrote to the database past Bedside. Keep it as it is, find out who, and restore "
    "a backup."
)
SHOWN = 3
"""Differences named in a message; the first ones are where to look."""

_COLUMNS = tuple(ledger_entries.c)


@dataclass(frozen=True, slots=True)
class Difference:
    """One cell or row that is not as the ledger tells it.

    Attributes:
        table: The table's name.
        key: The row's primary key, in the order of its columns.
        column: The column, or an empty string where a whole row is missing or too many.
        stored: What the table holds; None where it has no such row.
        told: What the ledger tells; None where it tells of no such row.
    """

    table: str
    key: tuple[object, ...]
    column: str
    stored: object
    told: object

    def __str__(self) -> str:
        """Return the difference in words."""
        where = f"{self.table} {', '.join(map(str, self.key))}"
        if self.column:
            return f"{where}: {self.column} is {self.stored!r}, the ledger tells {self.told!r}"
        if self.stored is None:
            return f"{where}: the row is missing, the ledger tells of it"
        return f"{where}: the ledger tells of no such row"


def events(connection: Connection, kinds: Collection[EventKind]) -> tuple[Entry, ...]:
    """Return every entry of these kinds in the ledger's order; each kind is found by its index.

    Raises:
        LedgerBroken: an entry whose columns or leaf hash are not those of its event. Whether the
            leaves are those that were signed is what `Ledger.verify` finds out.
    """
    found: list[Entry] = []
    for kind in kinds:
        query = (
            select(*_COLUMNS)
            .where(ledger_entries.c.kind == kind.value)
            .order_by(ledger_entries.c.position)
        )
        found += [Entry(*row) for row in connection.execute(query)]
    found.sort(key=lambda entry: entry.index)
    for entry in found:
        _refuse_altered(entry)
    return tuple(found)


def stored(connection: Connection, table: Table) -> tuple[Row, ...]:
    """Return every row of a table, as the driver gives it."""
    return tuple(dict(row._mapping) for row in connection.execute(select(table)))


def compare(table: Table, held: Iterable[Row], told: Iterable[Row]) -> tuple[Difference, ...]:
    """Return where the rows that a table holds differ from those that the ledger tells."""
    key = tuple(column.name for column in table.primary_key)
    left, right = _by_key(held, key), _by_key(told, key)
    differences: list[Difference] = []
    for place in sorted(left.keys() | right.keys(), key=repr):
        one, other = left.get(place), right.get(place)
        if one is None or other is None:
            differences.append(Difference(table.name, place, "", one, other))
            continue
        differences += [
            Difference(table.name, place, column.name, one[column.name], other[column.name])
            for column in table.columns
            if not _same(one[column.name], other[column.name])
        ]
    return tuple(differences)


def refuse(differences: Sequence[Difference]) -> None:
    """Check that there is no difference.

    Raises:
        LedgerBroken: there are; the message names the first ones.
    """
    if not differences:
        return
    shown = "; ".join(str(one) for one in differences[:SHOWN])
    more = f"; and {len(differences) - SHOWN} more" if len(differences) > SHOWN else ""
    raise LedgerBroken(
        f"The database does not hold what the ledger tells: {shown}{more}.", advice=ADVICE
    )


def broken_story(entry: Entry, why: str) -> LedgerBroken:
    """Return the error of an event that cannot have happened, given the events before it."""
    return LedgerBroken(
        f"Entry {entry.index} ({entry.kind} of {entry.about}) cannot have happened: {why}",
        index=entry.index,
        advice=ADVICE,
    )


def sha256_of(value: object) -> str:
    """Return `sha256:` and the digest of a cell's text: what may be told of a value kept back."""
    return "sha256:" + hashlib.sha256(str(value).encode()).hexdigest()


def _by_key(rows: Iterable[Row], key: tuple[str, ...]) -> dict[tuple[object, ...], Row]:
    found: dict[tuple[object, ...], Row] = {}
    for row in rows:
        place = tuple(row[name] for name in key)
        if place in found:  # only where somebody dropped the constraint
            place = (*place, "again")
        found[place] = row
    return found


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


def _refuse_altered(entry: Entry) -> None:
    if not all(isinstance(part, bytes) for part in (entry.event, entry.salt, entry.leaf)):
        raise broken(entry.index, "its stored event, salt or leaf hash is not bytes")
    if commit_to(entry.salt, entry.event) != entry.leaf:
        raise broken(entry.index, "its event is not what its leaf hash commits to")
    try:
        event = entry.value
    except BedsideError as problem:
        raise broken(entry.index, f"its event cannot be read ({problem.message})") from problem
    for name in ("id", "kind", "about", "at"):
        if event.get(name) != (said := getattr(entry, name)):
            raise broken(entry.index, f"its stored {name} {said!r} is not that of its event")
