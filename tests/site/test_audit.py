"""The reviewer's three attacks on the database: each is found, and stops what it aims at."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from sqlalchemy import insert, update

from bedside.clock import timestamp
from bedside.errors import LedgerBroken, SignInRefused, Unavailable
from bedside.ledger.events import EventKind
from bedside.ledger.tables import ledger_fences
from bedside.people.api_key import new_secret
from bedside.people.tables import api_keys
from bedside.registry.tables import releases, versions
from bedside.serving.values import Row
from bedside.site.doctor import examine
from bedside.site.site import DATABASE_VARIABLE, Site
from tests.bedside_site import MODEL, ROW, Hospital


@pytest.fixture(autouse=True)
def on_either_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The site is made on SQLite, and again on PostgreSQL."""
    monkeypatch.setenv(DATABASE_VARIABLE, database_url)


@pytest.fixture
def stricken(on_either_database: None, hospital: Hospital) -> Hospital:
    """A hospital with a verified version that nobody has approved."""
    hospital.add(version="3.0.0")
    return hospital


def approve_by_hand(hospital: Hospital) -> None:
    """Attack 1: the state of a version that nobody approved."""
    with hospital.site.database.write() as connection:
        here = versions.c.version == "3.0.0"
        connection.execute(update(versions).where(here).values(state="approved"))


def release_by_hand(hospital: Hospital) -> None:
    """Attack 2: a release that nobody made, with its fence."""
    record = hospital.site.registry.version(f"{MODEL}@3.0.0")
    row = {"model": MODEL, "epoch": 2, "act": "release", "version": "3.0.0", "by": "x"}
    row |= {"digest": record.digest, "since": "2026-01-01T00:00:00.000000Z", "reason": "y"}
    with hospital.site.database.write() as connection:
        connection.execute(insert(releases).values(row | {"event_id": "z"}))
        connection.execute(update(ledger_fences).values(value=2))


def key_by_hand(hospital: Hospital) -> str:
    """Attack 3: a key for somebody else's hand; returns its secret."""
    secret = new_secret()
    row = {"id": "k", "person_id": hospital["approver"].caller.person.id, "label": "first key"}
    row |= {"digest": hashlib.sha256(secret.encode()).hexdigest()}
    with hospital.site.database.write() as connection:
        now = timestamp(hospital.site.clock())
        connection.execute(insert(api_keys).values(row | {"created_at": now}))
    return secret


@pytest.mark.parametrize(
    ("attack", "named"),
    [
        (
            approve_by_hand,
            r"registry_versions small-tumour, 3\.0\.0: state is 'approved', the ledger tells "
            r"'verified'",
        ),
        (release_by_hand, "registry_releases small-tumour, 2: the ledger tells of no such row"),
        (key_by_hand, "api_keys k: the ledger tells of no such row"),
    ],
)
def test_each_attack_is_found_by_verify_doctor_and_opening(
    stricken: Hospital, attack: Callable[[Hospital], object], named: str
) -> None:
    site = stricken.site
    site.verify()
    attack(stricken)
    site.ledger.verify()  # the ledger alone is whole: it is the rows that lie
    with pytest.raises(LedgerBroken, match=named):
        site.verify()
    site.close()
    with pytest.raises(LedgerBroken, match=named):
        Site.open(site.folder)
    found = {one.name: one for one in examine(site.folder)}["site"]
    assert not found.ok
    assert "does not hold what the ledger tells" in found.detail


def test_a_version_approved_by_hand_is_not_released(stricken: Hospital) -> None:
    approve_by_hand(stricken)
    with pytest.raises(LedgerBroken, match="state is 'approved', the ledger tells 'verified'"):
        stricken.site.registry.release(stricken["operator"].caller, f"{MODEL}@3.0.0", "oops")
    assert stricken.site.registry.released_for(MODEL).version == "1.2.3"


def test_a_version_released_by_hand_answers_nobody(stricken: Hospital) -> None:
    serving, clinician = stricken.site.serving, stricken["clinician"].caller
    assert serving.predict_now(clinician, MODEL, [Row(ROW)])
    release_by_hand(stricken)
    with pytest.raises(Unavailable, match="the ledger tells of no such row"):
        serving.predict_now(clinician, MODEL, [Row(ROW)])
    serving.models.refresh()
    (ready,) = serving.readiness()
    assert (ready.ready, ready.version) == (False, "3.0.0")
    assert "does not hold what the ledger tells" in ready.reason
    assert len(stricken.site.ledger.find(kind=EventKind.PREDICTION)) == 1


def test_a_key_made_by_hand_opens_nothing_and_is_recorded(stricken: Hospital) -> None:
    people = stricken.site.people
    with pytest.raises(SignInRefused, match="does not open anything here"):
        people.sign_in(key_by_hand(stricken), "rest")
    (refused,) = stricken.site.ledger.find(kind=EventKind.SIGN_IN_REFUSED)
    approver = stricken["approver"].caller.person
    assert refused.value["body"] == {"reason": "untold", "key": "k", "person": approver.id}
    with pytest.raises(LedgerBroken, match="api_keys k: the ledger tells of no such row"):
        stricken.site.registry.approve(
            stricken["approver"].caller, f"{MODEL}@3.0.0", "I looked at all of it."
        )


def test_a_key_given_another_digest_or_owner_by_hand_opens_nothing(stricken: Hospital) -> None:
    people, approver = stricken.site.people, stricken["approver"].caller
    secret, mine = new_secret(), stricken["clinician"].secret
    with stricken.site.database.write() as connection:
        digest = hashlib.sha256(secret.encode()).hexdigest()
        here = api_keys.c.id == approver.credential
        connection.execute(update(api_keys).where(here).values(digest=digest))
        here = api_keys.c.id == stricken["clinician"].caller.credential
        connection.execute(update(api_keys).where(here).values(person_id=approver.person.id))
    for key in (secret, mine):
        with pytest.raises(SignInRefused, match="does not open anything here"):
            people.sign_in(key, "rest")


def test_a_whole_site_is_verified_and_says_what_was_proved(stricken: Hospital) -> None:
    verdict = stricken.site.verify()
    assert verdict.entries == stricken.site.ledger.head().size
    stricken.site.close()
    found = {one.name: one for one in examine(stricken.site.folder)}["ledger"]
    assert found.ok
    assert "people, keys, versions and releases are as they tell" in found.detail
