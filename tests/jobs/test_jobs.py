"""The table of jobs, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bedside.errors import Conflict, NotFound, Unavailable
from bedside.jobs import jobs as table
from bedside.jobs.errand import Over
from bedside.jobs.folder import JobFiles
from bedside.jobs.job import MOST_ATTEMPTS, State, held
from bedside.jobs.jobs import JobLost, Jobs, Terms
from tests.conftest import SettableClock
from tests.jobs.toy import Toys


def test_a_job_is_taken_once_until_its_holder_is_silent(toys: Toys, clock: SettableClock) -> None:
    job = toys.add()
    found = toys.jobs.next()
    assert found == replace(job, request=b"")  # what is sealed is not looked at
    first = toys.jobs.take(job, "first")
    assert first is not None
    assert toys.jobs.next() is None
    assert toys.jobs.take(job, "second") is None
    clock.advance(20)
    assert toys.jobs.beat(held(first), "working", 1, 3)
    clock.advance(20)  # the beat gave it more time
    assert toys.jobs.take(job, "second") is None
    clock.advance(11)
    second = toys.jobs.take(job, "second")
    assert second is not None
    assert second.attempts == 2
    with pytest.raises(JobLost):
        toys.jobs.beat(held(first), "working", 2, 3)
    with pytest.raises(JobLost):
        toys.jobs.give_back(held(first), counts=True)
    assert toys.jobs.get(job.id).stage == ""


def test_an_end_that_fails_half_way_leaves_the_job_running(toys: Toys) -> None:
    taken = toys.jobs.take(toys.add(), "one")
    assert taken is not None
    with pytest.raises(TypeError), toys.jobs.ending(held(taken)) as (connection, mine):
        toys.jobs.end(connection, mine, State.DONE).attempts()  # type: ignore[operator]
    assert toys.jobs.get(taken.id).state is State.RUNNING


def test_a_cancelled_job_cannot_be_ended_with_a_result(toys: Toys) -> None:
    taken = toys.jobs.take(toys.add(), "one")
    assert taken is not None
    assert toys.jobs.cancel(taken.id).cancelled
    assert toys.jobs.cancel(taken.id).cancelled  # twice is the same
    with pytest.raises(Over), toys.jobs.ending(held(taken)):
        pass
    assert not toys.jobs.beat(held(taken), "", 0, 0)
    assert toys.jobs.end_held(held(taken), State.FAILED, "x").state is State.CANCELLED


@pytest.mark.parametrize("counts", [True, False])
def test_a_cancelled_job_whose_process_ends_is_cancelled_and_has_one_end(
    toys: Toys, *, counts: bool
) -> None:
    failed: list[str] = []
    jobs = Jobs(toys.ledger.database, toys.clock, failed=lambda _, job: failed.append(job.code))
    job = toys.add()
    for attempt in range(1, MOST_ATTEMPTS + 1):
        taken = jobs.take(job, "one")
        assert taken is not None
        if attempt == MOST_ATTEMPTS:
            jobs.cancel(job.id)
        jobs.give_back(held(taken), counts=counts or attempt < MOST_ATTEMPTS)
    found = jobs.get(job.id)
    assert (found.state, found.code, failed) == (State.CANCELLED, "cancelled", [])


def test_a_waiting_job_is_cancelled_at_once_and_one_that_is_over_is_not(toys: Toys) -> None:
    job = toys.add()
    assert toys.jobs.cancel(job.id).state is State.CANCELLED
    taken = toys.jobs.take(toys.add(), "one")
    assert taken is not None
    toys.jobs.end_held(held(taken), State.DONE, "")
    with pytest.raises(Conflict, match="is done"):
        toys.jobs.cancel(taken.id)
    with pytest.raises(NotFound):
        toys.jobs.cancel("nothing")


def test_a_lost_job_that_was_cancelled_ends_as_such(toys: Toys, clock: SettableClock) -> None:
    taken = toys.jobs.take(toys.add(), "one")
    assert taken is not None
    toys.jobs.cancel(taken.id)
    clock.advance(31)
    assert toys.jobs.take(taken, "two") is None
    assert toys.jobs.get(taken.id).state is State.CANCELLED


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_jobs_that_cannot_be_begun_hide_none_behind_them(
    toys: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "LOOKED_AT", 2)
    for _ in range(4):
        toys.add(about="not-proved")
    job = toys.add()
    assert toys.jobs.next(ready=lambda one: one.about == "toy") == replace(job, request=b"")
    assert toys.jobs.next(ready=lambda _: False) is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_there_is_an_end_to_how_many_wait(toys: Toys) -> None:
    toys.jobs.terms = Terms(waiting=3, waiting_of_one=2)
    toys.add()
    toys.add()
    with pytest.raises(Unavailable, match="of your jobs"):
        toys.add()
    toys.add(person="ben")
    with pytest.raises(Unavailable, match="of this site"):
        toys.add(person="cleo")
    assert toys.jobs.count()[State.WAITING] == 3


def test_what_is_kept_under_a_destroyed_key_is_forgotten_alone(toys: Toys) -> None:
    gone, stays = toys.add(claim="aa" * 32), toys.add(claim="bb" * 32)
    toys.keys.destroy(gone.key_id)
    assert toys.keeping.forget([gone.key_id], False) == 2
    with pytest.raises(NotFound):
        toys.jobs.get(gone.id)
    assert toys.jobs.get(stays.id).claim == "bb" * 32
    assert toys.files.names() == [f"uploads/{stays.upload}"]
    assert toys.keeping.forget([gone.key_id], True) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_that_cannot_be_removed_now_is_removed_by_the_repeat(
    toys: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = toys.add()

    def refused(*_: object) -> None:
        raise Unavailable("the disk refuses")

    with monkeypatch.context() as patch:
        patch.setattr(JobFiles, "remove_upload", refused)
        with pytest.raises(Unavailable):
            toys.keeping.forget([gone.key_id], False)
    assert toys.keeping.forget([gone.key_id], True) == 2
    assert toys.files.names() == []
