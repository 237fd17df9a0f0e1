"""A key takes the place of another: who may do it, how long both open, what is recorded and audited."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from bedside.clock import timestamp
from bedside.errors import Conflict, NotFound, PermissionRefused, SignInRefused, UsageError
from bedside.ledger.events import EventKind
from bedside.ledger.ledger import Ledger
from bedside.people import audit
from bedside.people.api_key import LONGEST_OVERLAP, IssuedKey
from bedside.people.people import People
from bedside.people.person import Caller
from bedside.people.rotation import Rotated, Terms
from bedside.people.tables import api_keys
from bedside.store.database import Database
from tests.conftest import SettableClock

WEEK = Terms(timedelta(days=7))
DAY = 86_400.0


@pytest.fixture
def issued(people: People, admin: Caller) -> IssuedKey:
    """A clinician's key that does not run out."""
    person = people.add(admin, "Baba", ["clinician"])
    return people.issue_key(admin, person.id, "ward 3")


def opens(people: People, key: IssuedKey) -> bool:
    try:
        people.sign_in(key.secret, "rest")
    except SignInRefused:
        return False
    return True


def test_both_open_until_the_old_one_closes_by_itself(
    people: People, admin: Caller, clock: SettableClock, issued: IssuedKey
) -> None:
    rotated = people.rotate_key(admin, issued.id, WEEK)
    assert rotated.closes_at == timestamp(clock.now + timedelta(days=7))
    assert opens(people, issued)
    assert opens(people, rotated.key)
    clock.advance(7 * DAY - 1)
    assert opens(people, issued)
    clock.advance(1)
    assert not opens(people, issued)
    assert opens(people, rotated.key)
    clock.advance(3650 * DAY)
    assert opens(people, rotated.key), "the old one did not run out, so the new one does not"


def test_whoever_signs_in_learns_when_their_key_ends(
    people: People, admin: Caller, issued: IssuedKey
) -> None:
    assert people.sign_in(issued.secret, "rest").expires_at is None
    rotated = people.rotate_key(admin, issued.id, WEEK)
    assert people.sign_in(issued.secret, "rest").expires_at == rotated.closes_at
    assert people.sign_in(rotated.key.secret, "rest").expires_at is None


def test_without_an_overlap_the_old_one_closes_at_once(
    people: People, admin: Caller, issued: IssuedKey
) -> None:
    rotated = people.rotate_key(admin, issued.id, Terms(timedelta(0)))
    assert not opens(people, issued)
    assert opens(people, rotated.key)


def test_a_key_that_runs_out_is_followed_by_one_that_lasts_as_long(
    people: People, admin: Caller, clock: SettableClock
) -> None:
    person = people.add(admin, "Baba", ["clinician"])
    year = timedelta(days=365)
    old = people.issue_key(admin, person.id, "ward 3", clock.now + year)
    clock.advance(360 * DAY)
    rotated = people.rotate_key(admin, old.id, WEEK)
    assert rotated.closes_at == timestamp(clock.now + timedelta(days=5)), "no later than its end"
    assert rotated.expires_at == timestamp(clock.now + year)
    named = people.rotate_key(admin, rotated.key.id, Terms(timedelta(days=1), clock.now + 2 * year))
    assert named.expires_at == timestamp(clock.now + 2 * year)


def test_the_event_says_which_key_it_replaces_and_until_when(
    people: People, admin: Caller, ledger: Ledger, issued: IssuedKey
) -> None:
    rotated = people.rotate_key(admin, issued.id, WEEK)
    (entry,) = ledger.find(kind=EventKind.KEY_CREATED, about=rotated.key.id)
    body = entry.value["body"]
    assert (body["replaces"], body["closes_at"]) == (issued.id, rotated.closes_at)
    assert entry.value["actor"] == admin.person.id
    (before,) = ledger.find(kind=EventKind.KEY_CREATED, about=issued.id)
    assert "replaces" not in before.value["body"], "other events are as they were"
    assert rotated.key.secret not in str([e.value for e in ledger.entries()])


def test_a_rotated_key_is_listed_with_what_it_replaces(
    people: People, admin: Caller, issued: IssuedKey
) -> None:
    rotated = people.rotate_key(admin, issued.id, WEEK)
    old, new = people.keys(people.get("Baba").id)
    assert (old.id, old.closes_at, old.ends_at) == (issued.id, rotated.closes_at, rotated.closes_at)
    assert (new.id, new.replaces, new.label) == (rotated.key.id, issued.id, "ward 3")


