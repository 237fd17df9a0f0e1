"""Statements straight on the driver's connection: for the few that every prediction waits for.

SQLAlchemy builds, compiles and checks a statement in some ten microseconds each time; the driver
knows a text that it met before in one.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import Connection
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

from bedside.store.statement import DriverRow, Statement


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
