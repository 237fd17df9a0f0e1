"""Statements straight on the driver's connection: for the few that every prediction waits for.

SQLAlchemy builds, compiles and checks a statement in some ten microseconds each time; the driver
knows a text that it met before in one. What stands here is written once for both drivers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sqlalchemy import Connection
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

DriverRow: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement in the spelling of each driver.

    Attributes:
        sqlite: With a question mark for each value.
        postgresql: With `%s` for each value.
    """

    sqlite: str
    postgresql: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "postgresql", self.sqlite.replace("?", "%s"))

    @classmethod
    def inserting(cls, table: str, columns: Sequence[str], rows: int = 1) -> Statement:
        """Return the statement that inserts so many rows at once."""
        row = "(" + ", ".join("?" * len(columns)) + ")"
        names = ", ".join(columns)
        return cls(f"INSERT INTO {table} ({names}) VALUES " + ", ".join([row] * rows))  # noqa: S608 - names of ours


class AnyOf:
    """A query for the rows in which a column has one of several values.

    The number of values is filled up to a power of two by repeating the last: few texts to remember.
    """

    def __init__(self, query: str, most: int = 64) -> None:
        """Keep a query that ends in `WHERE column`, asked for at most `most` values at once."""
        self._most = most
        self._statements = {
            count: Statement(f"{query} IN ({', '.join('?' * count)})")
            for count in [1 << bit for bit in range(most.bit_length())]
        }

    def parts(self, values: Sequence[str]) -> Iterator[tuple[Statement, list[str]]]:
        """Yield each statement to ask, with its values; none where there are no values."""
        for start in range(0, len(values), self._most):
            part = list(values[start : start + self._most])
            count = 1 << (len(part) - 1).bit_length()
            yield self._statements[count], part + part[-1:] * (count - len(part))


class Wire:
    """The driver's end of a connection, inside whatever transaction it is in."""

    __slots__ = ("_connection", "_cursor", "_dialect", "_errors", "_is_sqlite")

    def __init__(self, connection: DBAPIConnection, dialect: Dialect) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._dialect = dialect
        self._errors: type[Exception] = dialect.loaded_dbapi.Error
        self._is_sqlite = dialect.name == "sqlite"

    @classmethod
    def of(cls, connection: Connection) -> Wire:
        """Return the wire under a connection that is in a transaction."""
        return cls(connection.connection.dbapi_connection, connection.dialect)  # type: ignore[arg-type]

    @classmethod
    def alone(cls, connection: PoolProxiedConnection, dialect: Dialect) -> Wire:
        """Return the wire of a connection that is nobody else's and in no transaction.

        On PostgreSQL it begins none by itself, as on SQLite.
        """
        driver = connection.dbapi_connection
        if dialect.name == "postgresql":
            driver.autocommit = True  # type: ignore[union-attr]
        return cls(driver, dialect)  # type: ignore[arg-type]

    def undo(self) -> bool:
        """Roll back, and return whether the connection can be used again."""
        try:
            self._connection.rollback()
        except self._errors:
            return False
        return True

    def close(self) -> None:
        """Close the connection; what was not committed is rolled back."""
        with suppress(self._errors):
            self._cursor.close()  # SQLite keeps a connection, and its lock, while a cursor is open
            self._connection.rollback()
        with suppress(self._errors):
            self._connection.close()

    def rows(self, statement: Statement, values: Sequence[object] = ()) -> list[DriverRow]:
        """Return what a query finds.

        Raises:
            DBAPIError: as SQLAlchemy raises it.
        """
        try:
            self._execute(statement, values)
            return self._cursor.fetchall()  # type: ignore[return-value]
        except self._errors as problem:
            raise self.told(problem) from problem

    def change(self, statement: Statement, values: Sequence[object] = ()) -> int:
        """Return how many rows a statement changed.

        Raises:
            DBAPIError: as SQLAlchemy raises it; `IntegrityError` for a broken constraint.
        """
        try:
            self._execute(statement, values)
        except self._errors as problem:
            raise self.told(problem) from problem
        return self._cursor.rowcount

    def told(self, problem: Exception) -> DBAPIError:
        """Return the driver's error as SQLAlchemy tells it, without the values."""
        lost = self._dialect.is_disconnect(problem, self._connection, self._cursor)  # type: ignore[arg-type]
        found = DBAPIError.instance(
            None,
            None,
            problem,
            self._errors,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=self._dialect,
        )
        assert isinstance(found, DBAPIError)  # noqa: S101 - it is given an error of the driver
        return found

    def _execute(self, statement: Statement, values: Sequence[object]) -> None:
        text = statement.sqlite if self._is_sqlite else statement.postgresql
        self._cursor.execute(text, values)
