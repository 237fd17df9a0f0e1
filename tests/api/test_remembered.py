from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bedside.api import remembered as module
from bedside.api.remembered import Remembered
from bedside.clock import timestamp
from bedside.ledger.events import Fence
from bedside.people.person import Caller, Person

FENCE = Fence("people", 3)
CALLER = Caller(Person("person", "P", frozenset(), True, ""), "rest", "key", None, (FENCE,))
SECRET = "bds_" + "a" * 43


class Moment:
    """A clock, and seconds of one that never goes back, that a test sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def clock(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def now(self) -> float:
        return self.seconds


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def remembered(moment: Moment) -> Remembered:
    return Remembered(moment.clock, moment.now)


def test_who_came_in_is_known_by_the_same_secret_alone(remembered: Remembered) -> None:
    remembered.keep(SECRET, CALLER)
    known = remembered.of(SECRET.encode())
    assert known is not None
    assert (known.caller, known.caller.fences) == (CALLER, (FENCE,))
    assert remembered.of(SECRET[:-1].encode()) is None
    assert SECRET not in str(vars(remembered))


def test_a_sign_in_is_forgotten_after_a_while_or_at_once(
    remembered: Remembered, moment: Moment
) -> None:
    remembered.keep(SECRET, CALLER)
    moment.seconds += module.REMEMBERED_SECONDS
    assert remembered.of(SECRET.encode()) is not None
    moment.seconds += 0.1
    assert remembered.of(SECRET.encode()) is None
    remembered.keep(SECRET, CALLER)
    remembered.forget()
    assert remembered.of(SECRET.encode()) is None


def test_a_key_opens_nothing_from_the_moment_on_at_which_it_ends(
    remembered: Remembered, moment: Moment
) -> None:
    ends = timestamp(moment.clock() + timedelta(seconds=2))
    remembered.keep(SECRET, replace(CALLER, expires_at=ends))
    moment.seconds += 1.999
    assert remembered.of(SECRET.encode()) is not None
    moment.seconds += 0.001
    assert remembered.of(SECRET.encode()) is None


def test_what_is_remembered_has_a_bound(
    remembered: Remembered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 3)
    secrets = [f"bds_{number:043d}" for number in range(4)]
    for secret in secrets:
        remembered.keep(secret, CALLER)
    assert [remembered.of(secret.encode()) is None for secret in secrets] == [True] * 3 + [False]
