"""Who lets the witnesses see the ledger grow: when, how often, and what it says when they do not."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import delete

from bedside.clock import timestamp
from bedside.errors import LedgerBroken, NotFound
from bedside.keys.signing import SigningKey
from bedside.keys.subjects import SubjectKeys
from bedside.ledger.ledger import Ledger
from bedside.ledger.tables import (
    witnesses,
)
from bedside.ledger.witness import Log, Offer, StaleOffer, WitnessRefused
from bedside.ledger.witness_rows import Pace, WitnessRow
from bedside.ledger.witness_shelf import ShelfWitness
from bedside.ledger.witnessing import Witnessing
from bedside.store.database import Database
from bedside.store.shelf import FolderShelf
from tests.conftest import SettableClock
from tests.ledger.witnessed import Friend, forge, grow, rows_of, tick


@pytest.fixture
def friend() -> Friend:
    return Friend()


@pytest.fixture
def witnessing(ledger: Ledger, friend: Friend, clock: SettableClock) -> Witnessing:
    return Witnessing(ledger, [friend], Pace(60, 10), clock)


class TestWhenItSends:
    def test_the_first_at_once_then_after_a_while(
        self, ledger: Ledger, witnessing: Witnessing, friend: Friend, clock: SettableClock
    ) -> None:
        assert witnessing.states()[0].standing == "waiting"
        grow(ledger, 3)
        state = tick(witnessing)
        assert (state.standing, state.size, state.behind) == ("agrees", 3, 0)
        grow(ledger, 2)
        assert tick(witnessing).behind == 2
        clock.advance(59)
        assert tick(witnessing).behind == 2
        clock.advance(1)
        assert tick(witnessing).behind == 0
        assert [one.size for one in friend.seen] == [3, 5]

    def test_sooner_when_there_is_much(
        self, ledger: Ledger, witnessing: Witnessing, friend: Friend
    ) -> None:
        grow(ledger)
        tick(witnessing)
        grow(ledger, 9)
        assert tick(witnessing).behind == 9
        grow(ledger)
        assert tick(witnessing).behind == 0
        assert [one.size for one in friend.seen] == [1, 11]

    def test_nothing_when_nothing_is_new(
        self, ledger: Ledger, witnessing: Witnessing, friend: Friend, clock: SettableClock
    ) -> None:
        tick(witnessing)
        assert friend.asked == 0
        grow(ledger)
        tick(witnessing)
        for _ in range(5):
            clock.advance(3600)
            tick(witnessing)
        assert friend.asked == 1

    def test_one_process_alone(self, ledger: Ledger, friend: Friend, clock: SettableClock) -> None:
        grow(ledger)
        asking, answer = threading.Event(), threading.Event()

        class Slow(Friend):
            def submit(self, log: Log, offer: Offer) -> str:
                asking.set()
                assert answer.wait(30)
                return super().submit(log, offer)

        slow = Slow()
        first = Witnessing(ledger, [slow], Pace(), clock)
        second = Witnessing(ledger, [friend], Pace(), clock)
        thread = threading.Thread(target=tick, args=[first])
        thread.start()
        assert asking.wait(30)
        slow.address = friend.address
        tick(second)
        assert friend.asked == 0  # the other one is at it
        clock.advance(61)
        tick(second)
        assert friend.asked == 1  # and is waited for no longer
        answer.set()
        thread.join()

    def test_in_the_background_and_once_more_at_the_end(
        self, ledger: Ledger, witnessing: Witnessing, friend: Friend
    ) -> None:
        grow(ledger)
        witnessing.start()
        deadline = time.monotonic() + 30
        while not friend.seen:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        grow(ledger, 2)
        witnessing.finish()
        assert [one.size for one in friend.seen] == [1, 3]
        grow(ledger)
        witnessing.finish()
        assert len(friend.seen) == 2  # who never started has nothing to finish

    def test_a_witness_that_is_ahead_is_caught_up_with(
        self, ledger: Ledger, witnessing: Witnessing, friend: Friend, database: Database
    ) -> None:
        for _ in range(3):
            grow(ledger)
            witnessing.send()
        with database.write() as connection:
            connection.execute(delete(witnesses))  # what is known here is forgotten
        grow(ledger)
        assert witnessing.send()[0].standing == "agrees"
        assert [one.size for one in friend.seen] == [1, 2, 3, 4]


class TestAWitnessThatIsAway:
    def test_is_tried_again_after_longer_and_longer(
        self, ledger: Ledger, witnessing: Witnessing, friend: Friend, clock: SettableClock
    ) -> None:
        friend.away = True
        grow(ledger)
        times = []
        for second in range(200):
            before = friend.asked
            tick(witnessing)
            if friend.asked > before:
                times.append(second)
            clock.advance(1)
        assert times == [0, 5, 15, 35, 75, 155]
        state = witnessing.states()[0]
        assert (state.standing, state.behind) == ("away", 1)
        assert "does not answer" in state.words
        friend.away = False
        clock.advance(3600)
        assert tick(witnessing).standing == "agrees"

    def test_is_told_in_the_log(
        self,
        ledger: Ledger,
        witnessing: Witnessing,
        friend: Friend,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        friend.away = True
        grow(ledger)
        tick(witnessing)
        [record] = caplog.records
        assert (record.name, record.levelno) == ("bedside.witness", logging.WARNING)
        assert record.getMessage() == "witness away"

    def test_does_not_keep_the_site_from_opening(
        self, ledger: Ledger, witnessing: Witnessing, friend: Friend
    ) -> None:
        grow(ledger)
        witnessing.send()
        friend.away = True
        witnessing.hold()
        assert witnessing.states()[0].standing == "away"
        [before] = rows_of(ledger.database)
        witnessing.hold()
        assert friend.asked == 3  # each opening asks; what goes in the background waits as before
        assert rows_of(ledger.database) == [before]
        assert before["next_at"] > timestamp(witnessing._clock())

    def test_pauses_end_at_an_hour(self, clock: SettableClock) -> None:
        row = WitnessRow("w", "a")
        for _ in range(40):
            row = row.failed(clock(), trouble="x")
        clock.advance(3599)
        assert not row.is_free(clock())
        clock.advance(1)
        assert row.is_free(clock())


def test_what_a_row_says_that_a_witness_saw_convicts_nobody(
    ledger: Ledger, witnessing: Witnessing, database: Database
) -> None:
    grow(ledger, 3)
    witnessing.send()
    forge(database, size=1000)
    assert witnessing.send()[0].standing == "agrees"


def test_another_address_is_another_witness(
    ledger: Ledger, witnessing: Witnessing, friend: Friend
) -> None:
    grow(ledger)
    witnessing.send()
    friend.address = "memory://elsewhere"
    assert witnessing.states()[0].standing == "waiting"


def test_an_unknown_name_is_not_found(witnessing: Witnessing) -> None:
    for ask in (witnessing.send, witnessing.witness, witnessing.missing, witnessing.sightings):
        with pytest.raises(NotFound, match="No witness is called 'stranger'"):
            ask("stranger")


def test_without_witnesses_nothing_is_done(ledger: Ledger, clock: SettableClock) -> None:
    alone = Witnessing(ledger, [], Pace(), clock)
    alone.start()
    alone.hold()
    assert (alone.states(), alone.send()) == ((), ())
    alone.finish()
    assert not [one for one in threading.enumerate() if one.name == "witnessing"]


def test_a_witness_that_answers_otherwise_each_time_is_given_up(
    ledger: Ledger, clock: SettableClock
) -> None:
    class Restless(Friend):
        def submit(self, log: Log, offer: Offer) -> str:
            raise StaleOffer(1 if offer.old != 1 else 2)

    grow(ledger, 4)
    [state] = Witnessing(ledger, [Restless()], Pace(), clock).send()
    assert state.standing == "away"
    assert "another size each time" in state.words


def test_what_was_signed_with_another_key_is_not_believed(
    ledger: Ledger, subject_keys: SubjectKeys, tmp_path: Path, clock: SettableClock
) -> None:
    grow(ledger, 3)
    witness = ShelfWitness("archive", str(tmp_path), FolderShelf(tmp_path))
    Witnessing(ledger, [witness], Pace(), clock).send()
    other = Ledger(ledger.database, subject_keys, SigningKey.new(), ledger.origin, clock)
    with pytest.raises(LedgerBroken, match="not signed by"):
        witness.latest(Log(other.origin, other.public_key))
    assert issubclass(WitnessRefused, LedgerBroken)
