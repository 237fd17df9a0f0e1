from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bedside.errors import Unavailable
from bedside.ledger.events import Fence, Prepared
from bedside.ledger.fences import FenceMoved
from bedside.serving import together as module
from bedside.serving.together import Together, Told, Wanted
from bedside.serving.values import Prediction, Row
from tests.bedside_site import MODEL, Hospital

ROW = {"radius": 20.5, "sex": "male", "age": 71}


def ask(
    hospital: Hospital, *rows: Row, fences: tuple[Fence, ...] | None = None, times: int = 1
) -> list[Told | BaseException]:
    """Ask for all rows at once, `times` times one after the other."""
    serving, caller = hospital.site.serving, hospital["clinician"].caller
    loaded = serving.models.fetch(MODEL)
    caller = caller if fences is None else replace(caller, fences=fences)

    async def asking() -> list[Told | BaseException]:
        found: list[Told | BaseException] = []
        for _ in range(times):
            told = (serving.together().ask(caller, loaded, row) for row in rows)
            found += await asyncio.gather(*told, return_exceptions=True)
        return found

    return asyncio.run(asking())


def test_each_row_gets_its_own_verdict(hospital: Hospital) -> None:
    rows = [Row(ROW), Row({**ROW, "radius": 99.5}), Row(ROW, "patient-7"), Row([1]), Row(ROW)]
    told = ask(hospital, *rows)
    assert [isinstance(one, Prediction) for one in told] == [True, False, True, False, True]
    assert [one for one in told if one is None] == [None, None]
    recorded = [one for one in told if isinstance(one, Prediction)]
    for one, subject in zip(recorded, (None, "patient-7", None), strict=True):
        entry = hospital.site.ledger.entry(one.index)
        opened = hospital.site.ledger.opened(entry)
        assert (entry.about, entry.at) == (one.id, one.at)
        assert opened is not None
        assert opened["subject"] == subject
    assert len({one.id for one in recorded}) == 3


def test_a_row_alone_and_among_many_gets_the_same_number(hospital: Hospital) -> None:
    (alone,) = ask(hospital, Row(ROW))
    others = [Row({**ROW, "radius": 6.5 + number / 4}) for number in range(40)]
    among = ask(hospital, *others, Row(ROW))[-1]
    assert isinstance(alone, Prediction)
    assert isinstance(among, Prediction)
    assert alone.scores == among.scores


def test_a_fence_that_moved_is_told_to_the_one_who_gave_it(hospital: Hospital) -> None:
    (told,) = ask(hospital, Row(ROW), fences=(Fence("people", -1),))
    assert isinstance(told, FenceMoved)
    assert told.fence == "people"


