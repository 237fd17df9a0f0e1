"""Whoever signed in and lost their key or role since gets nothing recorded, and is told nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bedside.clock import system_clock
from bedside.errors import InputRefused, PermissionRefused
from bedside.ledger.events import EventKind
from bedside.people.currency import people_fence
from bedside.people.permissions import Action
from bedside.people.person import Caller
from bedside.serving.attempt import Attempt
from bedside.serving.repeating import Once
from bedside.serving.values import Decision, Row, Verdict
from tests import bedside_site
from tests.bedside_site import MODEL, ROW, Hospital

AGREE = Decision(Verdict.AGREE)
USED, UNUSED = Once("predict", "used-before"), Once("predict", "not-used")
UNFIT = Row({**ROW, "radius": 99.5})


def ways(hospital: Hospital, about: str) -> dict[str, Callable[[Caller], object]]:
    """Return each way in which something is recorded, or told from the record, for a caller."""
    serving, repeating = hospital.site.serving, hospital.site.repeating

    def asked(caller: Caller, *rows: Row) -> object:
        return asyncio.run(serving.predict(caller, MODEL, rows))

    def once(caller: Caller, key: Once) -> object:
        return asyncio.run(repeating.predict(caller, MODEL, [Row(ROW)], key))

    return {
        "a row": lambda caller: asked(caller, Row(ROW)),
        "a named row": lambda caller: asked(caller, Row(ROW, "patient-7")),
        "a batch": lambda caller: asked(caller, Row(ROW), Row(ROW)),
        "a large batch": lambda caller: asked(caller, *[Row(ROW)] * 20),
        "a refused row": lambda caller: asked(caller, UNFIT),
        "without a loop": lambda caller: serving.predict_now(caller, MODEL, [Row(ROW)]),
        "once": lambda caller: once(caller, UNUSED),
        "once more": lambda caller: once(caller, USED),
        "a decision": lambda caller: serving.decide(caller, about, AGREE),
        "a decision once": lambda caller: repeating.decide(caller, about, AGREE, UNUSED),
        "a trace": lambda caller: serving.trace(caller, about),
    }


def recorded_before(hospital: Hospital) -> dict[str, Callable[[Caller], object]]:
    caller = hospital["clinician"].caller
    found = hospital.site.repeating.predict(caller, MODEL, [Row(ROW)], USED)
    return ways(hospital, asyncio.run(found).predictions[0].id)


def test_by_no_way_is_anything_recorded_under_a_key_that_was_revoked(hospital: Hospital) -> None:
    caller, ledger = hospital["clinician"].caller, hospital.site.ledger
    all_ways = recorded_before(hospital)
    hospital.site.people.revoke_key(hospital["administrator"].caller, caller.credential)
    for name, way in all_ways.items():
        before = ledger.head().size
        with pytest.raises(PermissionRefused, match=f"key {caller.credential} .* is revoked"):
            way(caller)
        kinds = [entry.kind for entry in ledger.entries(before)]
        assert kinds == [EventKind.PERMISSION_REFUSED], name


def test_by_no_way_is_anything_recorded_for_who_was_deactivated(hospital: Hospital) -> None:
    caller = hospital["clinician"].caller
    all_ways = recorded_before(hospital)
    hospital.site.people.deactivate(hospital["administrator"].caller, caller.person.id)
    for way in all_ways.values():
        with pytest.raises(PermissionRefused, match="is inactive"):
            way(caller)


def test_a_change_that_concerns_others_stops_nobody(hospital: Hospital) -> None:
    caller, site = hospital["clinician"].caller, hospital.site
    all_ways = recorded_before(hospital)
    for name, way in all_ways.items():
        site.people.issue_key(hospital["administrator"].caller, caller.person.id, "another")
        before = site.ledger.head().size
        with pytest.raises(InputRefused) if name == "a refused row" else nullcontext():
            way(caller)
        kinds = [entry.kind for entry in site.ledger.entries(before)]
        assert EventKind.PERMISSION_REFUSED not in kinds
        assert bool(kinds) == (name != "once more"), name


def test_what_a_trace_shows_is_what_its_reader_may_see_now(hospital: Hospital) -> None:
    serving, caller = hospital.site.serving, hospital["clinician"].caller
    (one,) = serving.predict_now(caller, MODEL, [Row(ROW, "patient-7")])
    administrator = hospital["administrator"].caller
    hospital.site.people.set_roles(administrator, caller.person.id, {"auditor"})
    assert "patient-7" not in serving.trace(caller, one.id).text()
    (read,) = hospital.site.ledger.find(kind=EventKind.TRACE_READ)
    assert read.value["body"] == {"subject": "pseudonym"}


def test_a_role_taken_away_while_an_answer_is_computed_gets_none_recorded(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving, caller = hospital.site.serving, hospital["clinician"].caller
    attempt = serving._attempt

    def changing(*given: object) -> Attempt:
        found = attempt(*given)  # type: ignore[arg-type]
        monkeypatch.undo()
        administrator = hospital["administrator"].caller
        hospital.site.people.set_roles(administrator, caller.person.id, {"auditor"})
        return found

    monkeypatch.setattr(serving, "_attempt", changing)
    with pytest.raises(PermissionRefused, match="may not predict"):
        asyncio.run(serving.predict(caller, MODEL, [Row(ROW)] * 2))
    assert hospital.site.ledger.find(kind=EventKind.PREDICTION) == ()


def test_a_key_that_ends_while_an_answer_is_computed_gets_none_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = timedelta()

    def clock() -> datetime:
        return system_clock() + later

    hospital = bedside_site.build(tmp_path / "site", clock)
    hospital.release()
    people, serving = hospital.site.people, hospital.site.serving
    administrator, clinician = hospital["administrator"].caller, hospital["clinician"].caller
    ends = system_clock() + timedelta(hours=1)
    issued = people.issue_key(administrator, clinician.person.id, "short", ends)
    caller = people.sign_in(issued.secret, "rest")
    attempt = serving._attempt

    def waiting(*given: object) -> Attempt:
        nonlocal later
        found = attempt(*given)  # type: ignore[arg-type]
        later = timedelta(hours=1)
        return found

    monkeypatch.setattr(serving, "_attempt", waiting)
    try:
        for _ in range(2):  # the second one is refused before anything is computed
            with pytest.raises(PermissionRefused, match="is expired"):
                asyncio.run(serving.predict(caller, MODEL, [Row(ROW)] * 20))
        assert hospital.site.ledger.find(kind=EventKind.PREDICTION) == ()
        assert len(hospital.site.ledger.find(kind=EventKind.PERMISSION_REFUSED)) == 2
    finally:
        hospital.site.close()


def test_whoever_is_read_anew_carries_the_fence_from_before_that(hospital: Hospital) -> None:
    people, caller = hospital.site.people, hospital["clinician"].caller
    assert caller.fences == (people_fence(hospital.site.ledger),)
    people.issue_key(hospital["administrator"].caller, caller.person.id, "another")
    now = people_fence(hospital.site.ledger)
    assert caller.fences != (now,)
    assert people.current(caller, Action.PREDICT).fences == (now,)
    assert people.current(replace(caller, fences=(now,)), Action.PREDICT).fences == (now,)
