"""A ledger is proved at once, or doubted; what is doubted is read in order."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, text, update

from bedside.errors import LedgerBroken
from bedside.keys.signing import SigningKey
from bedside.keys.subjects import SubjectKeys
from bedside.ledger import hands
from bedside.ledger.at_once import prove_at_once
from bedside.ledger.audit import Verdict
from bedside.ledger.events import Draft, EventKind
from bedside.ledger.ledger import Ledger
from bedside.ledger.stretch import Doubt, Stretch, all_different, check_stretch, numbered
from bedside.ledger.tables import (
    ledger_checkpoints,
    ledger_entries,
    ledger_head,
    ledger_nodes,
)
from bedside.ledger.verify import StoredLedger
from bedside.store.statement import DriverRow, Statement
from tests.conftest import SettableClock
from tests.ledger.drafts import prediction

SIZE = 700
Change = Callable[[Connection], object]


@pytest.fixture
def long(ledger: Ledger, subject_keys: SubjectKeys, clock: SettableClock) -> Ledger:
    """A ledger of 700 entries of several shapes, at several times, with three checkpoints."""
    key = subject_keys.for_nobody()
    drafts: list[Draft] = []
    for number in range(SIZE):
        match number % 5:
            case 0:
                odd = {"name": '日本 "語" \\ \n', "x": number / 7, "far": 1e30}
                drafts.append(Draft(EventKind.DECISION, f"p-{number}", "人", "web", odd))
            case 1:
                drafts.append(prediction(number=number))
            case _:
                drafts.append(prediction(number=number, sealed={"n": number}, key=key))
    ledger.checkpoint()
    for start in range(0, SIZE, 50):
        ledger.record(*drafts[start : start + 50])
        clock.advance(0.5)
        if start in {200, 450}:
            ledger.checkpoint()
    return ledger


@pytest.fixture(params=[0, 2], ids=["alone", "by two"])
def count(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many processes do it."""
    monkeypatch.setattr(hands, "SPAN", 256)
    monkeypatch.setattr(hands, "hands_for", lambda _size: request.param)
    return int(request.param)


def at_once(ledger: Ledger) -> Verdict:
    return prove_at_once(ledger.database, ledger.origin, ledger.public_key)


def in_order(ledger: Ledger) -> Verdict:
    with ledger.database.read() as connection:
        return StoredLedger(connection, ledger.origin, ledger.public_key).verify()


@pytest.mark.usefixtures("count")
def test_the_same_is_proved_at_once_as_in_order(long: Ledger) -> None:
    assert at_once(long) == in_order(long) == long.verify()
    assert at_once(long).entries == SIZE
    assert at_once(long).checkpoints == 3


@pytest.mark.usefixtures("count")
def test_a_ledger_without_an_entry_is_whole(ledger: Ledger) -> None:
    ledger.checkpoint()
    assert at_once(ledger) == in_order(ledger)


def of_entry(index: int, **values: Any) -> Change:
    return lambda c: c.execute(
        update(ledger_entries).where(ledger_entries.c.position == index).values(values)
    )


def swapped(connection: Connection) -> None:
    columns = [c for c in ledger_entries.c if c.name != "position"]
    for name in ("one", "other"):
        connection.execute(
            update(ledger_entries)
            .where(ledger_entries.c.position == {"one": 301, "other": 306}[name])
            .values(position=-1 if name == "one" else 301)
        )
    connection.execute(
        update(ledger_entries).where(ledger_entries.c.position == -1).values(position=306)
    )
    assert columns


