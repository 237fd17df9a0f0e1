"""What the database keeps of a person beside the ledger: claims, by which a repeat is known.

A claim's name is a keyed digest of what a client chose; with the site key and a guess of that, it
would tell that a request was made. So an erasure takes the claims of its predictions away, and
what they leave in the database's files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.sql import ColumnElement, func, literal

from bedside.ledger.tables import ledger_claims, ledger_entries
from bedside.store.database import Database

_AT_ONCE: Final = 500


def forget_claims(database: Database, keys: Sequence[str], *, again: bool = False) -> int:
    """Remove every claim that stands for an event sealed under one of `keys`; return how many.

    Args:
        database: With the ledger.
        keys: Ids of keys.
        again: Whether an earlier attempt may have removed them, and not what they left.

    Raises:
        Unavailable: they are removed, and their bytes may still be in the database's files,
            because somebody reads them; or the database does not answer: repeat it.
    """
    with database.read() as connection:
        names = [name for key in keys for name in _names(connection, database.dialect, key)]
    if names:
        with database.write() as connection:
            if database.dialect == "sqlite":
                _without_on_sqlite(connection, names)
            else:
                _without(connection, names)
    if names or again:
        database.forget_overwritten(ledger_claims.c.name)
    return len(names)


def _without(connection: Connection, names: Sequence[str]) -> None:
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        connection.execute(delete(ledger_claims).where(ledger_claims.c.name.in_(some)))


def _without_on_sqlite(connection: Connection, names: Sequence[str]) -> None:
    # A page that was split keeps a copy of what moved away from it. So every page of the table is
    # given back, which overwrites it with zeros, and what stays is written anew.
    connection.exec_driver_sql("PRAGMA secure_delete=ON")
    _without(connection, names)
    kept = connection.execute(select(ledger_claims)).mappings().all()
    connection.execute(delete(ledger_claims))
    if kept:
        connection.execute(insert(ledger_claims), [dict(row) for row in kept])
    connection.exec_driver_sql("PRAGMA secure_delete=OFF")


def _names(connection: Connection, dialect: str, key: str) -> list[str]:
    """Return the names of the claims whose events, which stand in a row, are sealed under `key`."""
    first, event = ledger_entries.alias("first_event"), ledger_entries.alias("event")
    last = first.c.position + ledger_claims.c.events
    query = (
        select(ledger_claims.c.name)
        .distinct()
        .join(first, first.c.id == ledger_claims.c.first_event_id)
        .join(event, (event.c.position >= first.c.position) & (event.c.position < last))
        .where(_holds(dialect, event.c.event, key.encode()))
    )
    return list(connection.execute(query).scalars())


def _holds(dialect: str, column: ColumnElement[bytes], part: bytes) -> ColumnElement[bool]:
    if dialect == "sqlite":
        return func.instr(column, literal(part)) > 0
    return func.position(literal(part).op("in")(column)) > 0
