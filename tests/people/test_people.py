"""Adding people, giving roles and keys; what is refused, and what the ledger says about it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bedside.errors import (
    BedsideError,
    Conflict,
    NotFound,
    PermissionRefused,
    SignInRefused,
    UsageError,
)
from bedside.ledger.events import EventKind
from bedside.ledger.ledger import Ledger
from bedside.people import events, queries
from bedside.people.people import People
from bedside.people.permissions import Action, Role
from bedside.people.person import Caller
from bedside.store.database import Database
from tests.conftest import SettableClock


def signed_in(people: People, admin: Caller, name: str, *roles: str, door: str = "rest") -> Caller:
    person = people.add(admin, name, roles)
    return people.sign_in(people.issue_key(admin, person.id, "key").secret, door)


def test_an_empty_site_is_founded_by_its_first_administrator(
    people: People, ledger: Ledger
) -> None:
    founder, key = people.found(" 青木 ")
    assert (founder.name, founder.active) == ("青木", True)
    assert founder.roles == {Role.ADMINISTRATOR}
    assert people.sign_in(key.secret, "cli").person == founder
    assert [(e.kind, e.about, e.value["actor"]) for e in ledger.entries()] == [
        ("person-added", founder.id, "system"),
        ("key-created", key.id, "system"),
    ]


def test_a_site_is_founded_once(people: People, admin: Caller) -> None:
    with pytest.raises(Conflict, match="has people already"):
        people.found("Baba")
    assert [person.name for person in people.list()] == ["Aoki"]


def test_a_person_is_added_with_roles_and_an_event(
    people: People, admin: Caller, ledger: Ledger
) -> None:
    person = people.add(admin, "佐藤 花子", ["operator", "clinician"])
    assert people.get(person.id) == people.get("佐藤 花子") == person
    (event,) = ledger.find(kind=EventKind.PERSON_ADDED, about=person.id)
    assert event.value["actor"] == admin.person.id
    assert event.value["door"] == "cli"
    assert event.value["body"] == {
        "name": "佐藤 花子",
        "roles": ["clinician", "operator"],
        "active": True,
    }


@pytest.mark.parametrize("name", ["aoki", "ＡＯＫＩ", " Aoki "])
def test_a_name_that_is_taken_is_refused(people: People, admin: Caller, name: str) -> None:
    with pytest.raises(Conflict, match=r"is taken by .* tells the two apart"):
        people.add(admin, name, ["auditor"])


@pytest.mark.parametrize(
    ("name", "roles", "message"),
    [("", ["auditor"], "blank"), ("B", ["boss"], "'boss' is not a role"), ("B", [], "one role")],
)
def test_an_unusable_person_is_refused_and_nothing_recorded(
    people: People, admin: Caller, ledger: Ledger, name: str, roles: list[str], message: str
) -> None:
    size = ledger.head().size
    with pytest.raises(UsageError, match=message):
        people.add(admin, name, roles)
    assert ledger.head().size == size
    assert len(people.list()) == 1


@pytest.mark.parametrize("unknown", ["nobody", "", "a\x00b", "\ud800", "x" * 5_000])
def test_somebody_unknown_is_not_found_whatever_is_asked(
    people: People, admin: Caller, unknown: str
) -> None:
    with pytest.raises(NotFound, match="Nobody here has the id or name"):
        people.get(unknown)
    with pytest.raises(NotFound, match="Nobody here"):
        people.deactivate(admin, unknown)
    with pytest.raises(NotFound, match="no API key"):
        people.revoke_key(admin, unknown)


def test_roles_are_replaced_and_the_event_says_from_what_to_what(
    people: People, admin: Caller, ledger: Ledger
) -> None:
    person = people.add(admin, "Baba", ["developer"])
    changed = people.set_roles(admin, person.id, ["approver", "operator"])
    assert people.get(person.id) == changed
    (event,) = ledger.find(kind=EventKind.PERSON_CHANGED)
    assert event.value["body"] == {
        "name": "Baba",
        "before": {"roles": ["developer"], "active": True},
        "after": {"roles": ["approver", "operator"], "active": True},
    }
    with pytest.raises(Conflict, match="'Baba' is so already"):
        people.set_roles(admin, person.id, ["operator", "approver"])


@pytest.mark.parametrize("act", ["deactivate", "lose the role"])
def test_the_last_administrator_who_can_sign_in_stays(
    people: People, admin: Caller, clock: SettableClock, act: str
) -> None:
    other = signed_in(people, admin, "Baba", "administrator")

    def do(caller: Caller, person_id: str) -> None:
        if act == "deactivate":
            people.deactivate(caller, person_id)
        else:
            people.set_roles(caller, person_id, ["auditor"])

    soon = people.issue_key(admin, other.person.id, "visit", clock.now + timedelta(hours=1))
    visiting = people.sign_in(soon.secret, "cli")
    people.revoke_key(admin, other.credential)
    with pytest.raises(Conflict, match="'Aoki' is the last active administrator with a key"):
        do(visiting, admin.person.id)
    people.issue_key(admin, other.person.id, "for good")
    do(visiting, admin.person.id)
    assert not people.get("Aoki").active or people.get("Aoki").roles == {Role.AUDITOR}


def test_the_last_key_of_the_last_administrator_stays(
    people: People, admin: Caller, ledger: Ledger
) -> None:
    colleague = people.add(admin, "Baba", ["administrator"])
    size = ledger.head().size
    with pytest.raises(Conflict, match=r"is the last key of an administrator.*does not run out"):
        people.revoke_key(admin, admin.credential)
    assert ledger.head().size == size
    people.issue_key(admin, colleague.id, "office")
    people.revoke_key(admin, admin.credential)
    with pytest.raises(PermissionRefused, match=r"The API key .* of 'Aoki' is revoked"):
        people.deactivate(admin, colleague.id)


def test_a_key_of_somebody_else_or_one_that_runs_out_may_always_go(
    people: People, admin: Caller, clock: SettableClock
) -> None:
    clinician = signed_in(people, admin, "Baba", "clinician")
    soon = people.issue_key(admin, admin.person.id, "visit", clock.now + timedelta(hours=1))
    for key_id in (clinician.credential, soon.id):
        assert people.revoke_key(admin, key_id).revoked_at


def test_nobody_changes_their_own_roles_and_the_attempt_is_recorded(
    people: People, admin: Caller, ledger: Ledger
) -> None:
    with pytest.raises(PermissionRefused, match="Nobody changes their own roles"):
        people.set_roles(admin, admin.person.id, ["administrator", "developer", "operator"])
    assert people.get("Aoki").roles == {Role.ADMINISTRATOR}
    assert len(ledger.find(kind=EventKind.PERMISSION_REFUSED)) == 1


def test_nobody_becomes_administrator_and_approver(people: People, admin: Caller) -> None:
    with pytest.raises(UsageError, match="administrator and approver at once"):
        people.add(admin, "Baba", ["approver", "administrator"])
    person = people.add(admin, "Baba", ["approver"])
    with pytest.raises(UsageError, match="administrator and approver at once"):
        people.set_roles(admin, person.id, ["approver", "administrator"])


@pytest.mark.parametrize("fault", ["revoked", "expired", "unknown"])
def test_a_key_that_no_longer_opens_no_longer_acts(
    people: People, admin: Caller, clock: SettableClock, ledger: Ledger, fault: str
) -> None:
    """A caller who signed in before is looked at again inside the transaction of the act."""
    person = people.add(admin, "Baba", ["administrator"])
    key = people.issue_key(admin, person.id, "visit", clock.now + timedelta(hours=1))
    caller = people.sign_in(key.secret, "rest")
    if fault == "revoked":
        people.revoke_key(admin, key.id)
    elif fault == "expired":
        clock.advance(3600)
    else:
        caller = replace(caller, credential=admin.credential)
    size = len(people.list())
    with pytest.raises(PermissionRefused, match=f"The API key .* of 'Baba' is {fault}"):
        people.add(caller, "Chiba", ["auditor"])
    assert len(people.list()) == size
    assert len(ledger.find(kind=EventKind.PERMISSION_REFUSED)) == 1


def test_every_event_says_with_which_key_it_was_done(
    people: People, admin: Caller, ledger: Ledger
) -> None:
    caller = signed_in(people, admin, "Baba", "administrator")
    person = people.add(caller, "Chiba", ["auditor"])
    people.set_roles(caller, person.id, ["operator"])
    people.revoke_key(caller, people.issue_key(caller, person.id, "key").id)
    with pytest.raises(PermissionRefused):
        people.require(caller, Action.PREDICT)
    done = [entry.value for entry in ledger.entries()]
    assert {event["credential"] for event in done if event["actor"] == "system"} == {""}
    mine = [event for event in done if event["actor"] == caller.person.id]
    assert len(mine) == 5
    assert {event["credential"] for event in mine} == {caller.credential}


def test_two_administrators_who_deactivate_each_other_at_once_leave_one(
    people: People, admin: Caller, ledger: Ledger
) -> None:
    other = signed_in(people, admin, "Baba", "administrator")
    start = threading.Barrier(2)

    def deactivate(caller: Caller, victim: Caller) -> str:
        start.wait()
        try:
            people.deactivate(caller, victim.person.id)
        except BedsideError as problem:
            return type(problem).__name__
        return "done"

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(deactivate, (admin, other), (other, admin)))
    assert sorted(outcomes) == ["PermissionRefused", "done"]
    assert len([person for person in people.list() if person.active]) == 1
    (refused,) = ledger.find(kind=EventKind.PERMISSION_REFUSED)
    assert "is inactive" in refused.value["body"]["reason"]


def test_two_people_of_one_name_added_at_once_become_one(people: People, admin: Caller) -> None:
    start = threading.Barrier(2)

    def add(name: str) -> bool:
        start.wait()
        try:
            people.add(admin, name, ["auditor"])
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(add, ("Baba", "BABA"))) == [False, True]
    assert len(people.list()) == 2


def test_a_refused_permission_is_recorded_with_everything(
    people: People, admin: Caller, ledger: Ledger
) -> None:
    caller = signed_in(people, admin, "Baba", "developer", "auditor", door="rest")
    with pytest.raises(PermissionRefused) as refused:
        people.require(caller, Action.RELEASE, "breast-cancer@1.0.0")
    assert str(refused.value) == (
        "'Baba' (auditor, developer) may not release. It takes the role operator."
    )
    (event,) = ledger.find(kind=EventKind.PERMISSION_REFUSED)
    assert event.about == "breast-cancer@1.0.0"
    assert (event.value["actor"], event.value["door"]) == (caller.person.id, "rest")
    assert event.value["body"] == {
        "action": "release",
        "person": caller.person.id,
        "about": "breast-cancer@1.0.0",
        "reason": "'Baba' (auditor, developer) may not release.",
    }


@pytest.mark.parametrize("about", ["", "a\x00b", "x" * 5_000, "\ud800"])
def test_a_refusal_is_recorded_whatever_it_was_about(
    people: People, admin: Caller, ledger: Ledger, about: str
) -> None:
    with pytest.raises(PermissionRefused, match=r"'Aoki' .* may not predict"):
        people.require(admin, Action.PREDICT, about)
    assert len(ledger.find(kind=EventKind.PERMISSION_REFUSED)) == 1


def test_what_is_allowed_is_not_recorded(people: People, admin: Caller, ledger: Ledger) -> None:
    size = ledger.head().size
    people.require(admin, Action.PEOPLE_MANAGE)
    assert ledger.head().size == size


def test_a_role_that_was_just_taken_away_no_longer_works(
    people: People, admin: Caller, ledger: Ledger
) -> None:
    stale = signed_in(people, admin, "Baba", "administrator")
    people.set_roles(admin, stale.person.id, ["auditor"])
    with pytest.raises(PermissionRefused, match=r"'Baba' \(auditor\) may not people-manage"):
        people.add(stale, "Chiba", ["administrator"])
    assert len(people.list()) == 2
    assert len(ledger.find(kind=EventKind.PERMISSION_REFUSED)) == 1


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_only_an_administrator_manages_people_and_keys(
    people: People, admin: Caller, ledger: Ledger, role: Role
) -> None:
    caller = signed_in(people, admin, "Baba", role)
    acts: tuple[Callable[[], object], ...] = (
        lambda: people.add(caller, "Chiba", ["administrator"]),
        lambda: people.set_roles(caller, caller.person.id, ["administrator"]),
        lambda: people.deactivate(caller, admin.person.id),
        lambda: people.reactivate(caller, admin.person.id),
        lambda: people.issue_key(caller, admin.person.id, "mine now"),
        lambda: people.revoke_key(caller, admin.credential),
    )
    for act in acts:
        with pytest.raises(PermissionRefused, match="It takes the role administrator"):
            act()
    assert len(ledger.find(kind=EventKind.PERMISSION_REFUSED)) == len(acts)
    assert [person.name for person in people.list()] == ["Aoki", "Baba"]


def test_an_event_and_its_rows_stand_or_fall_together(
    people: People, admin: Caller, database: Database, ledger: Ledger
) -> None:
    size = ledger.head().size

    def broken() -> None:
        with people.acting(admin, Action.PEOPLE_MANAGE) as connection:
            ledger.append(connection, [events.person_added(None, admin.person)])
            queries.change_person(connection, replace(admin.person, active=False))
            raise Conflict("something else is wrong")

    with pytest.raises(Conflict, match="something else"):
        broken()
    assert ledger.head().size == size
    assert people.list() == (admin.person,)


def test_a_key_cannot_be_issued_for_the_past_or_to_somebody_inactive(
    people: People, admin: Caller
) -> None:
    person = people.add(admin, "Baba", ["clinician"])
    with pytest.raises(UsageError, match="before it is used"):
        people.issue_key(admin, person.id, "ward", datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(UsageError, match=r"label .* is blank"):
        people.issue_key(admin, person.id, " ")
    people.deactivate(admin, person.id)
    with pytest.raises(Conflict, match="'Baba' is inactive"):
        people.issue_key(admin, person.id, "ward")
    assert people.keys(person.id) == ()


def test_a_key_is_listed_without_its_secret_and_revoked_once(
    people: People, admin: Caller, ledger: Ledger
) -> None:
    person = people.add(admin, "Baba", ["clinician"])
    issued = people.issue_key(admin, "baba", "ward 3")
    (key,) = people.keys(person.id)
    assert (key.id, key.label, key.expires_at, key.revoked_at) == (issued.id, "ward 3", None, None)
    assert issued.secret not in repr(key)
    revoked = people.revoke_key(admin, issued.id)
    (event,) = ledger.find(kind=EventKind.KEY_REVOKED)
    assert revoked.revoked_at == event.at
    assert people.keys(person.id) == (revoked,)
    with pytest.raises(Conflict, match="was revoked at 2026"):
        people.revoke_key(admin, issued.id)


def test_a_secret_is_nowhere_but_in_the_hand_that_got_it(
    people: People, admin: Caller, ledger: Ledger, database: Database, tmp_path: Path
) -> None:
    person = people.add(admin, "Baba", ["clinician"])
    issued = people.issue_key(admin, person.id, "ward 3")
    people.sign_in(issued.secret, "rest")
    people.revoke_key(admin, issued.id)
    with pytest.raises(SignInRefused) as refused:
        people.sign_in(issued.secret, "rest")
    with pytest.raises(SignInRefused) as cut:
        people.sign_in(issued.secret[:-1], "rest")
    kept = b"".join(entry.event for entry in ledger.entries())
    kept += f"{refused.value!r}{cut.value!r}{refused.value}{cut.value}".encode()
    if database.dialect == "sqlite":
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert any(path.name.startswith("bedside.db") for path in files)
        kept += b"".join(path.read_bytes() for path in files)
        assert b"ward 3" in kept
    assert issued.secret.removeprefix("bds_")[:-1].encode() not in kept
