"""What answers: release, rollback, retirement, history, and what answered at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bedside.errors import (
    Conflict,
    GoldenMismatch,
    PackageDamaged,
    PackageRefused,
    PermissionRefused,
    Unavailable,
    UsageError,
)
from bedside.keys.signing import SigningKey
from bedside.ledger.events import Draft, EventKind, Fence
from bedside.ledger.fences import FenceMoved
from bedside.registry.lifecycle import Act, State
from bedside.registry.registry import Registry
from bedside.runtime.proving import Here
from bedside.store.blobs import FolderBlobs
from tests.package.building import Recipe
from tests.registry.conftest import MEANING, MODEL, Bench, wrong_golden


def ref(version: str) -> str:
    return f"{MODEL}@{version}"


def states(bench: Bench) -> dict[str, str]:
    return {record.version: record.state.value for record in bench.registry.versions(MODEL)}


def history(bench: Bench) -> list[tuple[int, str, str | None]]:
    return [(turn.epoch, turn.act.value, turn.version) for turn in bench.registry.history(MODEL)]


def test_a_release_is_one_act_with_event_epoch_and_state(bench: Bench) -> None:
    name = bench.approve()
    release = bench.registry.release(bench.crew["ops"], name, "  first use ")
    (event,) = bench.ledger.find(kind=EventKind.RELEASE, about=name)
    assert (release.ref, release.epoch, release.reason) == (name, 1, "first use")
    assert (release.event_id, release.since, release.by) == (
        event.id,
        event.at,
        bench.crew["ops"].person.id,
    )
    assert release.fence == Fence(f"release:{MODEL}", 1)
    assert bench.registry.released() == (release,)
    assert bench.registry.released_for(MODEL) == release
    assert bench.registry.version(name).state is State.RELEASED
    body = event.value["body"]
    assert {key: body[key] for key in ("from", "to", "epoch", "reason", "state", "digest")} == {
        "from": None,
        "to": "1.0.0",
        "epoch": 1,
        "reason": "first use",
        "state": "released",
        "digest": release.digest,
    }


def test_the_version_before_goes_back_to_approved(bench: Bench) -> None:
    bench.release("1.0.0")
    bench.release("1.1.0")
    assert states(bench) == {"1.0.0": "approved", "1.1.0": "released"}
    assert history(bench) == [(1, "release", "1.0.0"), (2, "release", "1.1.0")]
    assert bench.registry.released_for(MODEL).epoch == 2


def test_what_answers_now_is_not_released_again(bench: Bench) -> None:
    name = bench.release()
    with pytest.raises(Conflict, match="is released already; it answers now"):
        bench.registry.release(bench.crew["ops"], name, "again")
    assert len(history(bench)) == 1


@pytest.mark.parametrize("reason", ["", " \n "])
def test_every_switch_needs_a_reason(bench: Bench, reason: str) -> None:
    name, ops = bench.approve(), bench.crew["ops"]
    acts: tuple[Callable[[], object], ...] = (
        lambda: bench.registry.release(ops, name, reason),
        lambda: bench.registry.rollback(ops, MODEL, reason),
        lambda: bench.registry.retire(ops, name, reason),
    )
    for act in acts:
        with pytest.raises(UsageError, match="at least 1 are needed"):
            act()
    assert states(bench) == {"1.0.0": "approved"}


def test_a_model_without_a_release_does_not_answer(bench: Bench) -> None:
    bench.approve()
    with pytest.raises(Unavailable, match=f"No version of {MODEL} is released here"):
        bench.registry.released_for(MODEL)
    assert bench.registry.released() == ()


def test_only_what_proves_itself_again_is_switched_to(bench: Bench) -> None:
    bench.release("1.0.0")
    name = bench.approve("1.1.0")
    archive = bench.registry.version(name).archive
    blob = bench.blobs / archive[7:9] / archive[9:]
    blob.write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(PackageDamaged, match="is damaged"):
        bench.registry.release(bench.crew["ops"], name, "new")
    assert states(bench) == {"1.0.0": "released", "1.1.0": "approved"}
    (event,) = bench.ledger.find(kind=EventKind.PACKAGE_REFUSED, about=name)
    assert event.value["body"]["error"] == "PackageDamaged"


def test_a_version_that_answers_otherwise_on_this_machine_is_never_switched_to(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.release("1.0.0")
    name = bench.add(recipe=wrong_golden("1.1.0"))
    with monkeypatch.context() as elsewhere:  # another machine computes as the package says
        good = Here().prove(bench.registry.package(bench.registry.version(ref("1.0.0")).digest))
        elsewhere.setattr(Here, "prove", lambda *_: good)
        bench.registry.verify(bench.crew["ops"], name)
    for approver in ("ann", "ben"):
        bench.registry.approve(bench.crew[approver], name, MEANING)
    with pytest.raises(GoldenMismatch):
        bench.registry.release(bench.crew["ops"], name, "new")
    assert bench.answers() == "1.0.0"
    assert history(bench) == [(1, "release", "1.0.0")]


def test_a_rollback_is_recorded_with_from_to_and_reason(bench: Bench) -> None:
    bench.release("1.0.0")
    bench.release("1.1.0")
    release = bench.registry.rollback(bench.crew["ops"], MODEL, "too many false alarms")
    assert (release.version, release.epoch, bench.answers()) == ("1.0.0", 3, "1.0.0")
    assert states(bench) == {"1.0.0": "released", "1.1.0": "approved"}
    (event,) = bench.ledger.find(kind=EventKind.ROLLBACK, about=ref("1.0.0"))
    body = event.value["body"]
    assert (body["from"], body["to"], body["epoch"]) == ("1.1.0", "1.0.0", 3)
    assert body["reason"] == "too many false alarms"


def test_a_rollback_names_its_target_or_goes_to_the_one_before(bench: Bench) -> None:
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        bench.release(version)
    assert bench.registry.rollback(bench.crew["ops"], MODEL, "why", "1.0.0").version == "1.0.0"
    with pytest.raises(Conflict, match="no earlier release to go back to"):
        bench.registry.rollback(bench.crew["ops"], MODEL, "why")
    bench.registry.release(bench.crew["ops"], ref("2.0.0"), "repaired")
    with pytest.raises(Conflict, match=r"1\.1\.0 is not an earlier release; these are: 1\.0\.0"):
        bench.registry.rollback(bench.crew["ops"], MODEL, "why", "1.1.0")
    assert bench.answers() == "2.0.0"


def test_a_rollback_to_what_no_longer_proves_itself_switches_nothing(bench: Bench) -> None:
    bench.release("1.0.0")
    bench.release("1.1.0")
    bench.registry.revoke_key(bench.crew["adm"], bench.key.public.fingerprint)
    with pytest.raises(PackageRefused, match="not among the 0 trusted"):
        bench.registry.rollback(bench.crew["ops"], MODEL, "why")
    assert bench.answers() == "1.1.0"


def test_retiring_what_answers_begins_an_epoch_without_an_answer(bench: Bench) -> None:
    bench.release("1.0.0")
    name = bench.release("1.1.0")
    record = bench.registry.retire(bench.crew["ops"], name, "recalled")
    assert record.state is State.RETIRED
    assert bench.registry.released() == ()
    assert history(bench)[-1] == (3, "retirement", None)
    stale = Draft(EventKind.PREDICTION, "p", "doc", "rest", {}, fence=Fence(f"release:{MODEL}", 2))
    with pytest.raises(FenceMoved):
        bench.ledger.record(stale)
    with pytest.raises(Conflict, match="that is final"):
        bench.registry.release(bench.crew["ops"], name, "again")
    assert bench.registry.rollback(bench.crew["ops"], MODEL, "recalled").version == "1.0.0"


def test_retiring_what_does_not_answer_begins_no_epoch(bench: Bench) -> None:
    bench.release("1.0.0")
    draft = bench.add("1.1.0")
    bench.registry.retire(bench.crew["ops"], draft, "never finished")
    assert history(bench) == [(1, "release", "1.0.0")]
    (event,) = bench.ledger.find(kind=EventKind.RETIREMENT, about=draft)
    assert event.value["body"]["epoch"] is None
    with pytest.raises(Conflict, match="is retired, and that is final"):
        bench.registry.retire(bench.crew["ops"], draft, "again")


def test_what_answered_at_a_time_is_exact_to_the_microsecond(bench: Bench) -> None:
    bench.approve("1.0.0")
    bench.approve("1.1.0")
    moments: list[tuple[datetime, str | None]] = [(bench.clock.now, None)]
    acts: tuple[Callable[[], object], ...] = (
        lambda: bench.registry.release(bench.crew["ops"], ref("1.0.0"), "a"),
        lambda: bench.registry.release(bench.crew["ops"], ref("1.1.0"), "b"),
        lambda: bench.registry.rollback(bench.crew["ops"], MODEL, "c"),
        lambda: bench.registry.retire(bench.crew["ops"], ref("1.0.0"), "d"),
    )
    for act, answer in zip(acts, ("1.0.0", "1.1.0", "1.0.0", None), strict=True):
        bench.clock.advance(60)
        act()
        moments.append((bench.clock.now, answer))
    bench.clock.advance(60)
    for (moment, answer), (_, before) in zip(moments[1:], moments, strict=False):
        assert [release.version for release in bench.registry.at(moment)] == [answer] * bool(answer)
        just_before = bench.registry.at(moment - timedelta(microseconds=1))
        assert [release.version for release in just_before] == [before] * bool(before)


def test_switches_within_one_microsecond_keep_their_order(bench: Bench) -> None:
    bench.release("1.0.0")
    bench.release("1.1.0")
    assert len({turn.since for turn in bench.registry.history(MODEL)}) == 1
    assert [release.version for release in bench.registry.at(bench.clock.now)] == ["1.1.0"]


def test_what_will_answer_is_not_told(bench: Bench) -> None:
    with pytest.raises(UsageError, match="has not come yet"):
        bench.registry.at(bench.clock.now + timedelta(microseconds=1))
    with pytest.raises(UsageError, match="has no zone"):
        bench.registry.at(datetime(2026, 11, 21))


def test_what_answers_now_is_told_even_if_the_clock_ran_ahead(bench: Bench) -> None:
    bench.release("1.0.0")
    bench.clock.advance(60)
    before = bench.clock.now
    bench.clock.advance(90)
    bench.registry.verify(bench.crew["ops"], ref("1.0.0"))  # the ledger's time runs ahead
    bench.clock.now = before + timedelta(seconds=1)
    bench.registry.retire(bench.crew["ops"], ref("1.0.0"), "recalled")
    bench.clock.advance(1)
    assert bench.registry.at(bench.clock.now) == bench.registry.released() == ()
    with pytest.raises(Conflict, match=r"later than now .* the clock was wrong"):
        bench.registry.at(before)
    assert bench.registry.at(before - timedelta(days=1)) == ()


def test_a_revoked_key_begins_an_epoch_of_what_it_signed(bench: Bench) -> None:
    name = bench.release("1.0.0")
    other = SigningKey.new()
    bench.registry.trust_key(bench.crew["adm"], other.public, "another lab")
    second = replace(bench, key=other)
    archive = Recipe(changes={"name": "second-model"}).archive(second.key)
    kept = bench.registry.add(bench.crew["dev"], archive).ref
    bench.registry.verify(bench.crew["ops"], kept)
    for who in ("ann", "ben"):
        bench.registry.approve(bench.crew[who], kept, MEANING)
    bench.registry.release(bench.crew["ops"], kept, "first use")
    bench.registry.revoke_key(bench.crew["adm"], bench.key.public.fingerprint)
    assert history(bench) == [(1, "release", "1.0.0"), (2, "key-revoked", "1.0.0")]
    assert bench.registry.released_for("second-model").epoch == 1
    stale = Draft(EventKind.PREDICTION, "p", "doc", "rest", {}, fence=Fence(f"release:{MODEL}", 1))
    with pytest.raises(FenceMoved):
        bench.ledger.record(stale)
    last = bench.registry.history(MODEL)[-1]
    (event,) = bench.ledger.find(kind=EventKind.KEY_REVOKED)
    assert event.value["body"]["epochs"] == {MODEL: 2}
    assert (last.event_id, last.since, last.by) == (
        event.id,
        event.at,
        bench.crew["adm"].person.id,
    )
    assert bench.registry.version(name).state is State.RELEASED
    with pytest.raises(Conflict, match="no earlier release to go back to"):
        bench.registry.rollback(bench.crew["ops"], MODEL, "why")


def test_releases_at_once_happen_one_after_the_other(bench: Bench) -> None:
    bench.release("1.0.0")
    bench.approve("1.1.0")
    bench.approve("2.0.0")
    start = threading.Barrier(4)

    def switch(to: str) -> str:
        start.wait()
        try:
            return bench.registry.release(bench.crew["ops"], ref(to), "race").version
        except Conflict:
            return "refused"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(switch, ("1.1.0", "2.0.0", "1.1.0", "2.0.0")))
    turns = bench.registry.history(MODEL)
    assert [turn.epoch for turn in turns] == list(range(1, len(turns) + 1))
    assert len(turns) == 1 + sum(outcome != "refused" for outcome in outcomes)
    assert [turn.version for turn in turns if turn.act is Act.RELEASE] == [
        event.value["body"]["to"] for event in bench.ledger.find(kind=EventKind.RELEASE)
    ]
    assert sum(record.state is State.RELEASED for record in bench.registry.versions()) == 1
    assert bench.answers() == turns[-1].version
    with bench.database.read() as connection:
        assert bench.ledger.fence(connection, f"release:{MODEL}") == turns[-1].epoch
    bench.ledger.verify()


class InterruptedBlobs:
    """Blobs that let something else happen while a package is read: a race, at will."""

    def __init__(self, folder: Path, meanwhile: Callable[[], object]) -> None:
        self._blobs = FolderBlobs(folder)
        self._meanwhile = [meanwhile]
        self.put, self.has, self.size = self._blobs.put, self._blobs.has, self._blobs.size

    def get(self, digest: str) -> bytes:
        while self._meanwhile:
            self._meanwhile.pop()()
        return self._blobs.get(digest)


def interrupted(bench: Bench, meanwhile: Callable[[], object]) -> Registry:
    blobs = InterruptedBlobs(bench.blobs, meanwhile)
    return Registry(bench.database, bench.ledger, bench.people, blobs, bench.clock)


def test_a_version_retired_while_it_is_replayed_is_not_released(bench: Bench) -> None:
    name, ops = bench.approve(), bench.crew["ops"]
    racing = interrupted(bench, lambda: bench.registry.retire(ops, name, "recalled"))
    with pytest.raises(Conflict, match="is retired, and that is final"):
        racing.release(ops, name, "new")
    assert states(bench) == {"1.0.0": "retired"}
    assert bench.registry.history(MODEL) == ()


def test_a_version_retired_while_it_is_replayed_is_not_verified(bench: Bench) -> None:
    name, ops = bench.add(), bench.crew["ops"]
    racing = interrupted(bench, lambda: bench.registry.retire(ops, name, "recalled"))
    with pytest.raises(Conflict, match="is retired, and that is final"):
        racing.verify(ops, name)
    assert states(bench) == {"1.0.0": "retired"}


def test_a_rollback_does_not_go_on_when_somebody_switched_meanwhile(bench: Bench) -> None:
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        bench.release(version)
    ops = bench.crew["ops"]
    racing = interrupted(bench, lambda: bench.registry.rollback(ops, MODEL, "first"))
    with pytest.raises(Conflict, match=r"Somebody switched small-tumour meanwhile: 1\.1\.0"):
        racing.rollback(ops, MODEL, "second")
    assert bench.answers() == "1.1.0"


def test_an_operator_who_loses_the_role_during_the_replay_releases_nothing(bench: Bench) -> None:
    name, ops = bench.approve(), bench.crew["ops"]
    racing = interrupted(
        bench, lambda: bench.people.set_roles(bench.crew["adm"], ops.person.id, ["auditor"])
    )
    with pytest.raises(PermissionRefused, match=r"'ops' \(auditor\) may not release"):
        racing.release(ops, name, "new")
    assert states(bench) == {"1.0.0": "approved"}
    assert len(bench.ledger.find(kind=EventKind.PERMISSION_REFUSED)) == 1
