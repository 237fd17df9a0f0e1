"""Whoever writes to the database past the ledger is found: every field of every row, both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Table, and_, insert, select, text, update
from sqlalchemy import delete as delete_from

from bedside.errors import LedgerBroken, UsageError
from bedside.keys.signing import SigningKey
from bedside.keys.tables import trusted_keys
from bedside.ledger.events import Draft, EventKind
from bedside.ledger.tables import ledger_entries, ledger_fences
from bedside.ledger.view import Difference
from bedside.people import audit as people_audit
from bedside.people.tables import api_keys, people
from bedside.registry import audit
from bedside.registry.audit import read
from bedside.registry.lifecycle import Act, State
from bedside.registry.tables import approvals, releases, versions
from tests.registry.conftest import MEANING, MODEL, Bench

VIEWS: tuple[Table, ...] = (
    people,
    api_keys,
    versions,
    approvals,
    releases,
    trusted_keys,
    ledger_fences,
)


@pytest.fixture
def busy(bench: Bench) -> Bench:
    """A site on which everything has happened that can happen."""
    admin, ops, registry = bench.crew["adm"], bench.crew["ops"], bench.registry
    gone = bench.people.add(admin, "gone", ["auditor"])
    spare = bench.people.issue_key(admin, gone.id, "spare", bench.clock.now + timedelta(days=1))
    bench.clock.advance(1)
    bench.people.revoke_key(admin, spare.id)
    bench.people.deactivate(admin, gone.id)
    bench.people.set_roles(admin, bench.crew["doc"].person.id, ["clinician", "auditor"])
    other = SigningKey.new().public
    registry.trust_key(admin, other, "another lab")
    registry.revoke_key(admin, other.fingerprint)
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        bench.release(version)
    bench.clock.advance(1)
    registry.approve(bench.crew["cho"], f"{MODEL}@1.0.0", MEANING)
    registry.rollback(ops, MODEL, "too many alarms")
    registry.retire(ops, f"{MODEL}@1.2.0", "it was wrong")
    bench.add("2.0.0")
    bench.verify("2.1.0")
    registry.approve(bench.crew["ann"], f"{MODEL}@2.1.0", MEANING)
    registry.revoke_key(admin, bench.key.public.fingerprint)
    return bench


def differences(connection: Connection) -> list[Difference]:
    return [*people_audit.differences(connection), *audit.differences(connection)]


class Undone(Exception):
    """Rolls a transaction back."""


@contextmanager
def meddling(bench: Bench) -> Iterator[Connection]:
    """A connection past every constraint between tables; all that is done on it is undone."""
    off = "PRAGMA defer_foreign_keys = ON"
    if bench.database.dialect == "postgresql":
        off = "SET LOCAL session_replication_role = replica"
    with suppress(Undone), bench.database.write() as connection:
        connection.execute(text(off))
        yield connection
        raise Undone


def keyed(table: Table, row: dict[str, object]) -> tuple[object, ...]:
    return tuple(row[column.name] for column in table.primary_key)


def rows_of(bench: Bench, table: Table) -> list[dict[str, object]]:
    """The rows of a table that this room answers for: of the fences, those of releases."""
    query = select(table)
    if table is ledger_fences:
        query = query.where(ledger_fences.c.name.startswith("release:"))
    with bench.database.read() as connection:
        return [dict(row._mapping) for row in connection.execute(query)]


def others(value: object, nullable: bool | None) -> list[object]:
    """Other values that a column could hold in the place of `value`."""
    if isinstance(value, int):
        return [value + 100, -value - 1]
    if value is None:
        return ["", "2026-11-21T08:00:00.000000Z"]
    return [f"{value}x", "", *([None] if nullable else [])]


def test_rows_and_ledger_tell_the_same_of_everything_that_can_happen(busy: Bench) -> None:
    with busy.database.read() as connection:
        assert differences(connection) == []
        told = read(connection)
    assert {one.state for one in told.versions[MODEL].values()} == set(State)
    assert {one.act for one in told.history[MODEL]} == set(Act) - {Act.RETIREMENT}


@pytest.mark.parametrize("table", VIEWS, ids=lambda table: str(table.name))
def test_every_changed_field_is_named(busy: Bench, table: Table) -> None:
    rows, tried = rows_of(busy, table), 0
    assert rows
    for row in rows:
        here = and_(*(column == row[column.name] for column in table.primary_key))
        for column in table.columns:
            for other in others(row[column.name], column.nullable):
                with meddling(busy) as connection:
                    changed = update(table).where(here).values({column.name: other})
                    assert connection.execute(changed).rowcount == 1
                    found = [one for one in differences(connection) if one.table == table.name]
                place = f"{column.name} {other!r} of {keyed(table, row)}"
                tried += 1
                if column.primary_key:
                    prefixed = table is not ledger_fences or str(other).startswith("release:")
                    assert len(found) == (2 if prefixed else 1), place
                    continue
                (one,) = found
                assert (one.key, one.column) == (keyed(table, row), column.name), place
                if column is not api_keys.c.digest:
                    assert (one.stored, one.told) == (other, row[column.name])
    assert tried >= len(rows) * len(table.columns) * 2


@pytest.mark.parametrize("table", VIEWS, ids=lambda table: str(table.name))
def test_every_removed_row_is_named(busy: Bench, table: Table) -> None:
    for row in rows_of(busy, table):
        here = and_(*(column == row[column.name] for column in table.primary_key))
        with meddling(busy) as connection:
            assert connection.execute(delete_from(table).where(here)).rowcount == 1
            (one,) = differences(connection)
        assert (one.table, one.key, one.stored) == (table.name, keyed(table, row), None)
        assert "the row is missing" in str(one)


@pytest.mark.parametrize("table", VIEWS, ids=lambda table: str(table.name))
def test_every_added_row_is_named(busy: Bench, table: Table) -> None:
    unique = {column.name for column in table.columns if column.unique or column.primary_key}
    unique |= {"digest"} & set(table.columns.keys())
    for row in rows_of(busy, table):
        forged = {
            name: others(value, nullable=False)[0] if name in unique else value
            for name, value in row.items()
        }
        with meddling(busy) as connection:
            connection.execute(insert(table).values(forged))
            (one,) = differences(connection)
        assert (one.table, one.key, one.told) == (table.name, keyed(table, forged), None)
        assert "the ledger tells of no such row" in str(one)


def test_a_fence_of_something_else_is_no_matter_of_this_room(busy: Bench) -> None:
    with meddling(busy) as connection:
        busy.ledger.advance_fence(connection, "reports")
        assert differences(connection) == []


def test_one_model_is_looked_at_alone(busy: Bench) -> None:
    with meddling(busy) as connection:
        connection.execute(update(versions).values(state="approved"))
        assert audit.differences(connection, MODEL)
        assert audit.differences(connection, "other") == ()


@pytest.mark.parametrize("column", ["event", "salt", "leaf", "about", "at", "id"])
def test_an_altered_event_is_no_witness(busy: Bench, column: str) -> None:
    (entry, *_) = busy.ledger.find(kind=EventKind.APPROVAL)
    other = b"{}" if column in {"event", "salt", "leaf"} else "else"
    with meddling(busy) as connection:
        here = ledger_entries.c.position == entry.index
        connection.execute(update(ledger_entries).where(here).values({column: other}))
        with pytest.raises(LedgerBroken, match=f"broken at entry {entry.index}"):
            audit.differences(connection)


@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        (EventKind.RELEASE, {"reason": "x", "epoch": 99}, "you can only release an approved"),
        (EventKind.APPROVAL, {"person": "ann", "meaning": MEANING}, "is a draft"),
        (EventKind.ROLLBACK, {"reason": "x", "epoch": 99}, "is not an earlier release"),
        (EventKind.PACKAGE_VERIFIED, {"state": "approved"}, "with the state 'approved'"),
        (EventKind.PACKAGE_ADDED, {"signer": "x"}, "a second small-tumour@2.0.0"),
        (EventKind.PACKAGE_VERIFIED, {"version": "9.9.9"}, r"tells of '9\.9\.9'"),
        (EventKind.RETIREMENT, {"digest": "y", "epoch": None, "reason": "x"}, "the digest 'y'"),
    ],
)
def test_an_event_that_cannot_have_happened_is_named(
    busy: Bench, kind: EventKind, body: dict[str, object], why: str
) -> None:
    """A ledger can be whole and still tell of a release that nobody approved."""
    draft = busy.registry.version(f"{MODEL}@2.0.0")
    named = {
        "model": MODEL,
        "version": "2.0.0",
        "digest": draft.digest,
        "archive": draft.archive,
        "state": draft.state.value,
    }
    (entry,) = busy.ledger.record(Draft(kind, f"{MODEL}@2.0.0", "x", "rest", named | body))
    with (
        busy.database.read() as connection,
        pytest.raises(LedgerBroken, match=f"Entry {entry.index} .*cannot have happened.*{why}"),
    ):
        audit.differences(connection)


def test_an_epoch_out_of_turn_is_named(bench: Bench) -> None:
    name = bench.approve()
    record = bench.registry.version(name)
    body = {
        "model": MODEL,
        "version": record.version,
        "digest": record.digest,
        "archive": record.archive,
        "state": "released",
        "epoch": 3,
        "reason": "x",
    }
    bench.ledger.record(Draft(EventKind.RELEASE, name, "x", "rest", body))
    with (
        bench.database.read() as connection,
        pytest.raises(LedgerBroken, match="epoch 3 of small-tumour: 1 is next"),
    ):
        audit.differences(connection)


@pytest.mark.parametrize("kind", [EventKind.PERSON_ADDED, EventKind.KEY_CREATED])
def test_nobody_and_no_key_is_told_of_twice(bench: Bench, kind: EventKind) -> None:
    (entry, *_) = bench.ledger.find(kind=kind)
    bench.ledger.record(Draft(kind, entry.about, "x", "rest", entry.value["body"]))
    with (
        bench.database.read() as connection,
        pytest.raises(LedgerBroken, match="the same was told before"),
    ):
        people_audit.differences(connection)


def forge_state(bench: Bench) -> None:
    with bench.database.write() as connection:
        connection.execute(update(versions).values(state="approved"))


def forge_approvals(bench: Bench) -> None:
    forge_state(bench)
    now = "2026-11-21T08:00:00.000000Z"
    with bench.database.write() as connection:
        for number, name in enumerate(("ann", "ben"), start=1):
            row = {"model": MODEL, "version": "1.0.0", "number": number, "person_name": name}
            row |= {"person_id": bench.crew[name].person.id, "meaning": MEANING, "at": now}
            connection.execute(insert(approvals).values(row | {"event_id": f"e{number}"}))


def forge_role(bench: Bench) -> None:
    with bench.database.write() as connection:
        connection.execute(update(people).where(people.c.name == "doc").values(roles="approver"))


@pytest.mark.parametrize(
    ("forge", "honest"), [(forge_state, False), (forge_approvals, False), (forge_role, True)]
)
def test_nothing_is_released_or_approved_past_the_ledger(
    bench: Bench, forge: Callable[[Bench], None], honest: bool
) -> None:
    """Attack 1: an unapproved version made releasable by writing to the database."""
    name = bench.approve() if honest else bench.verify()
    forge(bench)
    size = bench.ledger.head().size
    with pytest.raises(LedgerBroken, match="does not hold what the ledger tells"):
        bench.registry.release(bench.crew["ops"], name, "oops")
    with pytest.raises(LedgerBroken, match="does not hold what the ledger tells"):
        bench.registry.approve(bench.crew["cho"], name, MEANING)
    assert bench.ledger.head().size == size
    assert bench.registry.released() == ()


def test_a_rollback_goes_only_to_what_the_ledger_tells_of(bench: Bench) -> None:
    for version in ("1.0.0", "1.1.0"):
        bench.release(version)
    with bench.database.write() as connection:
        connection.execute(update(releases).where(releases.c.epoch == 1).values(reason="other"))
    with pytest.raises(LedgerBroken, match="reason is 'other', the ledger tells 'first use'"):
        bench.registry.rollback(bench.crew["ops"], MODEL, "why")
    assert bench.answers() == "1.1.0"


def test_what_is_wrong_can_still_be_stopped(bench: Bench) -> None:
    """Retiring asks no proof of the past: it must always be possible to stop a model."""
    name = bench.release()
    forge_role(bench)
    bench.registry.retire(bench.crew["ops"], name, "the database was forged")
    assert bench.registry.released() == ()


def test_more_differences_than_fit_a_message_are_counted(bench: Bench) -> None:
    bench.verify()
    with bench.database.write() as connection:
        connection.execute(update(versions).values(state="approved"))
        connection.execute(update(people).values(created_at="2020"))
    with pytest.raises(LedgerBroken, match=r"created_at is '2020'.*; and 6 more\."):
        bench.registry.approve(bench.crew["ann"], f"{MODEL}@1.0.0", MEANING)
    with pytest.raises(UsageError):
        bench.registry.approve(bench.crew["ann"], f"{MODEL}@1.0.0", "")
