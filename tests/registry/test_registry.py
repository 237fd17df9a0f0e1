"""From an archive to an answer: registering, verifying, approving, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from bedside.canonical import digest
from bedside.errors import (
    BedsideError,
    Conflict,
    GoldenMismatch,
    NotFound,
    PackageDamaged,
    PackageRefused,
    PermissionRefused,
    SignatureRefused,
    UsageError,
)
from bedside.keys.signing import SigningKey
from bedside.ledger.events import EventKind
from bedside.people.person import Caller
from bedside.registry import tables
from bedside.registry.lifecycle import State
from tests.package.building import Recipe, network
from tests.registry.conftest import MEANING, MODEL, Bench, wrong_golden

REF = f"{MODEL}@1.0.0"


def test_a_registered_package_is_a_draft_with_an_event(bench: Bench) -> None:
    archive = bench.archive()
    record = bench.registry.add(bench.crew["dev"], archive)
    (event,) = bench.ledger.find(kind=EventKind.PACKAGE_ADDED, about=REF)
    assert record == bench.registry.version(REF)
    assert record == bench.registry.versions(MODEL)[0]
    assert (record.ref, record.state, record.archive) == (REF, State.DRAFT, digest(archive))
    assert (record.registered_by, record.registered_at) == (bench.crew["dev"].person.id, event.at)
    assert event.value["body"] == {
        "model": MODEL,
        "version": "1.0.0",
        "digest": record.digest,
        "archive": record.archive,
        "state": "draft",
        "signer": bench.key.public.fingerprint,
    }
    assert bench.registry.package(record.digest).digest == record.digest


@pytest.mark.parametrize(
    ("case", "error", "reason"),
    [
        ("damaged", PackageDamaged, "."),
        ("not a package", PackageDamaged, "."),
        ("unsigned", SignatureRefused, "is not signed"),
        ("stranger", SignatureRefused, "not among the 1 trusted key"),
    ],
)
def test_a_package_that_cannot_be_trusted_is_refused_and_recorded(
    bench: Bench, case: str, error: type[PackageRefused], reason: str
) -> None:
    archive = {
        "damaged": bench.archive()[:-1],
        "not a package": b"PK",
        "unsigned": Recipe().archive(),
        "stranger": Recipe().archive(SigningKey.new()),
    }[case]
    with pytest.raises(error, match=reason) as refused:
        bench.registry.add(bench.crew["dev"], archive)
    (event,) = bench.ledger.find(kind=EventKind.PACKAGE_REFUSED)
    assert event.about == digest(archive)
    assert event.value["body"] == {
        "archive": digest(archive),
        "error": error.__name__,
        "reason": refused.value.message,
    }
    assert bench.registry.versions() == ()
    assert not list(bench.blobs.rglob("*"))


def test_the_same_package_again_is_named_as_such(bench: Bench) -> None:
    bench.add()
    with pytest.raises(Conflict, match=f"{REF} is registered already, exactly so; it is draft"):
        bench.add()
    assert len(bench.registry.versions()) == 1


def test_a_version_is_immutable(bench: Bench) -> None:
    bench.add()
    other = Recipe(network=network(intercept=-0.5000001), changes={"version": "1.0.0"})
    with pytest.raises(Conflict, match="A version is immutable"):
        bench.add(recipe=other)
    assert len(list(bench.blobs.rglob("*/*"))) == 1


def test_the_same_archive_again_mends_a_damaged_blob(bench: Bench) -> None:
    record = bench.registry.version(bench.add())
    (blob,) = bench.blobs.rglob("*/*")
    blob.write_bytes(b"rot")
    with pytest.raises(PackageDamaged, match="is damaged"):
        bench.registry.package(record.digest)
    with pytest.raises(Conflict):
        bench.add()
    assert bench.registry.package(record.digest).digest == record.digest


def test_verification_replays_the_golden_cases_and_says_what_they_gave(bench: Bench) -> None:
    ref = bench.add()
    record = bench.registry.verify(bench.crew["ops"], ref)
    assert record.state is State.VERIFIED
    assert bench.registry.version(ref) == record
    (event,) = bench.ledger.find(kind=EventKind.PACKAGE_VERIFIED)
    golden = event.value["body"]["golden"]
    assert golden["cases"] == 5
    assert 0 <= golden["largest_difference"] <= golden["tolerance"] == 1e-5


def test_verification_may_be_repeated_and_changes_no_other_state(bench: Bench) -> None:
    ref = bench.release()
    assert bench.registry.verify(bench.crew["ops"], ref).state is State.RELEASED
    assert len(bench.ledger.find(kind=EventKind.PACKAGE_VERIFIED)) == 2


def test_a_package_that_answers_otherwise_stays_a_draft_and_is_recorded(bench: Bench) -> None:
    ref = bench.add(recipe=wrong_golden())
    with pytest.raises(GoldenMismatch, match="golden case 'case-0'"):
        bench.registry.verify(bench.crew["dev"], ref)
    assert bench.registry.version(ref).state is State.DRAFT
    (event,) = bench.ledger.find(kind=EventKind.PACKAGE_REFUSED, about=ref)
    assert event.value["body"]["error"] == "GoldenMismatch"


def test_a_version_whose_signer_is_trusted_no_more_is_not_verified(bench: Bench) -> None:
    ref = bench.add()
    bench.registry.revoke_key(bench.crew["adm"], bench.key.public.fingerprint)
    with pytest.raises(SignatureRefused, match="not among the 0 trusted key"):
        bench.registry.verify(bench.crew["ops"], ref)
    assert bench.registry.version(ref).state is State.DRAFT


def test_two_approvals_make_a_version_approved_with_their_words(bench: Bench) -> None:
    ref = bench.verify()
    once = bench.registry.approve(bench.crew["ann"], ref, f"  {MEANING} ")
    twice = bench.registry.approve(bench.crew["ben"], ref, "I checked the intended use.")
    assert (once.state, twice.state) == (State.VERIFIED, State.APPROVED)
    assert bench.registry.version(ref) == twice
    events = bench.ledger.find(kind=EventKind.APPROVAL, about=ref)
    assert [given.event_id for given in twice.approvals] == [event.id for event in events]
    assert [given.at for given in twice.approvals] == [event.at for event in events]
    assert [
        (
            event.value["body"]["person"],
            event.value["body"]["meaning"],
            event.value["body"]["state"],
        )
        for event in events
    ] == [
        ("ann", MEANING, "verified"),
        ("ben", "I checked the intended use.", "approved"),
    ]


def test_whoever_registered_a_version_cannot_approve_it_and_the_attempt_is_recorded(
    bench: Bench,
) -> None:
    ref = bench.verify()
    with pytest.raises(PermissionRefused, match=f"You registered {ref}"):
        bench.registry.approve(bench.crew["dev"], ref, MEANING)
    (event,) = bench.ledger.find(kind=EventKind.PERMISSION_REFUSED)
    assert event.about == ref
    assert event.value["body"]["action"] == "approve"
    assert bench.registry.version(ref).approvals == ()


@pytest.mark.parametrize("meaning", ["", "   ", "ok"])
def test_an_approval_without_a_meaning_is_refused(bench: Bench, meaning: str) -> None:
    ref = bench.verify()
    with pytest.raises(UsageError, match="at least 10 are needed"):
        bench.registry.approve(bench.crew["ann"], ref, meaning)
    assert bench.registry.version(ref).approvals == ()
    assert bench.ledger.find(kind=EventKind.APPROVAL) == ()


def test_nobody_approves_twice_or_a_draft_or_what_is_retired(bench: Bench) -> None:
    draft = bench.add("0.1.0")
    with pytest.raises(Conflict, match="is a draft"):
        bench.registry.approve(bench.crew["ann"], draft, MEANING)
    ref = bench.verify()
    bench.registry.approve(bench.crew["ann"], ref, MEANING)
    with pytest.raises(Conflict, match="You approved"):
        bench.registry.approve(bench.crew["ann"], ref, MEANING)
    bench.registry.retire(bench.crew["ops"], ref, "superseded")
    with pytest.raises(Conflict, match="that is final"):
        bench.registry.approve(bench.crew["ben"], ref, MEANING)
    with pytest.raises(Conflict, match="that is final"):
        bench.registry.verify(bench.crew["ops"], ref)
    assert len(bench.registry.version(ref).approvals) == 1


def test_one_person_with_two_keys_is_one_approver(bench: Bench) -> None:
    ref, admin, ann = bench.verify(), bench.crew["adm"], bench.crew["ann"]
    second = bench.people.issue_key(admin, ann.person.id, "another computer")
    again = bench.people.sign_in(second.secret, "web")
    assert again.credential != ann.credential
    bench.registry.approve(ann, ref, MEANING)
    with pytest.raises(Conflict, match="You approved"):
        bench.registry.approve(again, ref, "I checked it once more.")
    assert bench.registry.version(ref).state is State.VERIFIED
    with pytest.raises(Conflict, match="It lacks 1 approval by people other than"):
        bench.registry.release(bench.crew["ops"], ref, "now")


def test_an_approval_stands_when_the_approver_has_left(bench: Bench) -> None:
    ref = bench.approve()
    bench.people.deactivate(bench.crew["adm"], bench.crew["ann"].person.id)
    assert bench.registry.release(bench.crew["ops"], ref, "first use").version == "1.0.0"


def test_every_act_says_with_which_key_it_was_done(bench: Bench) -> None:
    bench.release()
    bench.registry.retire(bench.crew["ops"], REF, "recalled")
    keys = {caller.person.id: caller.credential for caller in bench.crew.values()} | {"system": ""}
    acts = [entry.value for entry in bench.ledger.entries()]
    assert {event["kind"] for event in acts} > {"approval", "release", "retirement", "key-trusted"}
    assert all(event["credential"] == keys[event["actor"]] for event in acts)


def test_approvals_at_once_lose_nothing_and_approve_once(bench: Bench) -> None:
    ref = bench.verify()
    start = threading.Barrier(3)

    def approve(name: str) -> State:
        start.wait()
        return bench.registry.approve(bench.crew[name], ref, f"{MEANING} {name}").state

    with ThreadPoolExecutor(3) as pool:
        states = list(pool.map(approve, ("ann", "ben", "cho")))
    record = bench.registry.version(ref)
    assert sorted(states) == [State.APPROVED, State.APPROVED, State.VERIFIED]
    assert record.state is State.APPROVED
    assert {given.person_name for given in record.approvals} == {"ann", "ben", "cho"}
    events = bench.ledger.find(kind=EventKind.APPROVAL)
    assert [event.value["body"]["number"] for event in events] == [1, 2, 3]
    assert [event.id for event in events] == [given.event_id for given in record.approvals]
    bench.ledger.verify()


def test_one_package_registered_at_once_by_two_becomes_one_version(bench: Bench) -> None:
    archive, start = bench.archive(), threading.Barrier(2)

    def add(_: int) -> bool:
        start.wait()
        try:
            bench.registry.add(bench.crew["dev"], archive)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(add, range(2))) == [False, True]
    assert len(bench.ledger.find(kind=EventKind.PACKAGE_ADDED)) == 1


@pytest.mark.parametrize(
    ("act", "who"),
    [
        ("add", ("ann", "ops", "doc", "aud", "adm")),
        ("verify", ("ann", "doc", "aud", "adm")),
        ("approve", ("ops", "doc", "aud", "adm")),
        ("release", ("dev", "ann", "doc", "aud", "adm")),
        ("rollback", ("dev", "ann", "doc", "aud", "adm")),
        ("retire", ("dev", "ann", "doc", "aud", "adm")),
        ("trust_key", ("dev", "ann", "ops", "doc", "aud")),
        ("revoke_key", ("dev", "ann", "ops", "doc", "aud")),
    ],
)
def test_everybody_else_is_refused_and_recorded(
    bench: Bench, act: str, who: tuple[str, ...]
) -> None:
    ref, registry = bench.add(), bench.registry
    for name in who:
        caller = bench.crew[name]
        acts: dict[str, Callable[[Caller], object]] = {
            "add": lambda c: registry.add(c, b""),
            "verify": lambda c: registry.verify(c, ref),
            "approve": lambda c: registry.approve(c, ref, MEANING),
            "release": lambda c: registry.release(c, ref, "why not"),
            "rollback": lambda c: registry.rollback(c, MODEL, "why not"),
            "retire": lambda c: registry.retire(c, ref, "why not"),
            "trust_key": lambda c: registry.trust_key(c, SigningKey.new().public, "mine"),
            "revoke_key": lambda c: registry.revoke_key(c, bench.key.public.fingerprint),
        }
        with pytest.raises(PermissionRefused, match=f"'{name}' .* may not"):
            acts[act](caller)
    refused = bench.ledger.find(kind=EventKind.PERMISSION_REFUSED)
    assert [event.value["actor"] for event in refused] == [bench.crew[n].person.id for n in who]
    assert bench.registry.version(ref).state is State.DRAFT
    assert len(bench.registry.trusted_keys()) == 1


@pytest.mark.parametrize(
    ("ref", "error", "message"),
    [
        (f"{MODEL}@9.9.9", NotFound, "Known versions of small-tumour: 1.0.0"),
        ("other@1.0.0", NotFound, "Known versions of other: none"),
        (MODEL, UsageError, "Write it like breast-cancer@1.0.0"),
        ("a@b@c", UsageError, "does not name a version"),
        ("a\x00@1.0.0", UsageError, "does not name a version"),
    ],
)
def test_a_version_that_is_not_here_is_named(
    bench: Bench, ref: str, error: type[BedsideError], message: str
) -> None:
    bench.add()
    with pytest.raises(error, match=message):
        bench.registry.version(ref)
    with pytest.raises(error, match=message):
        bench.registry.verify(bench.crew["ops"], ref)


@pytest.mark.parametrize("model", ["other", "a\x00", "\ud800", ""])
def test_a_model_that_is_not_here_is_named(bench: Bench, model: str) -> None:
    bench.add()
    assert bench.registry.versions(model) == ()
    for ask in (bench.registry.released_for, bench.registry.history):
        with pytest.raises(NotFound, match="There is no model"):
            ask(model)
    with pytest.raises(NotFound, match="There is no model"):
        bench.registry.rollback(bench.crew["ops"], model, "why not")


@pytest.mark.parametrize("name", ["sha256:" + "0" * 64, "x", "a\x00"])
def test_a_package_that_is_not_here_is_named(bench: Bench, name: str) -> None:
    with pytest.raises(NotFound, match="No version here has the digest"):
        bench.registry.package(name)


def test_a_blob_that_holds_another_package_is_not_handed_out(bench: Bench) -> None:
    first, second = (bench.registry.version(bench.add(v)) for v in ("1.0.0", "1.1.0"))
    with bench.database.write() as connection:
        connection.execute(
            tables.versions.update()
            .where(tables.versions.c.version == first.version)
            .values(archive=second.archive)
        )
    with pytest.raises(PackageDamaged, match=f"holds {second.digest}, not {first.digest}"):
        bench.registry.package(first.digest)


def test_a_trusted_key_is_an_event_and_can_be_revoked(bench: Bench) -> None:
    other = SigningKey.new().public
    bench.clock.advance(1)
    trusted = bench.registry.trust_key(bench.crew["adm"], other, "工場")
    assert [key.name for key in bench.registry.trusted_keys()] == ["the lab", "工場"]
    (event,) = bench.ledger.find(kind=EventKind.KEY_TRUSTED, about=other.fingerprint)
    assert event.value["body"] == {
        "what": "signing-key",
        "name": "工場",
        "public": other.to_pem(),
    }
    assert trusted.trusted_at == event.at
    with pytest.raises(Conflict, match="is trusted already"):
        bench.registry.trust_key(bench.crew["adm"], other, "again")
    bench.registry.revoke_key(bench.crew["adm"], other.fingerprint)
    assert [key.name for key in bench.registry.trusted_keys()] == ["the lab"]
    with pytest.raises(Conflict, match="was revoked"):
        bench.registry.revoke_key(bench.crew["adm"], other.fingerprint)
    assert len(bench.ledger.find(about=other.fingerprint)) == 2


def test_the_same_key_of_another_archive_makes_no_second_version(bench: Bench) -> None:
    bench.add()
    other = SigningKey.new()
    bench.registry.trust_key(bench.crew["adm"], other.public, "another lab")
    signed_anew = replace(bench, key=other).archive()
    with pytest.raises(Conflict, match="exactly so"):
        bench.registry.add(bench.crew["dev"], signed_anew)
    assert len(list(bench.blobs.rglob("*/*"))) == 1
