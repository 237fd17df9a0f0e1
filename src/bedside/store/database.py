"""One SQL database, SQLite or PostgreSQL, behind two verbs: read and write.

Reading sees one unchanging moment. Writing is serialised across all threads and processes, so
that whoever holds the pen sees everything that was written before; the ledger's indices depend
on it. A write is on the disk when the block is left.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from sqlalchemy import Column, Connection, Engine, Text, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from bedside.errors import BedsideError, SiteProblem, Unavailable, UsageError
from bedside.store import postgresql, sqlite
from bedside.store.condition import Condition
from bedside.store.failures import DatabaseUnavailable, drop_stale, told_in_our_words
from bedside.store.statement import DriverRow, Statement
from bedside.store.wire import Wire

LOCK_SECONDS = 30.0
"""How long a writer waits for the pen, and a caller for a free connection."""

POOL_SIZE = 8
POOL_OVERFLOW = {"sqlite": 40, "postgresql": 8}
"""More connections in a rush. On SQLite they cost a file handle: more than a web worker has
threads. A PostgreSQL server has 100 for everybody by default, and each site needs two pools."""

ERASE_SECONDS = 5.0
"""How long an erasure waits for readers of what it erases; meanwhile nobody else writes."""

_READER: dict[str, dict[str, Any]] = {
    "sqlite": {},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}
_WRITER: dict[str, dict[str, Any]] = {
    "sqlite": {"bedside_begin": "BEGIN IMMEDIATE"},
    # whatever the server's default: who takes the pen must see what was committed before
    "postgresql": {"isolation_level": "READ COMMITTED"},
}
_TAKE_PEN = text("SELECT pg_advisory_xact_lock(:number)")
_BEGIN = Statement("BEGIN IMMEDIATE")
_COMMIT = Statement("COMMIT")
_LOOK = Statement("PRAGMA user_version")
_EMPTY_LOG = Statement("PRAGMA wal_checkpoint(TRUNCATE)")

Dialect = Literal["sqlite", "postgresql"]


class Database:
    """An open database; safe to use from many threads, to be opened after a fork.

    Attributes:
        dialect: Which of the two it is.
        name: Its address without the password, for messages.
        condition: Whether it can be written to, as far as its last writers know.
    """

    def __init__(
        self, engine: Engine, dialect: Dialect, pen: str, *, erasing: bool = False
    ) -> None:
        self.dialect: Dialect = dialect
        self.name = engine.url.render_as_string(hide_password=True)
        self.condition = Condition(self.name)
        self._engine = engine
        self._reader = engine.execution_options(**_READER[dialect])
        if erasing and dialect == "postgresql":
            # to a snapshot from before `_rewrite` the table is empty: each query has its own
            self._reader = self._reader.execution_options(isolation_level="READ COMMITTED")
        self._writer = engine.execution_options(**_WRITER[dialect])
        self._lock_number = _lock_number(pen)
        self._pen = threading.Lock()
        self._holder: int | None = None
        self._wire: Wire | None = None  # belongs to whoever holds the pen
        self._anchor: Wire | None = None
        self._begin = (
            _BEGIN if dialect == "sqlite" else postgresql.begin_with_pen(self._lock_number)
        )

    @classmethod
    def open(cls, url: str, *, pen: str = "bedside", erasing: bool = False) -> Database:
        """Open the database at `url`, and prove that it answers.

        Args:
            url: `sqlite:////absolute/path.db` or `postgresql+psycopg://…`.
            pen: The name of the lock that writers take; databases that share a PostgreSQL
                database but not their tables use different names.
            erasing: `forget_overwritten` will be used: deleted rows are overwritten on SQLite; on
                PostgreSQL a reader sees one moment for each query, not for all of them.

        Raises:
            SiteProblem: not such an address, a missing driver, a disk that is not kept, a server
                that does not wait for its disk, a folder or file that cannot be used.
            Unavailable: the server does not answer.
        """
        address = _address(url)
        if address.get_backend_name() == "sqlite":
            database = cls(_sqlite_engine(address, erasing), "sqlite", pen, erasing=erasing)
        else:
            database = cls(_postgresql_engine(address), "postgresql", pen, erasing=erasing)
        try:
            with database.read() as connection:
                connection.execute(text("SELECT 1"))
                if database.dialect == "postgresql":
                    postgresql.refuse_forgetful_server(connection)
            with told_in_our_words(database.name):
                database._hold_open()
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
            self._writer.connect() as connection,
            connection.begin() as transaction,
        ):
            if self.dialect == "postgresql":
                connection.execute(_TAKE_PEN, {"number": self._lock_number})
            yield connection
            with told_in_our_words(self.name, committing=True):
                transaction.commit()

    @contextmanager
    def writing(self) -> Iterator[Wire]:
        """Give the pen as `write` does, on the driver's own connection, kept from one to the next.

        Raises:
            Unavailable: the pen was not free within `LOCK_SECONDS`, or the database cannot answer.
            SiteProblem: it is damaged, or its tables are of another version.
            UsageError: this thread already holds the pen.
        """
        with self._holding_the_pen(), told_in_our_words(self.name):
            wire = self._begun()
            try:
                yield wire
            except BaseException as problem:
                if isinstance(problem, DBAPIError) or not wire.undo():
                    self._give_up_wire()  # its disk or server may have failed under it
                raise
            with told_in_our_words(self.name, committing=True):
                try:
                    wire.change(_COMMIT)
                except BaseException:
                    self._give_up_wire()
                    raise

    def ask(self, statement: Statement, values: Sequence[object] = ()) -> list[DriverRow]:
        """Return what one query finds, in a moment of its own.

        Raises:
            Unavailable: the database cannot answer now.
            SiteProblem: it is damaged, or its tables are of another version.
        """
        with told_in_our_words(self.name), self._engine.connect() as connection:
            try:
                return Wire.of(connection).rows(statement, values)
            except DBAPIError as problem:
                if problem.connection_invalidated:
                    connection.invalidate()
                raise

    def _begun(self) -> Wire:
        """Return the kept connection with a transaction begun, or a new one where it was lost."""
        kept = self._wire
        if kept is not None:
            try:
                kept.change(self._begin)
            except DBAPIError as problem:
                self._give_up_wire()
                if not problem.connection_invalidated:
                    raise  # nothing was asked of it yet: a new connection may be had
            else:
                return kept
        wire = self._wire = self._alone()
        try:
            wire.change(self._begin)
        except BaseException:
            self._give_up_wire()
            raise
        return wire

    def _alone(self) -> Wire:
        # not `raw_connection`, which raises the driver's own errors
        connection = self._engine.connect().connection
        connection.detach()  # not the pool's any more
        return Wire.alone(connection, self._engine.dialect)

    def _give_up_wire(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()  # what was not committed is rolled back

    def renew(self) -> None:
        """Let go of connections from a time of trouble: SQLite opened some for reading alone.

        Raises:
            Unavailable: the pen was not free within `LOCK_SECONDS`, or the database cannot answer.
        """
        with self._holding_the_pen(), told_in_our_words(self.name):
            self._hold_open()
            self._engine.dispose()  # one that is in use is closed when it is given back
            self._give_up_wire()

    def _hold_open(self) -> None:
        """Keep one connection to a SQLite file open that nobody uses.

        Whoever closes the last one empties the log into the file; where that fails, whoever opens the
        next takes over what stands in the log, even what a failed commit left and no disk has.
        """
        if self.dialect == "sqlite":
            anchor = self._alone()
            try:
                anchor.rows(_LOOK)  # only now it has the file open
            except BaseException:
                anchor.close()
                raise
            before, self._anchor = self._anchor, anchor
            if before is not None:
                before.close()

    def forget_overwritten(self, column: Column[Any]) -> None:
        """Drop what overwritten values of `column` left in the database's files and log.

        Raises:
            Unavailable: somebody reads them still, or the database cannot answer now.
        """
        with self._holding_the_pen(), told_in_our_words(self.name):
            if self.dialect == "sqlite":
                self._empty_log()
            else:
                self._rewrite(column)

    def _empty_log(self) -> None:
        wire = self._alone()
        try:
            wire.rows(Statement(f"PRAGMA busy_timeout = {int(ERASE_SECONDS * 1000)}"))
            busy = wire.rows(_EMPTY_LOG)[0][0]
        finally:
            wire.close()
        if busy:
            raise Unavailable(
                f"The log of {self.name} could not be emptied within {ERASE_SECONDS:g} s.",
                advice="Another process reads this database: repeat when it is done.",
            )

    def _rewrite(self, column: Column[Any]) -> None:
        # VACUUM leaves what an old snapshot may see, and bytes in the gaps of pages. A change of
        # a column's type writes the living rows to a new file and removes the old one, whatever
        # snapshots there are (PostgreSQL, "Caveats" in chapter 13, MVCC).
        table, name = column.table.fullname, column.name
        kind = "text" if isinstance(column.type, Text) else "bytea"
        with self._writer.begin() as connection:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(ERASE_SECONDS * 1000)}")
            connection.exec_driver_sql(
                f"ALTER TABLE {table} ALTER COLUMN {name} TYPE {kind} USING {name} || ''::{kind}"
            )

    def reader_address(self) -> dict[str, Any]:
        """Return what a process of ours needs to open a `Reader`; it may hold a password."""
        if self.dialect == "sqlite":
            return {"sqlite": self._engine.url.database}
        _, named = self._engine.dialect.create_connect_args(self._engine.url)
        told = {name: value for name, value in named.items() if isinstance(value, str | int)}
        return {"postgresql": told}

    def close(self) -> None:
        """Close every connection; the object cannot be used afterwards."""
        self._give_up_wire()
        self._engine.dispose()
        if self._anchor is not None:
            self._anchor.close()

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
            problem = DatabaseUnavailable(
                f"{self.name} was not free for writing within {LOCK_SECONDS:g} s.",
                advice="Try again; if it stays so, look for a long-running writer.",
            )
            self.condition.failed(problem)
            raise problem
        self._holder = me
        self.condition.begun()
        try:
            yield
        except DatabaseUnavailable as problem:
            self.condition.failed(problem)
            raise
        finally:
            self._holder = None
            self.condition.ended()
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
        max_overflow=POOL_OVERFLOW["sqlite"],
        hide_parameters=True,
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
    event.listen(engine, "handle_error", drop_stale)
    return engine


def _postgresql_engine(address: URL) -> Engine:
    return create_engine(
        address,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW["postgresql"],
        hide_parameters=True,
        pool_timeout=LOCK_SECONDS,
        pool_pre_ping=True,
        connect_args=postgresql.connecting(address, LOCK_SECONDS),
    )
