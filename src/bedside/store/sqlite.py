"""SQLite as a durable store: write-ahead log, every commit on the disk, nothing by default.

Source: sqlite.org/wal.html, sqlite.org/pragma.html.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import TypeAlias

from bedside.errors import SiteProblem, Unavailable
from bedside.store.disk import refuse_forgetful_disk

DriverConnection: TypeAlias = sqlite3.Connection

_PRAGMAS = (
    "PRAGMA synchronous=FULL",  # in WAL mode NORMAL would lose the last commits with the power
    "PRAGMA wal_autocheckpoint=2000",  # 16 MB: pages that are written again and again are copied once
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",  # a schema from elsewhere may not call functions
)
PAGE_BYTES = 8192
"""Three predictions to a page; SQLite's own 4096 hold one of 2 kB and leave the rest of it empty."""

_RETRY_SECONDS = 0.02


def usable_path(name: str | None) -> Path:
    """Return the absolute path of a database file that may be used; the file exists afterwards.

    Raises:
        SiteProblem: in memory, not absolute, no folder, a disk that is not kept, not writable.
    """
    if not name or name == ":memory:" or name.startswith("file:"):
        raise SiteProblem(
            "SQLite in memory forgets everything.", advice="Name a file: sqlite:////absolute/path."
        )
    path = Path(name)
    if not path.is_absolute():
        raise SiteProblem(
            f"The database file {name!r} is not an absolute path.",
            advice=f"Write sqlite:///{path.absolute()}.",
        )
    if not path.parent.is_dir():
        raise SiteProblem(
            f"There is no folder {path.parent}.", advice="Make it, or mount the site's disk there."
        )
    refuse_forgetful_disk(path.parent)
    try:
        # made by us so that the file, its log and its index are nobody else's to read
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as problem:
        raise SiteProblem(
            f"The database file {path} cannot be written: {problem.strerror}.",
            advice="Let the account that runs Bedside own the site's folder.",
        ) from problem
    return path


def become_write_ahead(path: Path, seconds: float) -> None:
    """Put the file into write-ahead mode, which it keeps.

    SQLite's busy handler is not asked for this change, so other openers are waited for here.

    Raises:
        SiteProblem: a file system without shared memory (a network disk), or not a database.
        Unavailable: others held the file for `seconds`.
    """
    connection = sqlite3.connect(path, timeout=seconds, isolation_level=None)
    try:
        deadline = time.monotonic() + seconds
        while (mode := _ask_write_ahead(connection, path)) is None:
            if time.monotonic() > deadline:
                raise Unavailable(f"{path} was locked for {seconds:g} s.", advice="Try again.")
            time.sleep(_RETRY_SECONDS)
    finally:
        connection.close()
    if mode != "wal":
        raise SiteProblem(
            f"{path} stays in journal mode {mode!r}; write-ahead logging is needed.",
            advice="Move the site to a local disk, or use PostgreSQL.",
        )


def _ask_write_ahead(connection: sqlite3.Connection, path: Path) -> str | None:
    try:
        # of a new file; an old one keeps its own
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        # a log that a dead process left may be on no disk; what is copied into the file is
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    except sqlite3.OperationalError as problem:
        if problem.sqlite_errorname.startswith("SQLITE_BUSY"):
            return None
        raise Unavailable(f"{path} cannot be opened: {problem}.") from problem
    except sqlite3.DatabaseError as problem:
        raise SiteProblem(
            f"{path} is not a SQLite database, or a damaged one: {problem}.",
            advice="Restore the latest backup; keep this file for analysis.",
        ) from problem
    return str(mode)


def prepare(connection: DriverConnection, *, erasing: bool) -> None:
    """Set what SQLite does not remember in the file."""
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    if erasing:
        connection.execute("PRAGMA secure_delete=ON")  # zeros over deleted rows
