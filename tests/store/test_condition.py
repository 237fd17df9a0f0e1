from __future__ import annotations

import errno
import os
from collections import namedtuple
from pathlib import Path

import pytest
from sqlalchemy import text

from bedside.errors import Unavailable, UsageError
from bedside.store.condition import ROOM_BYTES, refuse_without_room
from bedside.store.database import Database
from bedside.store.probe import probe

Room = namedtuple("Room", ["f_bavail", "f_frsize"])


def trouble_of(database: Database) -> Unavailable | None:
    return database.condition.trouble


def test_what_the_callers_ask_wrongly_is_no_trouble(database: Database) -> None:
    with pytest.raises(Unavailable, match="nothing is released"), database.write():
        raise Unavailable("nothing is released")
    with pytest.raises(UsageError), database.write(), database.write():
        pass
    assert database.condition.trouble is None


def test_a_trouble_lasts_until_a_probe_has_written(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/a.db")
    holder = Database.open(f"sqlite:///{tmp_path}/a.db")
    with database.write() as connection:
        connection.execute(text("CREATE TABLE a (n INTEGER)"))
        connection.execute(text("PRAGMA busy_timeout = 10"))
    with holder.write(), pytest.raises(Unavailable, match="database is locked"), database.write():
        pass
    trouble = trouble_of(database)
    assert trouble is not None
    assert "database is locked" in trouble.message
    assert "long-running writer; the service goes on by itself" in trouble.advice
    with database.write() as connection:
        connection.execute(text("INSERT INTO a VALUES (1)"))
    assert trouble_of(database) is trouble
    probe(database)
    assert trouble_of(database) is None
    for one in (database, holder):
        one.close()


def test_a_probe_writes_and_changes_nothing(database: Database) -> None:
    before = _numbers(database)
    database.condition.failed(Unavailable("it was so"))
    probe(database)
    assert database.condition.trouble is None
    assert _numbers(database) == before


def _numbers(database: Database) -> list[object]:
    with database.read() as connection:
        if database.dialect == "sqlite":
            return [connection.exec_driver_sql("PRAGMA user_version").scalar_one()]
        return list(connection.exec_driver_sql("SELECT count(*) FROM pg_class").scalars())


def test_a_probe_of_sqlite_is_in_the_log_of_the_file(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/a.db")
    other = Database.open(f"sqlite:///{tmp_path}/a.db")
    with other.read() as connection:  # the last one to close empties the log
        connection.execute(text("SELECT * FROM sqlite_master"))
        probe(database)
        log = tmp_path / "a.db-wal"
        first = log.stat().st_size
        probe(database)
        assert log.stat().st_size > first > 0
    for one in (database, other):
        one.close()


def test_without_room_on_the_disk_a_trouble_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: Room(ROOM_BYTES // 4096 - 1, 4096))
    with pytest.raises(Unavailable, match=r"its disk is full \(1044480 bytes are free\)"):
        refuse_without_room("sqlite:///a.db", tmp_path / "a.db")


def test_a_disk_that_cannot_be_asked_is_a_trouble_that_a_probe_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: object) -> Room:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    database = Database.open(f"sqlite:///{tmp_path}/a.db")
    with monkeypatch.context() as away:
        away.setattr(os, "statvfs", gone)
        with pytest.raises(Unavailable, match=r"its disk cannot be asked \(Stale file handle\)"):
            probe(database)
        database.condition.failed(Unavailable("it was so"))
    probe(database)
    assert database.condition.trouble is None
    database.close()


def test_a_connection_that_was_opened_read_only_is_not_kept(tmp_path: Path) -> None:
    """SQLite opens a file that it may not write to for reading alone, and says so to nobody."""
    path = tmp_path / "a.db"
    database = Database.open(f"sqlite:///{path}")
    with database.write() as connection:
        connection.execute(text("CREATE TABLE a (n INTEGER)"))
        connection.execute(text("PRAGMA query_only = ON"))  # as such a connection behaves
    with pytest.raises(Unavailable, match="readonly database"), database.write() as connection:
        connection.execute(text("INSERT INTO a VALUES (1)"))
    trouble = trouble_of(database)
    assert trouble is not None
    assert "It is read-only: look how its disk is mounted" in trouble.advice
    with database.write() as connection:
        connection.execute(text("INSERT INTO a VALUES (1)"))
    database.close()
