"""Erasures that stop half-way, on both databases: what is finished, by whom, and what stands between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import delete

from bedside.errors import Conflict, Unavailable
from bedside.ledger.claims import Claim
from bedside.ledger.events import Draft, EventKind, prepare
from bedside.ledger.fences import FenceMoved
from bedside.ledger.tables import ledger_claims
from bedside.people.currency import people_fence
from bedside.serving.erasing import Elsewhere, Erasing, Forget, Target
from bedside.site.site import Site
from tests.serving.ward import PATIENT, Ward

OTHER = "patient-0043"


def with_backups(ward: Ward, forget: Forget) -> Erasing:
    """Return the room of erasures of a site whose backups do as `forget`."""
    site = ward.site
    elsewhere = Elsewhere(site.analysing.keeping.forget, forget)
    return Erasing(site.ledger, site.people, site.subject_keys, ward.clock, 14, elsewhere)


def key_of(ward: Ward, subject: str = PATIENT) -> str:
    found: str = ward.site.ledger.entry(ward.predict(subject).index).value["sealed"]["key"]
    return found


def confirmed(ward: Ward, subject: str) -> str:
    """Confirm an erasure that cannot be finished, and return its id."""

    def away(_keys: Sequence[str]) -> list[str]:
        raise Conflict("the disk of the backups is away")

    erasing = with_backups(ward, away)
    asked = erasing.request(ward.first, Target(subject), "asked")
    with pytest.raises(Conflict, match="is away"):
        erasing.confirm(ward.second, asked.id, Target(subject))
    return asked.id


def test_what_was_confirmed_is_finished_by_whoever_opens_the_site_next(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward.predict()
    asked = ward.erasing.request(ward.first, Target(PATIENT), "asked")

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(ward.site.subject_keys), "destroy", dies)
        with pytest.raises(KeyboardInterrupt):
            ward.erasing.confirm(ward.second, asked.id, Target(PATIENT))
    assert ward.steps() == ["requested", "confirmed"]
    ward.site.close()
    with Site.open(ward.site.folder, ward.clock) as site:
        assert site.subject_keys.known(PATIENT) is None
        assert site.erasing.told().erasures[asked.id].done
        assert site.erasing.finish() == ()
        assert site.verify()


def test_a_key_that_came_back_is_destroyed_again(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = ward.predict()
    key = ward.site.ledger.entry(one.index).value["sealed"]["key"]
    with monkeypatch.context() as patch:  # as if the keys' database was put back
        patch.setattr(type(ward.site.subject_keys), "destroy", lambda *_: None)
        ward.erase(Target(PATIENT))
    assert ward.site.subject_keys.standing([key]) == {key: True}
    ward.erasing.finish()
    assert ward.site.subject_keys.standing([key]) == {}


def test_backups_are_told_and_what_they_cannot_do_is_repeated(ward: Ward) -> None:
    one = ward.predict()
    key = ward.site.ledger.entry(one.index).value["sealed"]["key"]
    told: list[tuple[str, ...]] = []

    def forget(keys: Sequence[str]) -> list[str]:
        told.append(tuple(keys))
        if len(told) == 1:
            raise Conflict("the disk of the backups is away")
        return ["generation-2", "generation-1"]

    erasing = with_backups(ward, forget)
    asked = erasing.request(ward.first, Target(PATIENT), "asked")
    with pytest.raises(Conflict, match="is away"):
        erasing.confirm(ward.second, asked.id, Target(PATIENT))
    assert erasing.told().erasures[asked.id].done is None
    (done,) = erasing.finish()
    assert done.done
    assert told == [(key,), (key,)]
    last = ward.site.ledger.find(kind=EventKind.ERASURE, newest_first=True, limit=1)[0]
    assert last.value["body"]["backups"] == ["generation-1", "generation-2"]


def test_a_key_that_is_nowhere_any_more_is_gone(ward: Ward) -> None:
    lost, _ = key_of(ward), key_of(ward, OTHER)
    both = [confirmed(ward, PATIENT), confirmed(ward, OTHER)]
    keys = ward.site.subject_keys
    with keys.database.write() as connection:
        connection.execute(delete(keys._table).where(keys._table.c.key_id == lost))
    assert [one.id for one in ward.erasing.finish()] == both
    assert all(one.done for one in ward.erasing.told().erasures.values())


def test_one_that_cannot_be_finished_is_in_no_others_way(ward: Ward) -> None:
    held, _ = key_of(ward), key_of(ward, OTHER)
    first, second = confirmed(ward, PATIENT), confirmed(ward, OTHER)

    def forget(keys: Sequence[str]) -> list[str]:
        if held in keys:
            raise Conflict("the disk of the backups is away")
        return []

    erasing = with_backups(ward, forget)
    with pytest.raises(Conflict, match="is away"):
        erasing.finish()
    told = erasing.told().erasures
    assert (told[first].done, bool(told[second].done)) == (None, True)


def test_a_file_of_a_job_that_stays_is_in_no_others_way(ward: Ward) -> None:
    gone, _ = key_of(ward), key_of(ward, OTHER)
    ward.erase(Target(PATIENT))
    waiting = confirmed(ward, OTHER)
    site = ward.site

    def stays(keys: Sequence[str], again: bool) -> int:
        if gone in keys:
            raise Unavailable("the disk refuses")
        return site.analysing.keeping.forget(keys, again)

    elsewhere = Elsewhere(stays, lambda _keys: [])
    erasing = Erasing(site.ledger, site.people, site.subject_keys, ward.clock, 14, elsewhere)
    with pytest.raises(Unavailable):
        erasing.finish()
    assert erasing.told().erasures[waiting].done


@pytest.mark.parametrize("late", [False, True])
def test_a_request_that_was_sealed_before_the_key_was_destroyed_leaves_no_claim(
    ward: Ward, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, site, outcomes = key_of(ward), ward.site, []
    destroy = type(site.subject_keys).destroy
    drafts: list[Draft] = []

    def record() -> None:
        outcomes.extend(site.ledger.record_each([[prepare(drafts[0])]], [Claim("ab" * 32)]))

    def destroyed(keys: Any, key_id: str) -> None:
        sealing = {"sealed": {"input": 1}, "subject_key": keys.get(key_id)}
        fence = people_fence(site.ledger)  # that of after `confirmed`: the request is that late
        kind = EventKind.PREDICTION
        drafts.append(Draft(kind, "a-request", "system", "rest", fence=fence, **sealing))
        destroy(keys, key_id)
        if not late:
            record()

    def forget(_keys: Sequence[str]) -> list[str]:
        if late:  # after the claims were looked for
            record()
        return []

    monkeypatch.setattr(type(site.subject_keys), "destroy", destroyed)
    erasing = with_backups(ward, forget)
    asked = erasing.request(ward.first, Target(PATIENT), "asked")
    erasing.confirm(ward.second, asked.id, Target(PATIENT))
    (outcome,) = outcomes
    assert isinstance(outcome, FenceMoved) is late
    with site.ledger.database.read() as connection:
        assert connection.execute(ledger_claims.select()).all() == []
    assert site.subject_keys.standing([key]) == {}
