"""What went wrong in a database, in the words of our own error tree."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from bedside.errors import BedsideError, SiteProblem, Unavailable

_SCHEMA_CODES = frozenset({"42P01", "42703", "3F000"})
"""PostgreSQL's SQLSTATE for an unknown table, column or schema."""

_UNKNOWN_TABLE = re.compile(r"no such (table|column)|has no column named")
"""How SQLite says it; its code for them, SQLITE_ERROR, says many other things as well."""

_LOST = ("08", "57P")
"""SQLSTATE of a connection or server that went away: nobody can tell what became of a commit."""

_DAMAGED = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})


class CommitUnknown(Unavailable):
    """The connection was lost in the commit: what was written may stand, or not."""


@contextmanager
def told_in_our_words(database: str, *, committing: bool = False) -> Iterator[None]:
    """Turn a database's refusal to work into `Unavailable` or `SiteProblem`.

    Broken constraints (`IntegrityError`) pass unchanged: what they mean is known only to the room
    that owns the table.

    Args:
        database: The database's address without its password, for the message.
        committing: Whether this is the commit; what fails then with the connection may stand.
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
        if committing and isinstance(translated, Unavailable) and _is_lost(problem):
            translated = CommitUnknown(
                f"{database} was lost in the commit: {str(problem.orig).strip()}.",
                advice="It is not known whether this was recorded. Look before you repeat it.",
            )
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
    unknown = name == "SQLITE_ERROR" and _UNKNOWN_TABLE.search(str(cause))
    if unknown or getattr(cause, "sqlstate", None) in _SCHEMA_CODES:
        return SiteProblem(
            f"{database} does not have the tables of this version: {cause}.",
            advice="Open the site with this version of Bedside, which brings them up to date.",
        )
    if name != "SQLITE_ERROR" and isinstance(problem, exc.OperationalError | exc.InterfaceError):
        return Unavailable(
            f"{database} cannot answer now: {str(cause).strip()}.",
            advice="Nothing was written. Try again; if it stays so, look at its disk and its log.",
        )
    return None


def _is_lost(problem: exc.DBAPIError) -> bool:
    cause = problem.orig
    if isinstance(cause, sqlite3.Error):  # after a failed fsync the log may hold the commit
        return _sqlite_name(cause) == "SQLITE_IOERR"
    state = getattr(cause, "sqlstate", None)
    return problem.connection_invalidated or state is None or state.startswith(_LOST)


def _sqlite_name(cause: sqlite3.Error) -> str:
    # the basic result code: extended ones append a suffix, as in SQLITE_CORRUPT_INDEX
    return "_".join(str(getattr(cause, "sqlite_errorname", "")).split("_")[:2])
