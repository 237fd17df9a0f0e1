"""Who is let in, what a stranger is told, and what the ledger is told, also in a flood."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from bedside.errors import SignInRefused
from bedside.ledger.events import EventKind
from bedside.ledger.ledger import Ledger
from bedside.people import flood, queries
from bedside.people.api_key import IssuedKey, Stranger, new_secret
from bedside.people.flood import FLUSH_SECONDS, RECORDED_PER_MINUTE, Sum
from bedside.people.people import People
from bedside.people.person import Caller
from bedside.store.database import Database
from tests.conftest import SettableClock


@pytest.fixture
def key(people: People, admin: Caller, clock: SettableClock) -> IssuedKey:
    """A clinician's key that expires in an hour."""
    people.add(admin, "Baba", ["clinician"])
    return people.issue_key(admin, "Baba", "ward", clock.now + timedelta(hours=1))


def reasons(ledger: Ledger) -> list[str]:
    return [e.value["body"]["reason"] for e in ledger.find(kind=EventKind.SIGN_IN_REFUSED)]


def refused(people: People, secret: str | None) -> str:
    with pytest.raises(SignInRefused) as problem:
        people.sign_in(secret, "rest")
    return str(problem.value)


def test_a_good_key_gives_its_owner_the_door_and_the_keys_id(
    people: People, key: IssuedKey, ledger: Ledger
) -> None:
    size = ledger.head().size
    caller = people.sign_in(key.secret, "rest")
    assert (caller.person, caller.door, caller.credential) == (people.get("Baba"), "rest", key.id)
    assert ledger.head().size == size


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_key_nobody_is_let_in(
    people: People, admin: Caller, ledger: Ledger, secret: str | None
) -> None:
    message = refused(people, secret)
    assert message == "No API key was sent. Send one as `Authorization: Bearer bds_…`."
    assert reasons(ledger) == ["missing"]


def test_what_is_no_key_is_refused_without_repeating_it(
    people: People, admin: Caller, ledger: Ledger
) -> None:
    message = refused(people, "my-password-1234")
    assert message.startswith("What was sent is not an API key.")
    assert "my-password" not in message
    assert b"my-password" not in b"".join(entry.event for entry in ledger.entries())
    assert reasons(ledger) == ["malformed"]


def test_a_stranger_hears_the_same_words_and_the_ledger_has_the_reason(
    people: People, admin: Caller, key: IssuedKey, ledger: Ledger, clock: SettableClock
) -> None:
    person = people.get("Baba")
    messages = {refused(people, new_secret())}
    people.deactivate(admin, person.id)
    messages.add(refused(people, key.secret))
    people.reactivate(admin, person.id)
    clock.advance(3600)
    messages.add(refused(people, key.secret))
    people.revoke_key(admin, key.id)
    messages.add(refused(people, key.secret))
    assert messages == {
        "This API key does not open anything here. Ask an administrator of this site for a new one."
    }
    assert reasons(ledger) == ["unknown", "inactive", "expired", "revoked"]
    last = ledger.find(kind=EventKind.SIGN_IN_REFUSED, about=person.id)[-1].value
    assert last["body"] == {"reason": "revoked", "key": key.id, "person": person.id}
    assert (last["actor"], last["door"]) == ("system", "rest")


def test_a_flood_adds_a_bounded_number_of_events_and_loses_no_count(
    people: People, admin: Caller, ledger: Ledger, clock: SettableClock
) -> None:
    for _ in range(RECORDED_PER_MINUTE + 15):
        refused(people, "x")
    assert reasons(ledger) == ["malformed"] * RECORDED_PER_MINUTE
    clock.advance(60)
    refused(people, None)
    assert reasons(ledger)[RECORDED_PER_MINUTE:] == ["flood", "missing"]
    flood_event = ledger.find(kind=EventKind.SIGN_IN_REFUSED)[RECORDED_PER_MINUTE].value
    assert flood_event["body"] == {
        "reason": "flood",
        "minute": "2026-11-21T08:00",
        "refused": RECORDED_PER_MINUTE + 15,
        "recorded": RECORDED_PER_MINUTE,
    }


def test_the_sum_of_a_flood_is_recorded_once_without_waiting_for_another_attempt(
    people: People, admin: Caller, ledger: Ledger, clock: SettableClock
) -> None:
    for _ in range(RECORDED_PER_MINUTE + 1):
        refused(people, "x")
    people.sum_up_refused_sign_ins()
    assert "flood" not in reasons(ledger)
    clock.advance(60)
    people.sum_up_refused_sign_ins()
    people.sum_up_refused_sign_ins()
    assert reasons(ledger).count("flood") == 1


