"""What went wrong in a database, in the words of our own error tree."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from bedside.errors import BedsideError, SiteProblem, Unavailable

_SCHEMA_CODES = frozenset({"42P01", "42703", "3F000"})
"""PostgreSQL's SQLSTATE for an unknown table, column or schema."""

_DAMAGED = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})


@contextmanager
def told_in_our_words(database: str) -> Iterator[None]:
    """Turn a database's refusal to work into `Unavailable` or `SiteProblem`.

    Broken constraints (`IntegrityError`) pass unchanged: what they mean is known only to the room
    that owns the table.

    Args:
        database: The database's address without its password, for the message.
    """
    try:
        yield
    except exc.IntegrityError:
        raise
    except exc.TimeoutError as problem:
        raise Unavailable(
            f"Every connection to {database} is in use.", advice="Try again in a moment."
        ) from problem
    except exc.DBAPIError as problem:
        translated = _translate(problem, database)
        if translated is None:
            raise
        raise translated from problem


def _translate(problem: exc.DBAPIError, database: str) -> BedsideError | None:
    cause = problem.orig
    name = _sqlite_name(cause) if isinstance(cause, sqlite3.Error) else ""
    if name in _DAMAGED:
        return SiteProblem(
            f"{database} is damaged: {cause}.",
            advice="Stop the service and restore the latest backup; keep this file for analysis.",
        )
    if name == "SQLITE_ERROR" or getattr(cause, "sqlstate", None) in _SCHEMA_CODES:
        return SiteProblem(
            f"{database} does not have the tables of this version: {cause}.",
            advice="Open the site with this version of Bedside, which brings them up to date.",
        )
    if isinstance(problem, exc.OperationalError | exc.InterfaceError):
        return Unavailable(
            f"{database} cannot answer now: {str(cause).strip()}.",
            advice="Nothing was written. Try again; if it stays so, look at its disk and its log.",
        )
    return None


def _sqlite_name(cause: sqlite3.Error) -> str:
    # the basic result code: extended ones append a suffix, as in SQLITE_CORRUPT_INDEX
    return "_".join(str(getattr(cause, "sqlite_errorname", "")).split("_")[:2])