ATTACKS: dict[str, tuple[Change, int | None]] = {
    "an event": (of_entry(321, event=b"{}"), 321),
    "a salt": (of_entry(300, salt=bytes(32)), 300),
    "a short salt": (of_entry(300, salt=bytes(31)), 300),
    "a leaf": (of_entry(699, leaf=bytes(32)), 699),
    "a root": (of_entry(511, root=bytes(32)), 511),
    "an id": (of_entry(512, id="another"), 512),
    "a kind": (of_entry(256, kind="decision"), 256),
    "an about": (of_entry(257, about="p-257"), 257),
    "a time": (of_entry(258, at="2026-11-21T09:00:00.000000Z"), 258),
    "an entry is gone": (lambda c: c.execute(delete(ledger_entries).where(
        ledger_entries.c.position == 400)), 400),
    "the last entry is gone": (lambda c: c.execute(delete(ledger_entries).where(
        ledger_entries.c.position == SIZE - 1)), SIZE - 1),
    "two change places": (swapped, 301),
    "a hidden entry": (of_entry(0, position=-5), 0),
    "a node": (lambda c: c.execute(update(ledger_nodes).where(
        ledger_nodes.c.position == 1).values(hash=bytes(32))), 256),
    "a node is gone": (lambda c: c.execute(delete(ledger_nodes).where(
        ledger_nodes.c.position == 1)), 256),
    "a node too many": (lambda c: c.execute(insert(ledger_nodes).values(
        level=16, position=0, hash=bytes(32))), None),
    "the head's size": (lambda c: c.execute(update(ledger_head).values(size=SIZE - 1)), SIZE),
    "the head's root": (lambda c: c.execute(update(ledger_head).values(root=bytes(32))), None),
    "the head's frontier": (lambda c: c.execute(update(ledger_head).values(frontier=b"")), None),
    "the head's time": (lambda c: c.execute(update(ledger_head).values(at="2026")), None),
    "the head's count": (lambda c: c.execute(update(ledger_head).values(checkpoints=2)), None),
    "the head's note": (lambda c: c.execute(update(ledger_head).values(note=select(
        ledger_checkpoints.c.note).where(ledger_checkpoints.c.number == 2).scalar_subquery())),
        500),
    "the head is gone": (lambda c: c.execute(delete(ledger_head)), None),
    "a second head": (lambda c: c.execute(insert(ledger_head).values(
        id=2, size=1, root=b"", frontier=b"", at="", checkpoints=0, note="")), None),
    "a checkpoint's size": (lambda c: c.execute(update(ledger_checkpoints).where(
        ledger_checkpoints.c.number == 1).values(size=251)), None),
    "a checkpoint is gone": (lambda c: c.execute(delete(ledger_checkpoints).where(
        ledger_checkpoints.c.number == 1)), None),
    "a hidden checkpoint": (lambda c: c.execute(update(ledger_checkpoints).where(
        ledger_checkpoints.c.number == 0).values(number=-1)), None),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_changed_is_doubted_and_named(
    long: Ledger, monkeypatch: pytest.MonkeyPatch, attack: str
) -> None:
    change, first = ATTACKS[attack]
    with long.database.write() as connection:
        change(connection)
    for count in (0, 2) if attack in {"a root", "a node", "an event"} else (0,):
        monkeypatch.setattr(hands, "SPAN", 256)
        monkeypatch.setattr(hands, "hands_for", lambda _size, count=count: count)
        with pytest.raises((Doubt, LedgerBroken)):
            at_once(long)
        with pytest.raises(LedgerBroken) as problem:
            long.verify()
        if first is not None:
            assert problem.value.index == first


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL keeps its types
@pytest.mark.parametrize("name", ["id", "kind", "about", "at", "event", "salt", "leaf", "root"])
def test_a_value_of_another_type_is_doubted(long: Ledger, name: str) -> None:
    with long.database.write() as connection:
        other = "CAST(event AS TEXT)" if name == "event" else f"CAST({name} AS BLOB)"
        value = other if name in {"id", "kind", "about", "at", "event"} else "'text'"
        changed = f"UPDATE ledger_entries SET {name} = {value} WHERE position = 600"  # noqa: S608
        connection.execute(text(changed))
    with pytest.raises(Doubt):
        at_once(long)
    with pytest.raises(LedgerBroken) as problem:
        long.verify()
    assert problem.value.index == 600


@pytest.mark.parametrize(
    "child", [["-c", "pass"], ["-c", "print('[]')"], ["-c", "import sys; sys.exit(3)"]]
)
def test_where_the_processes_fail_it_is_read_in_order(
    long: Ledger, monkeypatch: pytest.MonkeyPatch, child: list[str]
) -> None:
    def started() -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen([sys.executable, *child], stdin=pipe, stdout=pipe, text=True)

    monkeypatch.setattr(hands, "hands_for", lambda _size: 2)
    monkeypatch.setattr(hands, "_started", started)
    with pytest.raises(Doubt):
        at_once(long)
    assert long.verify().entries == SIZE


def test_short_ledgers_need_no_processes() -> None:
    assert hands.hands_for(hands.ENTRIES_FOR_HANDS - 1) == 0
    assert 1 <= hands.hands_for(10**6) <= hands.MOST_HANDS


class Rows:
    """Rows in memory, which can be asked as a database can."""

    def __init__(self, rows: Sequence[DriverRow]) -> None:
        self._rows = rows

    def rows(self, statement: Statement, values: Sequence[object] = ()) -> list[DriverRow]:
        if "ledger_entries" in statement.sqlite:
            start, stop = values
            assert isinstance(start, int)
            assert isinstance(stop, int)
            return list(self._rows[start:stop])
        return []


def test_every_byte_of_every_column_counts(ledger: Ledger, subject_keys: SubjectKeys) -> None:
    key = subject_keys.for_nobody()
    ledger.record(*[prediction(number=n, sealed={"n": n}, key=key) for n in range(4)])
    with ledger.database.read() as connection:
        rows = [tuple(row) for row in connection.execute(select(*ledger_entries.c))]
    assert check_stretch(Rows(rows), 0, 4, ()).size == 4
    for column in range(9):
        for change in _changes(rows[2][column]):
            altered = (*rows[2][:column], change, *rows[2][column + 1 :])
            with pytest.raises(Doubt):
                check_stretch(Rows([*rows[:2], altered, rows[3]]), 0, 4, ())


def _changes(value: object) -> list[object]:
    if isinstance(value, int):
        return [value + 1, str(value), None]
    if isinstance(value, str):
        spots = range(len(value))
        return [value.encode(), None, *(value[:n] + "~" + value[n + 1 :] for n in spots)]
    assert isinstance(value, bytes)
    flipped = [value[:n] + bytes([value[n] ^ 1]) + value[n + 1 :] for n in range(len(value))]
    return [value.decode("latin-1"), None, value + b"\0", *flipped]


def test_a_time_that_runs_backwards_is_doubted(
    ledger: Ledger, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bedside.ledger.appending.time_after", lambda _head, now: now.isoformat(timespec="microseconds").replace("+00:00", "Z"))  # fmt: skip
    ledger.record(prediction())
    clock.advance(-1)
    ledger.record(prediction())
    with pytest.raises(Doubt):
        at_once(ledger)
    with pytest.raises(LedgerBroken, match="is before"):
        ledger.verify()


def test_an_id_that_stands_twice_is_doubted() -> None:
    uuid, other = "01933a2f-7000-7000-8000-000000000000", "01933a2f-7000-7000-8000-000000000001"
    long_ids = ["x", "xé", "é" * 36, "a" * 36, ""]
    numbers = numbered([uuid, other]) + numbered(["x", uuid[:-1]]) + numbered(long_ids[1:])
    assert len(numbers) == 8 * 8
    assert all_different([numbers])
    for ids in ([uuid], ["x", uuid], [*long_ids, other], ["xé"], ["é" * 36], ["", "b"]):
        assert not all_different([numbers, numbered(ids)])
    assert all_different([])
    assert all_different([b"", b""])


def test_a_stretch_that_does_not_follow_the_one_before_is_doubted(
    long: Ledger, signer: SigningKey
) -> None:
    """The stored nodes before a stretch are replaced by those of another history."""
    assert signer
    with pytest.raises(Doubt):
        Stretch(256, (bytes(32), bytes(32)))
    frontier = (hashlib.sha256(b"another").digest(),)
    stretch = Stretch(256, frontier)
    with long.database.read() as connection:
        query = select(*ledger_entries.c).where(ledger_entries.c.position.between(256, 260))
        rows = [tuple(row) for row in connection.execute(query)]
    with pytest.raises(Doubt):
        stretch.add(rows)