def test_a_quiet_minute_needs_no_sum(
    people: People, admin: Caller, ledger: Ledger, clock: SettableClock
) -> None:
    for _ in range(RECORDED_PER_MINUTE):
        refused(people, "x")
    clock.advance(60)
    refused(people, "x")
    assert reasons(ledger) == ["malformed"] * (RECORDED_PER_MINUTE + 1)


def test_threads_count_a_flood_together(
    people: People, admin: Caller, ledger: Ledger, clock: SettableClock
) -> None:
    start = threading.Barrier(4)

    def storm(_: int) -> None:
        start.wait()
        for _ in range(10):
            refused(people, "x")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(storm, range(4)))
    assert len(reasons(ledger)) == RECORDED_PER_MINUTE
    clock.advance(60)
    people.sum_up_refused_sign_ins()
    (event,) = ledger.find(kind=EventKind.SIGN_IN_REFUSED, newest_first=True, limit=1)
    assert event.value["body"]["refused"] == 40


def test_processes_whose_clocks_differ_share_one_limit(
    people: People, admin: Caller, ledger: Ledger, database: Database, clock: SettableClock
) -> None:
    fast = SettableClock()
    fast.advance(61)
    ahead = People(database, ledger, fast)
    for _ in range(50):
        refused(people, "x")
        refused(ahead, "x")
    assert len(reasons(ledger)) <= 2 * RECORDED_PER_MINUTE + 1
    clock.advance(300)
    fast.advance(300)
    people.sum_up_refused_sign_ins()
    ahead.sum_up_refused_sign_ins()
    bodies = [e.value["body"] for e in ledger.find(kind=EventKind.SIGN_IN_REFUSED)]
    sums = [body for body in bodies if body["reason"] == "flood"]
    single = len(bodies) - len(sums)
    assert single + sum(body["refused"] - body["recorded"] for body in sums) == 100


def test_above_the_limit_an_attempt_costs_no_write_until_a_second_has_passed(
    people: People, admin: Caller, database: Database, clock: SettableClock
) -> None:
    def counted() -> int:
        with database.read() as connection:
            return sum(queries.refused_by_minute(connection).values())

    for _ in range(RECORDED_PER_MINUTE + 500):
        refused(people, "x")
    assert counted() == RECORDED_PER_MINUTE
    clock.advance(FLUSH_SECONDS)
    refused(people, "x")
    assert counted() == RECORDED_PER_MINUTE + 501


def test_what_was_counted_in_memory_is_not_lost_when_another_closed_the_minute(
    people: People, admin: Caller, ledger: Ledger, database: Database, clock: SettableClock
) -> None:
    for _ in range(RECORDED_PER_MINUTE + 7):
        refused(people, "x")
    clock.advance(60)
    People(database, ledger, clock).sum_up_refused_sign_ins()
    people.sum_up_refused_sign_ins()
    bodies = [e.value["body"] for e in ledger.find(kind=EventKind.SIGN_IN_REFUSED)]
    last = bodies[-1]
    assert (last["minute"], last["refused"], last["recorded"]) == ("2026-11-21T08:00", 7, 0)


def test_many_attempts_of_one_stranger_are_recorded_at_once(
    people: People, admin: Caller, ledger: Ledger, clock: SettableClock
) -> None:
    stranger = people.recognise(["x"], "rest")["x"]
    assert isinstance(stranger, Stranger)
    people.turn_away(stranger, "rest", 3)
    assert reasons(ledger) == ["malformed"] * 3
    people.turn_away(stranger, "rest", 1000)
    assert len(reasons(ledger)) == RECORDED_PER_MINUTE
    clock.advance(60)
    people.sum_up_refused_sign_ins()
    (event,) = ledger.find(kind=EventKind.SIGN_IN_REFUSED, newest_first=True, limit=1)
    assert event.value["body"]["refused"] == 1003


def test_a_look_at_many_keys_finds_the_good_one(
    people: People, admin: Caller, key: IssuedKey
) -> None:
    secrets = [new_secret() for _ in range(1200)]
    found = people.recognise([*secrets, key.secret, None], "rest")
    assert len(found) == 1202
    assert isinstance(caller := found[key.secret], Caller)
    assert caller.credential == key.id
    assert sum(isinstance(one, Stranger) for one in found.values()) == 1201


def test_sums_are_due_for_past_minutes_above_the_limit_only() -> None:
    over = RECORDED_PER_MINUTE + 1
    counts = {"08:02": over, "08:00": over + 5, "08:01": RECORDED_PER_MINUTE, "08:03": over}
    assert flood.sums(counts, "08:02") == (Sum("08:00", over + 5, RECORDED_PER_MINUTE),)
