from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, func, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError

from bedside.errors import SiteProblem, Unavailable, UsageError
from bedside.store import database as module
from bedside.store.database import Database
from bedside.store.sqlite import PAGE_BYTES
from bedside.store.statement import Statement
from tests import postgres

notes = Table(
    "notes",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("word", Text, nullable=False, unique=True),
)


@pytest.fixture
def opened(database_url: str) -> Iterator[Database]:
    database = Database.open(database_url)
    with database.write() as connection:
        notes.metadata.create_all(connection)
    yield database
    database.close()


def words(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(select(notes.c.word).order_by(notes.c.id)).scalars())


def add(database: Database, word: str) -> None:
    with database.write() as connection:
        connection.execute(insert(notes).values(word=word))


def test_what_is_written_is_read(opened: Database) -> None:
    add(opened, "one")
    assert words(opened) == ["one"]


def test_another_opener_sees_it_at_once(opened: Database, database_url: str) -> None:
    add(opened, "one")
    other = Database.open(database_url)
    assert words(other) == ["one"]
    other.close()


class Oops(Exception):
    pass


def test_an_exception_rolls_everything_back(opened: Database) -> None:
    def half_way() -> None:
        with opened.write() as connection:
            connection.execute(insert(notes).values(word="one"))
            raise Oops

    with pytest.raises(Oops):
        half_way()
    assert words(opened) == []
    add(opened, "two")
    assert words(opened) == ["two"]


def test_a_reader_sees_one_moment(opened: Database) -> None:
    add(opened, "one")
    with opened.read() as connection:
        count = select(func.count()).select_from(notes)
        assert connection.execute(count).scalar_one() == 1
        add(opened, "two")
        assert connection.execute(count).scalar_one() == 1
    assert words(opened) == ["one", "two"]


def test_a_broken_constraint_stays_what_it_is(opened: Database) -> None:
    add(opened, "one")
    with pytest.raises(IntegrityError):
        add(opened, "one")


def test_a_missing_table_is_a_problem_of_the_site(opened: Database) -> None:
    message = "does not have the tables of this version"
    with pytest.raises(SiteProblem, match=message), opened.read() as connection:
        connection.execute(text("SELECT * FROM nowhere"))


def test_a_write_inside_a_write_is_refused_instead_of_waiting_for_itself(opened: Database) -> None:
    with opened.write(), pytest.raises(UsageError, match="inside a write"), opened.write():
        pass
    add(opened, "still works")


def test_threads_write_one_after_the_other(opened: Database) -> None:
    add(opened, "0")

    def count_up() -> None:
        for _ in range(25):
            with opened.write() as connection:
                top = connection.execute(select(func.max(notes.c.id))).scalar_one()
                connection.execute(insert(notes).values(id=top + 1, word=str(top + 1)))

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(words(opened)) == 101


def test_two_openers_write_one_after_the_other(opened: Database, database_url: str) -> None:
    other = Database.open(database_url)
    order: list[str] = []
    held = threading.Event()

    def second() -> None:
        held.wait()
        with other.write():
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with opened.write():
        held.set()
        thread.join(timeout=0.3)
        order.append("first")
    thread.join()
    other.close()
    assert order == ["first", "second"]


def test_a_pen_that_never_comes_free_is_reported(
    opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.05)
    problems: list[Unavailable] = []

    def wait_in_vain() -> None:
        try:
            with opened.write():
                pass
        except Unavailable as problem:
            problems.append(problem)

    with opened.write():
        thread = threading.Thread(target=wait_in_vain)
        thread.start()
        thread.join()
    assert "was not free for writing within 0.05 s" in str(problems[0])


def test_a_file_that_another_process_locks_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.05)
    database = Database.open(f"sqlite:///{tmp_path}/bedside.db")
    holder = sqlite3.connect(tmp_path / "bedside.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="database is locked"), database.write():
        pass
    holder.execute("ROLLBACK")
    holder.close()
    with database.write():
        pass
    database.close()


def test_sqlite_keeps_every_commit_and_trusts_no_schema(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/bedside.db")
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "trusted_schema": 0}
    with database.read() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in expected
        }
    assert found == expected
    assert (tmp_path / "bedside.db").stat().st_mode & 0o077 == 0
    database.close()


