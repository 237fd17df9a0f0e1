"""A name is taken once: who repeats is told what was recorded the first time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bedside.errors import UsageError
from bedside.keys.signing import SigningKey
from bedside.keys.subjects import SubjectKeys
from bedside.ledger import claims as module
from bedside.ledger.claims import Claim, Claims, ClaimTaken
from bedside.ledger.events import Prepared, prepare
from bedside.ledger.fences import FenceMoved
from bedside.ledger.group import GroupCommit
from bedside.ledger.ledger import Ledger
from bedside.ledger.tables import ledger_claims
from bedside.store.database import Database
from tests.conftest import SettableClock
from tests.ledger.drafts import EPOCH, prediction

ONE, OTHER = Claim("0a" * 32), Claim("0b" * 32)
WAIT = 30


@pytest.fixture
def group(ledger: Ledger) -> Iterator[GroupCommit]:
    opened = GroupCommit(ledger)
    opened.start()
    yield opened
    opened.close()


def prepared(count: int = 1) -> list[Prepared]:
    return [prepare(prediction(number=number)) for number in range(count)]


def stored(ledger: Ledger) -> int:
    with ledger.database.read() as connection:
        count = connection.execute(select(func.count()).select_from(ledger_claims)).scalar_one()
    return int(count)


def test_a_repeat_is_refused_and_told_what_was_recorded(ledger: Ledger) -> None:
    (first,) = ledger.record_each([prepared(3)], [ONE])
    (again,) = ledger.record_each([prepared(2)], [ONE])
    assert isinstance(first, tuple)
    assert isinstance(again, ClaimTaken)
    assert (again.name, again.event_id, again.events) == (ONE.name, first[0].id, 3)
    assert ledger.claimed(ONE) == first
    assert ledger.head().size == 3


def test_a_name_that_nobody_took_stands_for_nothing(ledger: Ledger) -> None:
    ledger.record_each([prepared()], [OTHER])
    assert ledger.claimed(ONE) == ()


def test_a_repeat_leaves_the_others_of_its_transaction_alone(ledger: Ledger) -> None:
    outcomes = ledger.record_each([prepared(), prepared(2), prepared()], [ONE, ONE, None])
    assert isinstance(outcomes[1], ClaimTaken)
    assert [isinstance(one, tuple) for one in outcomes] == [True, False, True]
    assert ledger.verify().entries == 2
    assert stored(ledger) == 1


def test_a_repeat_is_told_the_first_answer_whatever_was_released_since(ledger: Ledger) -> None:
    fenced = [prepare(prediction(fence=0))]
    ledger.record_each([fenced], [ONE])
    with ledger.database.write() as connection:
        ledger.advance_fence(connection, EPOCH)
    outcomes = ledger.record_each([[prepare(prediction(fence=0))]] * 2, [ONE, OTHER])
    assert isinstance(outcomes[0], ClaimTaken)
    assert isinstance(outcomes[1], FenceMoved)
    assert ledger.claimed(OTHER) == ()  # what was not recorded took nothing


def test_without_a_claim_nothing_is_written(ledger: Ledger) -> None:
    ledger.record_each([prepared(), prepared()])
    ledger.record_each([prepared(), prepared()], [None, None])
    assert stored(ledger) == 0


def test_a_claim_goes_through_the_group(ledger: Ledger, group: GroupCommit) -> None:
    (entry,) = group.submit([prediction()], ONE).result(WAIT)
    with pytest.raises(ClaimTaken, match="recorded before") as problem:
        group.submit(prepared(), ONE).result(WAIT)
    assert problem.value.event_id == entry.id
    with pytest.raises(UsageError, match="an event that stands under it"):
        group.submit([], ONE).result(WAIT)


def test_of_many_at_once_one_is_recorded(ledger: Ledger, group: GroupCommit) -> None:
    def ask(_: int) -> str:
        try:
            return group.submit([prediction()], ONE).result(WAIT)[0].id
        except ClaimTaken as taken:
            return taken.event_id

    with ThreadPoolExecutor(8) as threads:
        told = set(threads.map(ask, range(40)))
    assert len(told) == 1
    assert ledger.verify().entries == 1


def test_two_processes_do_not_both_record(
    ledger: Ledger,
    database_url: str,
    subject_keys: SubjectKeys,
    signer: SigningKey,
    clock: SettableClock,
) -> None:
    other = Database.open(database_url)
    beside = Ledger(other, subject_keys, signer, "bedside/test", clock)
    ledger.record_each([prepared()], [ONE])
    (outcome,) = beside.record_each([prepared()], [ONE])
    assert isinstance(outcome, ClaimTaken)
    other.close()


def test_a_name_is_free_again_when_its_time_is_over(ledger: Ledger, clock: SettableClock) -> None:
    ledger.record_each([prepared()], [ONE])
    clock.advance(module.KEPT.total_seconds() + 1)
    assert ledger.claimed(ONE) == ()
    (outcome,) = ledger.record_each([prepared(2)], [ONE])
    assert isinstance(outcome, tuple)
    assert ledger.claimed(ONE) == outcome


def test_what_is_over_is_removed_by_and_by(
    database: Database,
    subject_keys: SubjectKeys,
    signer: SigningKey,
    clock: SettableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PURGE_EVERY", 3)
    kept = Claims(timedelta(hours=1))
    ledger = Ledger(database, subject_keys, signer, "bedside/test", clock, kept)
    for number in range(10):
        ledger.record_each([prepared()], [Claim(f"{number:064x}")])
    assert stored(ledger) == 10
    clock.advance(3601)
    for number in range(10, 15):
        ledger.record_each([prepared()], [Claim(f"{number:064x}")])
    assert stored(ledger) == 5


@pytest.mark.parametrize("name", ["", "A1", "x", "0" * 129, "0a\n"])
def test_a_name_is_a_digest(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a claim"):
        Claim(name)


def test_a_claim_is_for_something(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="an event that stands under it"):
        ledger.record_each([[]], [ONE])


def test_claims_are_no_part_of_the_record(ledger: Ledger) -> None:
    ledger.record_each([prepared()], [ONE])
    with ledger.database.write() as connection:
        connection.execute(ledger_claims.delete())
    assert ledger.verify().entries == 1
