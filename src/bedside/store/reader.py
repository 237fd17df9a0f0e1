"""A connection that only reads, for a process that does nothing else and should be small."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bedside.store.statement import DriverRow, Statement

_MAPPED_BYTES = 2**31 - 2**16
"""Of the file, read without a system call for each page; the most that SQLite allows. A disk that fails
then ends this process, which is why a service reads otherwise."""


class Reader:
    """One unchanging moment of a database, without SQLAlchemy."""

    def __init__(self, address: Mapping[str, Any]) -> None:
        """Open what `Database.reader_address` names.

        Raises:
            Exception: as the driver raises it; whoever asks has another way.
        """
        self._is_sqlite = "sqlite" in address
        if self._is_sqlite:
            name = Path(address["sqlite"]).as_uri() + "?mode=ro"
            connection = sqlite3.connect(name, uri=True, isolation_level=None)
            connection.execute(f"PRAGMA mmap_size={_MAPPED_BYTES}")
            connection.execute("BEGIN")
            self._connection: Any = connection
            self._cursor: Any = connection.cursor()
            return
        import psycopg  # noqa: PLC0415 - an extra, and not for SQLite

        self._connection = psycopg.connect(**address["postgresql"])
        self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        self._connection.read_only = True
        self._cursor = self._connection.cursor(binary=True)

    def rows(self, statement: Statement, values: Sequence[object] = ()) -> list[DriverRow]:
        """Return what a query finds."""
        text = statement.sqlite if self._is_sqlite else statement.postgresql
        self._cursor.execute(text, values)
        found: list[DriverRow] = self._cursor.fetchall()
        return found

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
