"""The connection is lost in the commit: what stands is found out, and nothing else is said."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy.engine import make_url

from bedside.errors import Unavailable
from bedside.ledger.group import GroupCommit
from bedside.ledger.ledger import Ledger
from bedside.store.database import Database
from bedside.store.failures import CommitUnknown
from bedside.store.statement import Statement
from bedside.store.wire import Wire
from tests import postgres
from tests.ledger.drafts import prediction

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
WAITING = (
    "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' "
    "AND backend_type = 'client backend'"  # the server's own tidying waits as well
)
TERMINATE = WAITING.replace("pid", "pg_terminate_backend(pid)")


@pytest.fixture
def administrator(postgres_server: postgres.Server) -> Iterator[psycopg.Connection]:
    conninfo = f"host={postgres_server.folder} user=postgres dbname=postgres"
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection
        connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
        connection.execute("SELECT pg_reload_conf()")


def wait_for_a_standby_that_never_comes(administrator: psycopg.Connection) -> None:
    administrator.execute("ALTER SYSTEM SET synchronous_standby_names = 'nowhere'")
    administrator.execute("SELECT pg_reload_conf()")
    wait(lambda: _shown(administrator) == "nowhere")


def lose_the_committed(administrator: psycopg.Connection) -> None:
    """Kill a backend whose transaction stands already, before it can say so."""
    wait(lambda: administrator.execute(WAITING).fetchone() is not None)
    administrator.execute("ALTER SYSTEM RESET synchronous_standby_names")
    administrator.execute(TERMINATE)
    administrator.execute("SELECT pg_reload_conf()")


def _shown(administrator: psycopg.Connection) -> str:
    row = administrator.execute("SHOW synchronous_standby_names").fetchone()
    assert row is not None
    return str(row[0])


def wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("way", ["single", "group"])
def test_what_stands_is_returned_as_recorded(
    ledger: Ledger, administrator: psycopg.Connection, way: str
) -> None:
    ledger.record(prediction())
    group, threads = GroupCommit(ledger), ThreadPoolExecutor(1)
    group.start()
    wait_for_a_standby_that_never_comes(administrator)
    draft = prediction("unsure")
    future: Future[tuple[object, ...]] = (
        threads.submit(ledger.record, draft)  # type: ignore[assignment]
        if way == "single"
        else group.submit([draft])
    )
    lose_the_committed(administrator)
    (entry,) = future.result(20)
    assert entry == ledger.entry(1)
    group.close()
    threads.shutdown()
    assert ledger.verify().entries == 2


def test_a_caller_of_the_database_is_told_that_it_is_not_known(
    ledger: Ledger, database: Database, administrator: psycopg.Connection
) -> None:
    wait_for_a_standby_that_never_comes(administrator)

    def alone() -> None:
        with database.write() as connection:
            ledger.append(connection, [prediction("unsure")])

    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(alone)
        lose_the_committed(administrator)
        with pytest.raises(CommitUnknown, match="It is not known whether this was recorded"):
            future.result(20)
    assert len(ledger.find(about="unsure")) == 1


def test_what_does_not_stand_is_said_to_be_unrecorded(
    ledger: Ledger,
    database_url: str,
    postgres_server: postgres.Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = make_url(database_url).database
    lost: list[int] = []
    change = Wire.change

    def lose(wire: Wire, statement: Statement, values: Sequence[object] = ()) -> int:
        if not lost and statement.sqlite == "COMMIT":
            lost.append(wire.rows(Statement("SELECT pg_backend_pid()"))[0][0])
            conninfo = f"host={postgres_server.folder} user=postgres dbname={name}"
            with psycopg.connect(conninfo, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", (lost[0],))
        return change(wire, statement, values)

    monkeypatch.setattr(Wire, "change", lose)
    with pytest.raises(Unavailable, match=r"Nothing was recorded\. Try again"):
        ledger.record(prediction())
    assert ledger.head().size == 0
    assert ledger.record(prediction())[0].index == 0


def test_a_connection_that_was_lost_while_it_rested_is_replaced(
    ledger: Ledger, administrator: psycopg.Connection
) -> None:
    ledger.record(prediction())
    others = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    )
    administrator.execute(others + " AND backend_type = 'client backend'")
    assert ledger.record(prediction())[0].index == 1
    assert ledger.verify().entries == 2