def test_without_keys_at_hand_the_event_loop_does_not_wait_for_the_disk(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    many = hospital.site.subject_keys.many

    def noting(subjects: Sequence[str | None]) -> object:
        threads.append(threading.get_ident())
        return many(subjects)

    monkeypatch.setattr(hospital.site.subject_keys, "at_hand", lambda count: None)
    monkeypatch.setattr(hospital.site.subject_keys, "many", noting)
    (told,) = ask(hospital, Row(ROW))
    assert isinstance(told, Prediction)
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


def test_a_fault_in_the_work_on_a_group_sends_each_the_long_way(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(*_: object) -> object:
        raise RuntimeError("a bug")

    monkeypatch.setattr(hospital.site.serving.models.fetch(MODEL).runner, "plain", faulty)
    assert ask(hospital, Row(ROW), Row(ROW), times=2) == [None] * 4
    monkeypatch.undo()
    assert isinstance(ask(hospital, Row(ROW))[0], Prediction)


def test_a_record_that_fails_is_told_to_all_of_its_group_and_the_next_group_is_served(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_each = hospital.site.ledger.record_each

    def failing(*_: object) -> object:
        raise Unavailable("the disk is full", advice="make room")

    monkeypatch.setattr(hospital.site.ledger, "record_each", failing)
    told = ask(hospital, Row(ROW), Row(ROW))
    assert [str(one) for one in told] == ["the disk is full make room"] * 2
    assert told[0] is not told[1]
    monkeypatch.setattr(hospital.site.ledger, "record_each", record_each)
    assert isinstance(ask(hospital, Row(ROW))[0], Prediction)


class Hanging:
    """A group commit that accepts everything and never confirms anything."""

    def submit_each(
        self, groups: Sequence[tuple[Prepared, ...]], done: Callable[[Any], Any]
    ) -> None:
        pass


def test_a_record_that_nobody_confirms_is_told_as_uncertain(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RECORD_SECONDS", 0.05)
    monkeypatch.setattr(hospital.site.serving, "_group", Hanging())
    (told,) = ask(hospital, Row(ROW))
    assert isinstance(told, Unavailable)
    assert "may have been recorded" in told.message


def test_a_service_that_is_being_closed_records_nothing_more(hospital: Hospital) -> None:
    hospital.site.group.close()
    (told,) = ask(hospital, Row(ROW))
    assert isinstance(told, Unavailable)


def test_a_group_has_a_bound(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    worked: Callable[[Together, Sequence[Wanted]], object] = Together._worked

    def noting(together: Together, group: Sequence[Wanted]) -> object:
        sizes.append(len(group))
        return worked(together, group)

    monkeypatch.setattr(Together, "_worked", noting)
    told = ask(hospital, *[Row(ROW)] * (module.MOST + 1))
    assert all(isinstance(one, Prediction) for one in told)
    assert sizes == [module.MOST, 1]


def test_a_fault_before_the_work_is_told_and_the_next_group_is_served(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(count: int) -> object:
        raise RuntimeError("can't start new thread")

    serving, caller = hospital.site.serving, hospital["clinician"].caller
    loaded = serving.models.fetch(MODEL)

    async def asking() -> list[Told | BaseException]:
        together = serving.together()
        found: list[Told | BaseException] = []
        for name in ("at_hand", ""):
            if name:
                monkeypatch.setattr(hospital.site.subject_keys, name, faulty)
            told = asyncio.gather(together.ask(caller, loaded, Row(ROW)), return_exceptions=True)
            found += await asyncio.wait_for(told, 5)
            monkeypatch.undo()
        return found

    first, second = asyncio.run(asking())
    assert isinstance(first, RuntimeError)
    assert isinstance(second, Prediction)


@pytest.mark.parametrize("step", ["submit_each", "_prediction"])
def test_a_fault_behind_the_work_is_told_and_the_next_group_is_served(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def faulty(*_: object) -> object:
        raise RuntimeError("a bug")

    of = hospital.site.group if step == "submit_each" else module
    serving, caller = hospital.site.serving, hospital["clinician"].caller
    loaded = serving.models.fetch(MODEL)

    async def asking() -> list[Told | BaseException]:
        together = serving.together()
        found: list[Told | BaseException] = []
        for broken in (True, False):
            if broken:
                monkeypatch.setattr(of, step, faulty)
            told = asyncio.gather(together.ask(caller, loaded, Row(ROW)), return_exceptions=True)
            found += await asyncio.wait_for(told, 5)
            monkeypatch.undo()
        return found

    first, second = asyncio.run(asking())
    assert isinstance(first, RuntimeError)
    assert isinstance(second, Prediction)


class Late:
    """A group commit that confirms when it is told to.

    Attributes:
        asked: What it was asked to confirm, and is called for it.
    """

    def __init__(self) -> None:
        self.asked: list[Callable[[Any], Any]] = []

    def submit_each(
        self, groups: Sequence[tuple[Prepared, ...]], done: Callable[[Any], Any]
    ) -> None:
        self.asked.append(done)


def test_a_group_that_was_given_up_ends_once(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = Late()
    monkeypatch.setattr(hospital.site.serving, "_group", late)
    serving, caller = hospital.site.serving, hospital["clinician"].caller
    loaded = serving.models.fetch(MODEL)

    async def asking() -> int:
        together = serving.together()
        monkeypatch.setattr(module, "RECORD_SECONDS", 0.05)
        first = together.ask(caller, loaded, Row(ROW))
        with pytest.raises(Unavailable, match="may have been recorded"):
            await first
        monkeypatch.setattr(module, "RECORD_SECONDS", 60.0)
        together.ask(caller, loaded, Row(ROW))
        while len(late.asked) < 2:
            await asyncio.sleep(0.001)
        together.ask(caller, loaded, Row(ROW))  # it waits until the second group is over
        late.asked[0]([Unavailable("much too late")])
        await asyncio.sleep(0.05)
        return len(late.asked)

    assert asyncio.run(asking()) == 2


@pytest.mark.parametrize(("rows", "row_seconds", "inline"), [(3, 0.003, True), (3, 0.004, False)])
def test_a_slow_network_is_computed_off_the_event_loop(
    hospital: Hospital,
    monkeypatch: pytest.MonkeyPatch,
    rows: int,
    row_seconds: float,
    inline: bool,
) -> None:
    hospital.site.subject_keys.for_nobody()  # so that there are keys at hand
    runner = hospital.site.serving.models.fetch(MODEL).runner
    assert 0 < runner.row_seconds < 0.1
    monkeypatch.setattr(runner, "row_seconds", row_seconds)
    threads: list[int] = []
    plain = runner.plain

    def noting(given: Sequence[object]) -> object:
        threads.append(threading.get_ident())
        return plain(given)

    monkeypatch.setattr(runner, "plain", noting)
    assert all(isinstance(one, Prediction) for one in ask(hospital, *[Row(ROW)] * rows))
    caller = hospital["clinician"].caller
    asyncio.run(hospital.site.serving.predict(caller, MODEL, [Row(ROW)] * rows))
    assert [one == threading.get_ident() for one in threads] == [inline] * 2
