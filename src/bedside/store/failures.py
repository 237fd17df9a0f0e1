"""What went wrong in a database, in the words of our own error tree."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc
from sqlalchemy.engine import ExceptionContext

from bedside.errors import BedsideError, SiteProblem, Unavailable

_SCHEMA_CODES = frozenset({"42P01", "42703", "3F000"})
"""PostgreSQL's SQLSTATE for an unknown table, column or schema."""

_UNKNOWN_TABLE = re.compile(r"no such (table|column)|has no column named")
"""How SQLite says it; its code for them, SQLITE_ERROR, says many other things as well."""

_LOST = ("08", "57P")
"""SQLSTATE of a connection or server that went away: nobody can tell what became of a commit."""

_DAMAGED = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002"})
"""What each database says of its own files: SQLite's basic codes, PostgreSQL's SQLSTATE."""

_READ_ONLY = frozenset({"SQLITE_READONLY", "25006"})
_FULL = frozenset({"SQLITE_FULL", "53100"})
_DISK = frozenset({"SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_PERM", "58030"})
_BUSY = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED", "55P03"})

_GOES_ON = "the service goes on by itself when it can write again"


class DatabaseUnavailable(Unavailable):
    """The database itself does not do its work now: its disk, its server, the way there."""


class CommitUnknown(DatabaseUnavailable):
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
        raise DatabaseUnavailable(
            f"Every connection to {database} is in use.", advice="Try again in a moment."
        ) from problem
    except exc.DBAPIError as problem:
        translated = _translate(problem, database)
        if committing and isinstance(translated, Unavailable) and _is_lost(problem):
            translated = CommitUnknown(
                f"{database} was lost in the commit: {_line(problem.orig)}.",
                advice="It is not known whether this was recorded. Look before you repeat it.",
            )
        if translated is None:
            raise
        raise translated from problem


def drop_stale(context: ExceptionContext) -> None:
    """Let SQLAlchemy close the connections of a SQLite file whose disk failed under them.

    SQLite opens a file that it may not write to for reading alone, and stays with that for as long
    as the connection lives; the next one finds the disk as it is then.
    """
    if _code(context.original_exception) in _READ_ONLY | _DISK:
        context.is_disconnect = True


def _translate(problem: exc.DBAPIError, database: str) -> BedsideError | None:
    cause = problem.orig
    name = _code(cause)
    if name in _DAMAGED:
        return SiteProblem(
            f"{database} is damaged: {_line(cause)}.",
            advice="Stop the service and restore the latest backup; keep this file for analysis.",
        )
    unknown = name == "SQLITE_ERROR" and _UNKNOWN_TABLE.search(str(cause))
    if unknown or name in _SCHEMA_CODES:
        return SiteProblem(
            f"{database} does not have the tables of this version: {_line(cause)}.",
            advice="Open the site with this version of Bedside, which brings them up to date.",
        )
    away = name != "SQLITE_ERROR" and isinstance(problem, exc.OperationalError | exc.InterfaceError)
    if away or name in _READ_ONLY:
        return DatabaseUnavailable(
            f"{database} cannot answer now: {_line(cause)}.",
            advice=f"Nothing was written. {_next_step(name, problem)}; {_GOES_ON}.",
        )
    return None


def _next_step(name: str, problem: exc.DBAPIError) -> str:
    """Return what somebody can do about it, by the database's own code."""
    if name in _FULL:
        return "Its disk is full: free space there, or enlarge it"
    if name in _READ_ONLY:
        return "It is read-only: look how its disk is mounted, or which server is the primary"
    if name in _DISK:
        return "Its disk fails: look at its mount, its rights and the system's log"
    if name in _BUSY:
        return "Somebody holds it for long: look for a long-running writer"
    if _is_lost(problem):
        return "Its server was lost: start it, or look at the network between"
    return "Try again; if it stays so, look at its disk and its log"


def _is_lost(problem: exc.DBAPIError) -> bool:
    code = _code(problem.orig)
    if isinstance(problem.orig, sqlite3.Error):  # after a failed fsync the log may hold the commit
        return code == "SQLITE_IOERR"
    return problem.connection_invalidated or not code or code.startswith(_LOST)


def _code(cause: BaseException | None) -> str:
    """Return SQLite's basic result code or PostgreSQL's SQLSTATE; empty where there is none."""
    if isinstance(cause, sqlite3.Error):  # extended codes append a suffix: SQLITE_CORRUPT_INDEX
        return "_".join(str(getattr(cause, "sqlite_errorname", "")).split("_")[:2])
    return str(getattr(cause, "sqlstate", None) or "")


def _line(cause: BaseException | None) -> str:
    """Return what a driver says, which may be several lines, as one."""
    return " ".join(str(cause).split())
