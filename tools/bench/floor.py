"""What one durable event costs without us: SQLite with the ledger's tables, and the disk alone."""

from __future__ import annotations

import os
import sqlite3
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bedside.store.sqlite import PAGE_BYTES

EVENT_BYTES = 1_700
TIMES = 2_000


@dataclass(frozen=True, slots=True)
class Floor:
    """Medians, in microseconds of wall time.

    Attributes:
        sqlite: One event in a transaction of its own: begin, read the head, insert, move the head, commit.
        disk: Overwriting 4 kB of a file, and `fdatasync`.
    """

    sqlite: float
    disk: float


def floor(folder: Path) -> Floor:
    """Measure in `folder`, on the disk that the benchmark uses."""
    folder.mkdir()
    return Floor(_sqlite(folder / "floor.db"), _disk(folder / "floor.bin"))


def _sqlite(path: Path) -> float:
    database = sqlite3.connect(path, isolation_level=None)
    for statement in (
        f"PRAGMA page_size={PAGE_BYTES}",
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        "PRAGMA wal_autocheckpoint=2000",
        "CREATE TABLE entries (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT,"
        " about TEXT, at TEXT, event BLOB, salt BLOB, leaf BLOB, root BLOB)",
        "CREATE INDEX about ON entries (about, position)",
        "CREATE INDEX kind ON entries (kind, position)",
        "CREATE TABLE head (id INTEGER PRIMARY KEY, size INTEGER, note TEXT)",
        "INSERT INTO head VALUES (1, 0, '')",
    ):
        database.execute(statement)
    event, at = os.urandom(EVENT_BYTES), "2026-11-21T00:00:00.000000Z"

    def record(number: int) -> None:
        name = f"{number:012x}{os.urandom(10).hex()}"
        row = (number, name, "prediction", name, at, event, event[:32], event[:32], event[:32])
        database.execute("BEGIN IMMEDIATE")
        database.execute("SELECT size, note FROM head WHERE id = 1").fetchall()
        database.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        moved = (number + 1, at * 9, number)
        database.execute("UPDATE head SET size = ?, note = ? WHERE id = 1 AND size = ?", moved)
        database.execute("COMMIT")

    try:
        return _median(record)
    finally:
        database.close()


def _disk(path: Path) -> float:
    file = os.open(path, os.O_CREAT | os.O_RDWR)
    os.pwrite(file, bytes(1 << 22), 0)
    os.fsync(file)

    def overwrite(number: int) -> None:
        os.pwrite(file, event, (number % 1024) * len(event))
        os.fdatasync(file)

    event = os.urandom(4096)
    try:
        return _median(overwrite)
    finally:
        os.close(file)


def _median(work: Callable[[int], None]) -> float:
    took = []
    for number in range(TIMES):
        begun = time.perf_counter()
        work(number)
        took.append(time.perf_counter() - begun)
    return 1e6 * statistics.median(took)