@pytest.mark.parametrize("what", ["revoked", "expired", "replaced", "inactive"])
def test_what_opens_nothing_any_more_is_not_rotated(
    people: People, admin: Caller, clock: SettableClock, ledger: Ledger, what: str
) -> None:
    person = people.add(admin, "Baba", ["clinician"])
    old = people.issue_key(admin, person.id, "ward 3", clock.now + timedelta(days=1))
    if what == "revoked":
        people.revoke_key(admin, old.id)
    elif what == "expired":
        clock.advance(DAY)
    elif what == "replaced":
        people.rotate_key(admin, old.id, Terms(timedelta(hours=1)))
    else:
        people.deactivate(admin, person.id)
    size = ledger.head().size
    with pytest.raises(Conflict, match=f"{old.id} .*{what}"):
        people.rotate_key(admin, old.id, WEEK)
    assert ledger.head().size == size


def test_nobody_rotates_a_key_that_is_not_there(people: People, admin: Caller) -> None:
    for unknown in ("none", "", "a\x00b", "\ud800"):
        with pytest.raises(NotFound, match="no API key"):
            people.rotate_key(admin, unknown, WEEK)


def test_only_an_administrator_rotates_and_the_attempt_is_recorded(
    people: People, ledger: Ledger, issued: IssuedKey
) -> None:
    clinician = people.sign_in(issued.secret, "rest")
    with pytest.raises(PermissionRefused, match="may not keys-manage"):
        people.rotate_key(clinician, issued.id, WEEK)
    assert len(ledger.find(kind=EventKind.PERMISSION_REFUSED)) == 1


@pytest.mark.parametrize("days", [-0.001, LONGEST_OVERLAP + 0.001])
def test_an_overlap_has_an_end(
    people: People, admin: Caller, issued: IssuedKey, days: float
) -> None:
    with pytest.raises(UsageError, match=rf"Choose 0 to {LONGEST_OVERLAP} days"):
        people.rotate_key(admin, issued.id, Terms(timedelta(days=days)))


def test_the_new_key_does_not_end_before_the_old_one_closes(
    people: People, admin: Caller, clock: SettableClock, issued: IssuedKey
) -> None:
    with pytest.raises(UsageError, match="before the old one closes"):
        people.rotate_key(admin, issued.id, Terms(timedelta(days=7), clock.now + timedelta(days=6)))
    with pytest.raises(UsageError, match="would end at"):
        people.rotate_key(admin, issued.id, Terms(timedelta(0), clock.now - timedelta(days=1)))


def test_the_last_administrator_keeps_a_key_that_does_not_run_out(
    people: People, admin: Caller, clock: SettableClock
) -> None:
    soon = Terms(timedelta(days=1), clock.now + timedelta(days=30))
    with pytest.raises(Conflict, match="last key of an administrator that does not run out"):
        people.rotate_key(admin, admin.credential, soon)
    rotated = people.rotate_key(admin, admin.credential, Terms(timedelta(0)))
    again = people.sign_in(rotated.key.secret, "cli")
    with pytest.raises(Conflict, match="last key of an administrator"):
        people.revoke_key(again, again.credential)
    with pytest.raises(PermissionRefused, match="is expired"):
        people.add(admin, "Baba", ["auditor"])


def test_a_key_in_its_overlap_does_not_keep_the_site_open(people: People, admin: Caller) -> None:
    rotated = people.rotate_key(admin, admin.credential, WEEK)
    with pytest.raises(Conflict, match="last key of an administrator"):
        people.revoke_key(admin, rotated.key.id)


@pytest.mark.parametrize(
    ("column", "value"), [("closes_at", None), ("closes_at", "2099"), ("replaces", None)]
)
def test_a_change_by_hand_is_found(
    people: People,
    admin: Caller,
    database: Database,
    issued: IssuedKey,
    column: str,
    value: str | None,
) -> None:
    rotated: Rotated = people.rotate_key(admin, issued.id, WEEK)
    with database.read() as connection:
        assert audit.differences(connection) == ()
    changed = issued.id if column == "closes_at" else rotated.key.id
    with database.write() as connection:
        connection.execute(update(api_keys).where(api_keys.c.id == changed).values({column: value}))
    with database.read() as connection:
        (found,) = audit.differences(connection)
    assert column in str(found)


def test_keys_that_end_soon_and_have_no_successor_are_told(
    people: People, admin: Caller, clock: SettableClock
) -> None:
    person = people.add(admin, "Baba", ["clinician"])
    soon = people.issue_key(admin, person.id, "soon", clock.now + timedelta(days=10))
    rotated = people.issue_key(admin, person.id, "done", clock.now + timedelta(days=10))
    people.issue_key(admin, person.id, "late", clock.now + timedelta(days=20))
    revoked = people.issue_key(admin, person.id, "gone", clock.now + timedelta(days=10))
    people.revoke_key(admin, revoked.id)
    year = clock.now + timedelta(days=365)
    people.rotate_key(admin, rotated.id, Terms(timedelta(days=7), year))
    found = people.unreplaced_keys(clock.now + timedelta(days=14))
    assert [(key.id, owner.name) for key, owner in found] == [(soon.id, "Baba")]
