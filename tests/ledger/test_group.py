from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

from bedside.errors import Conflict, Unavailable, UsageError
from bedside.ledger import group as module
from bedside.ledger.appending import Outcome
from bedside.ledger.claims import Claim
from bedside.ledger.events import Draft, EventKind, Prepared
from bedside.ledger.fences import FenceMoved
from bedside.ledger.group import GroupCommit
from bedside.ledger.ledger import Ledger
from tests.ledger.drafts import EPOCH, prediction

WAIT = 30.0


@pytest.fixture
def group(ledger: Ledger) -> Iterator[GroupCommit]:
    opened = GroupCommit(ledger)
    opened.start()
    yield opened
    opened.close()


@pytest.fixture
def held(ledger: Ledger, group: GroupCommit) -> Iterator[threading.Event]:
    """Keeps the thread inside its first commit until the event is set, so that others gather."""
    release, inside = threading.Event(), threading.Event()
    write = ledger.record_each

    def record_each(
        groups: Sequence[Sequence[Prepared]], claims: Sequence[Claim | None] = ()
    ) -> list[Outcome]:
        inside.set()
        assert release.wait(WAIT)
        return write(groups, claims)

    ledger.record_each = record_each  # type: ignore[method-assign]
    first = group.submit([prediction()])
    assert inside.wait(WAIT)
    yield release
    release.set()
    first.result(WAIT)


def test_what_is_submitted_is_durable_when_the_future_is_done(
    ledger: Ledger, group: GroupCommit
) -> None:
    entries = group.submit([prediction(), prediction()]).result(WAIT)
    assert [entry.index for entry in entries] == [0, 1]
    assert ledger.entry(1) == entries[1]


def test_many_callers_leave_no_gap(ledger: Ledger, group: GroupCommit) -> None:
    places: list[int] = []

    def call() -> None:
        places.extend(
            entry.index
            for _ in range(20)
            for entry in group.submit([prediction(), prediction()]).result(WAIT)
        )

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(places) == list(range(320))
    assert ledger.verify().entries == 320


def test_those_who_come_meanwhile_share_one_transaction(
    ledger: Ledger, group: GroupCommit, held: threading.Event
) -> None:
    sizes: list[int] = []
    write = ledger.record_each

    def record_each(
        groups: Sequence[Sequence[Prepared]], claims: Sequence[Claim | None] = ()
    ) -> list[Outcome]:
        sizes.append(len(groups))
        return write(groups, claims)

    waiting = [group.submit([prediction(number=number)]) for number in range(10)]
    ledger.record_each = record_each  # type: ignore[method-assign]
    held.set()
    entries = [future.result(WAIT)[0] for future in waiting]
    assert [entry.index for entry in entries] == list(range(1, 11))
    assert sizes == [10]


def test_a_group_is_bounded(
    ledger: Ledger, group: GroupCommit, held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_GROUP", 4)
    waiting = [group.submit([prediction(), prediction()]) for _ in range(5)]
    sizes: list[int] = []
    write = ledger.record_each

    def record_each(
        groups: Sequence[Sequence[Prepared]], claims: Sequence[Claim | None] = ()
    ) -> list[Outcome]:
        sizes.append(sum(len(one) for one in groups))
        return write(groups, claims)

    ledger.record_each = record_each  # type: ignore[method-assign]
    held.set()
    for future in waiting:
        future.result(WAIT)
    assert sizes == [4, 4, 2]


def test_a_moved_fence_fails_only_its_own_future(
    ledger: Ledger, group: GroupCommit, held: threading.Event
) -> None:
    before = group.submit([prediction(fence=1)])
    stale = group.submit([prediction(fence=0)])
    after = group.submit([prediction()])
    with ledger.database.write() as connection:
        ledger.advance_fence(connection, EPOCH)
    held.set()
    assert before.result(WAIT)[0].index == 1
    assert after.result(WAIT)[0].index == 2
    with pytest.raises(FenceMoved, match="moved from 0 to 1"):
        stale.result(WAIT)
    assert ledger.verify().entries == 3


def test_a_bad_draft_fails_only_its_own_future(
    ledger: Ledger, group: GroupCommit, held: threading.Event
) -> None:
    good = group.submit([prediction()])
    bad = group.submit([Draft(EventKind.APPROVAL, "", "p", "rest")])
    with pytest.raises(UsageError, match="about cannot be ''"):
        bad.result(WAIT)
    held.set()
    assert good.result(WAIT)[0].index == 1


def test_a_repeated_event_fails_only_its_own_future(
    ledger: Ledger, group: GroupCommit, held: threading.Event
) -> None:
    draft = prediction()
    one, again, other = (group.submit([d]) for d in (draft, draft, prediction()))
    held.set()
    assert one.result(WAIT)[0].id == draft.id
    assert other.result(WAIT)[0].index == 2
    with pytest.raises(Conflict, match="recorded already"):
        again.result(WAIT)
    assert ledger.verify().entries == 3


def test_a_database_that_fails_fails_its_group_and_no_other(
    ledger: Ledger, group: GroupCommit, held: threading.Event
) -> None:
    write = ledger.record_each

    def fail(
        groups: Sequence[Sequence[Prepared]], claims: Sequence[Claim | None] = ()
    ) -> list[Outcome]:
        ledger.record_each = write  # type: ignore[method-assign]
        raise Unavailable("the disk is full")

    waiting = [group.submit([prediction()]) for _ in range(3)]
    ledger.record_each = fail  # type: ignore[method-assign]
    held.set()
    for future in waiting:
        with pytest.raises(Unavailable, match="the disk is full"):
            future.result(WAIT)
    assert group.submit([prediction()]).result(WAIT)[0].index == 1


def test_what_was_accepted_cannot_be_called_back(group: GroupCommit, held: threading.Event) -> None:
    future = group.submit([prediction()])
    assert not future.cancel()
    held.set()
    assert future.result(WAIT)[0].index == 1


def test_closing_records_what_was_accepted(ledger: Ledger) -> None:
    group = GroupCommit(ledger)
    group.start()
    waiting = [group.submit([prediction()]) for _ in range(50)]
    group.close()
    assert sorted(future.result(0)[0].index for future in waiting) == list(range(50))
    with pytest.raises(Unavailable, match="being closed"):
        group.submit([prediction()])


def test_too_many_waiting_are_told_at_once(
    group: GroupCommit, held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    waiting = [group.submit([prediction()]) for _ in range(2)]
    with pytest.raises(Unavailable, match="2 events wait"):
        group.submit([prediction()])
    held.set()
    assert len({future.result(WAIT)[0].index for future in waiting}) == 2


def test_it_is_started_once(ledger: Ledger, group: GroupCommit) -> None:
    with pytest.raises(UsageError, match="started before"):
        group.start()
    with pytest.raises(Unavailable):
        GroupCommit(ledger).submit([prediction()])
