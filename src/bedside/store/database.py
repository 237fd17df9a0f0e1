"""One SQL database, SQLite or PostgreSQL, behind two verbs: read and write.

Reading sees one unchanging moment. Writing is serialised across all threads and processes, so
that whoever holds the pen sees everything that was written before; the ledger's indices depend
on it. A write is on the disk when the block is left.
"""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from bedside.errors import BedsideError, SiteProblem, Unavailable, UsageError
from bedside.store import sqlite
from bedside.store.failures import told_in_our_words

LOCK_SECONDS = 30.0
"""How long a writer waits for the pen, and a caller for a free connection."""

POOL_SIZE = 8
POOL_OVERFLOW = 40
"""Together more than the threads of one web worker, so that a request never waits for a slot."""

_TAKE_PEN = text("SELECT pg_advisory_xact_lock(:number)")

Dialect = Literal["sqlite", "postgresql"]


class Database:
    """An open database; safe to use from many threads, to be opened after a fork.

    Attributes:
        dialect: Which of the two it is.
        name: Its address without the password, for messages.
    """

    def __init__(self, engine: Engine, dialect: Dialect, pen: str) -> None:
        self.dialect: Dialect = dialect
        self.name = engine.url.render_as_string(hide_password=True)
        self._engine = engine
        snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reader = engine.execution_options(**({} if dialect == "sqlite" else snapshot))
        self._writer = engine.execution_options(bedside_begin="BEGIN IMMEDIATE")
        self._lock_number = _lock_number(pen)
        self._pen = threading.Lock()
        self._holder: int | None = None

    @classmethod
    def open(cls, url: str, *, pen: str = "bedside", erasing: bool = False) -> Database:
        """Open the database at `url`, and prove that it answers.

        Args:
            url: `sqlite:////absolute/path.db` or `postgresql+psycopg://…`.
            pen: The name of the lock that writers take; databases that share a PostgreSQL
                database but not their tables use different names.
            erasing: Overwrite deleted rows on SQLite, so that a destroyed key is gone.

        Raises:
            SiteProblem: not such an address, a missing driver, a disk that is not kept, a folder
                or file that cannot be used.
            Unavailable: the server does not answer.
        """
        address = _address(url)
        if address.get_backend_name() == "sqlite":
            database = cls(_sqlite_engine(address, erasing), "sqlite", pen)
        else:
            database = cls(_postgresql_engine(address), "postgresql", pen)
        try:
            with database.read() as connection:
                connection.execute(text("SELECT 1"))
        except BedsideError:
            database.close()
            raise
        return database

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one unchanging moment of the database.

        Raises:
            Unavailable: the database cannot answer now.
            SiteProblem: it is damaged, or its tables are of another version.
        """
        with told_in_our_words(self.name), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give the only connection that writes; commit on leaving, roll back on an exception.

        Writers queue, across threads and processes. What was written is durable on leaving.

        Raises:
            Unavailable: the pen was not free within `LOCK_SECONDS`, or the database cannot answer.
            SiteProblem: it is damaged, or its tables are of another version.
            UsageError: this thread already holds the pen.
        """
        with (
            self._holding_the_pen(),
            told_in_our_words(self.name),
            self._writer.begin() as connection,
        ):
            if self.dialect == "postgresql":
                connection.execute(_TAKE_PEN, {"number": self._lock_number})
            yield connection

    def forget_deleted(self, table: Table) -> None:
        """Drop what deleted or overwritten rows of `table` left in logs and free space.

        Raises:
            Unavailable: the database cannot answer now.
        """
        with self._holding_the_pen(), told_in_our_words(self.name):
            if self.dialect == "sqlite":
                connection = self._engine.raw_connection()
                try:
                    connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
                finally:
                    connection.close()
            else:
                alone = self._engine.execution_options(isolation_level="AUTOCOMMIT")
                with alone.connect() as single:
                    single.exec_driver_sql(f"VACUUM {table.fullname}")

    def close(self) -> None:
        """Close every connection; the object cannot be used afterwards."""
        self._engine.dispose()

    @contextmanager
    def _holding_the_pen(self) -> Iterator[None]:
        # Threads of one process queue here and not in SQLite, whose waiting is sleeping.
        me = threading.get_ident()
        if self._holder == me:
            raise UsageError(
                "A write inside a write of the same thread would wait for itself.",
                advice="Pass the connection on.",
            )
        if not self._pen.acquire(timeout=LOCK_SECONDS):
            raise Unavailable(
                f"{self.name} was not free for writing within {LOCK_SECONDS:g} s.",
                advice="Try again; if it stays so, look for a long-running writer.",
            )
        self._holder = me
        try:
            yield
        finally:
            self._holder = None
            self._pen.release()


def _address(url: str) -> URL:
    advice = "Write sqlite:////absolute/path.db or postgresql+psycopg://user@host/name."
    try:
        address = make_url(url)
    except ArgumentError as problem:
        raise SiteProblem("The database's address cannot be read.", advice=advice) from problem
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    if address.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise SiteProblem(f"No such kind of database: {address.drivername!r}.", advice=advice)
    return address


def _lock_number(pen: str) -> int:
    # 63 bits of a digest: PostgreSQL's advisory locks are signed 64-bit numbers
    return int.from_bytes(hashlib.sha256(pen.encode()).digest()[:8], "big") >> 1


def _sqlite_engine(address: URL, erasing: bool) -> Engine:
    path = sqlite.usable_path(address.database)
    engine = create_engine(
        address,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=LOCK_SECONDS,
        connect_args={"timeout": LOCK_SECONDS, "isolation_level": None},
    )
    with told_in_our_words(engine.url.render_as_string(hide_password=True)):
        sqlite.become_write_ahead(path, LOCK_SECONDS)

    def prepare(connection: sqlite.DriverConnection, _entry: ConnectionPoolEntry) -> None:
        sqlite.prepare(connection, erasing=erasing)

    def begin(connection: Connection) -> None:
        # the driver's own transactions are off (isolation_level None): it would begin too late
        connection.exec_driver_sql(
            str(connection.get_execution_options().get("bedside_begin", "BEGIN"))
        )

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def _postgresql_engine(address: URL) -> Engine:
    if importlib.util.find_spec("psycopg") is None:
        raise SiteProblem(
            "PostgreSQL needs psycopg, which is not installed.",
            advice="pip install 'bedside[postgres]'",
        )
    asked = address.query.get("options", "")
    wait = f"-c lock_timeout={int(LOCK_SECONDS * 1000)}"
    options = f"{asked} {wait} -c synchronous_commit=on -c client_encoding=UTF8".lstrip()
    return create_engine(
        address,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=LOCK_SECONDS,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 10, "options": options},
    )