def test_postgresql_keeps_every_commit(postgres_server: postgres.Server) -> None:
    url = postgres_server.new_database()
    careless = f"{url}&options=-csynchronous_commit%3Doff"
    database = Database.open(careless)
    with database.read() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"
        assert connection.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "on"
    database.close()
    postgres_server.drop(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "cannot be read"),
        ("mysql://root@localhost/x", "No such kind of database: 'mysql'"),
        ("sqlite://", "forgets everything"),
        ("sqlite:///:memory:", "forgets everything"),
        ("sqlite:///relative.db", "is not an absolute path"),
        ("sqlite:////nowhere/at/all/x.db", "There is no folder /nowhere/at/all"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(url: str, message: str) -> None:
    with pytest.raises(SiteProblem, match=message):
        Database.open(url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"this is not a database, " * 100)
    with pytest.raises(SiteProblem, match="is not a SQLite database"):
        Database.open(f"sqlite:///{tmp_path}/x.db")


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").mkdir()
    with pytest.raises(SiteProblem, match="cannot be written"):
        Database.open(f"sqlite:///{tmp_path}/x.db")


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/x.db")
    with database.write() as connection:
        notes.metadata.create_all(connection)
        connection.execute(insert(notes), [{"word": "x" * 500 + str(n)} for n in range(200)])
    database.close()
    data = bytearray((tmp_path / "x.db").read_bytes())
    data[PAGE_BYTES:] = b"\xff" * (len(data) - PAGE_BYTES)
    (tmp_path / "x.db").write_bytes(data)
    database = Database.open(f"sqlite:///{tmp_path}/x.db")
    with pytest.raises(SiteProblem, match="is damaged"):
        words(database)
    database.close()


def test_the_log_of_a_file_outlives_every_connection_that_is_used(tmp_path: Path) -> None:
    """What is never in a fresh log is never recovered from it, such as a commit that failed."""
    database = Database.open(f"sqlite:///{tmp_path}/x.db")
    with database.writing() as wire:
        wire.change(Statement("CREATE TABLE a (n INTEGER)"))
    log = tmp_path / "x.db-wal"
    before = log.stat()
    for _ in range(2):
        database.renew()
        with database.writing() as wire:
            wire.change(Statement("INSERT INTO a VALUES (1)"))
    assert log.stat().st_ino == before.st_ino
    assert log.stat().st_size > before.st_size > 0
    database.close()
    assert not log.exists()


def left_by_a_process_that_died(path: Path) -> Path:
    """Return the log that it left, which nobody has copied into the file."""
    program = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('PRAGMA journal_mode=WAL'); c.execute('CREATE TABLE a (b BLOB)');"
        "c.execute('INSERT INTO a VALUES (zeroblob(200000))'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    log = path.with_name(path.name + "-wal")
    assert log.stat().st_size > 0
    return log


def test_a_log_that_a_dead_process_left_is_in_the_file_before_anything_else(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    log = left_by_a_process_that_died(path)
    with files_of_at_most(100_000), pytest.raises(Unavailable, match="cannot be opened"):
        Database.open(f"sqlite:///{path}")
    assert log.stat().st_size > 0
    database = Database.open(f"sqlite:///{path}")
    assert log.stat().st_size == 0
    database.close()


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_log_that_cannot_be_emptied_is_told_in_our_words(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/x.db", erasing=True)
    with database.write() as connection:
        notes.metadata.create_all(connection)
        connection.execute(insert(notes), [{"word": "x" * 500 + str(n)} for n in range(200)])
    with files_of_at_most(2 * PAGE_BYTES), pytest.raises(Unavailable, match="cannot answer now"):
        database.forget_overwritten(notes.c.word)
    database.forget_overwritten(notes.c.word)
    assert (tmp_path / "x.db-wal").stat().st_size == 0
    database.close()


def test_a_server_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot answer now"):
        Database.open(f"postgresql+psycopg://nobody@/x?host={tmp_path}")


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as problem:
        Database.open(f"postgresql://someone:hunter2@/x?host={tmp_path}")
    assert "hunter2" not in str(problem.value)


def test_values_are_not_told_with_an_error(opened: Database) -> None:
    add(opened, "a secret word")
    with pytest.raises(IntegrityError) as problem:
        add(opened, "a secret word")
    assert "parameters hidden" in str(problem.value)
    if opened.dialect == "sqlite":  # PostgreSQL itself names the value of a key that is double
        assert "a secret word" not in str(problem.value)


def test_a_mistake_in_sql_is_not_taken_for_an_old_schema(opened: Database) -> None:
    with pytest.raises(DBAPIError, match="syntax error"), opened.read() as connection:
        connection.execute(text("SELEC 1"))


def test_writers_see_what_was_committed_whatever_the_servers_default(
    postgres_server: postgres.Server,
) -> None:
    url = f"{postgres_server.new_database()}"
    name = make_url(url).database
    postgres_server._administer(
        f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'"
    )
    databases = [Database.open(url) for _ in range(3)]
    with databases[0].write() as connection:
        notes.metadata.create_all(connection)
        connection.execute(insert(notes).values(id=0, word="0"))

    def count_up(database: Database) -> None:
        for _ in range(20):
            with database.write() as connection:
                top = connection.execute(select(func.max(notes.c.id))).scalar_one()
                connection.execute(insert(notes).values(id=top + 1, word=str(top + 1)))

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(count_up, databases))
    assert len(words(databases[0])) == 61
    for database in databases:
        database.close()
    postgres_server.drop(url)


def test_a_server_that_does_not_wait_for_its_disk_is_refused(
    postgres_server: postgres.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_server.new_database()
    monkeypatch.delenv("BEDSIDE_ALLOW_TMPFS")
    with pytest.raises(SiteProblem, match="fsync=off: what it confirms, a power cut undoes"):
        Database.open(url)
    postgres_server.drop(url)


def test_a_process_leaves_connections_for_others() -> None:
    # PostgreSQL gives 100 by default, and a site holds two pools in each process
    assert 2 * (module.POOL_SIZE + module.POOL_OVERFLOW["postgresql"]) <= 100 // 3
