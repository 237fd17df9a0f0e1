"""Jobs are done, once, whatever ends on the way; on both databases."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from bedside.clock import timestamp
from bedside.jobs.job import MOST_ATTEMPTS, State, held
from bedside.jobs.jobs import JobLost
from bedside.jobs.runner import Runner, _NoPlace
from bedside.jobs.tables import jobs
from bedside.jobs.workshop import Bounds
from bedside.ledger.events import EventKind
from bedside.store.duty import Duty
from tests.conftest import SettableClock
from tests.jobs.toy import SECRET, Toys, sealed, until

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@contextmanager
def at_work(toys: Toys, bounds: Bounds | None = None) -> Iterator[Runner]:
    runner = toys.runner(bounds)
    runner.start()
    try:
        yield runner
    finally:
        runner.stop()


def over(toys: Toys, job_id: str) -> bool:
    return not toys.jobs.get(job_id).unfinished


def test_a_job_is_done_and_its_result_is_sealed(toys: Toys) -> None:
    job = toys.add()
    with at_work(toys):
        until(lambda: over(toys, job.id))
    found = toys.jobs.get(job.id)
    assert (found.state, found.code, found.attempts) == (State.DONE, "", 1)
    assert toys.results(job) == {"one.out": SECRET[::-1]}
    assert toys.events(job) == 1
    for name in toys.files.names():
        assert SECRET not in toys.files.path(name).read_bytes()
        assert SECRET[::-1] not in toys.files.path(name).read_bytes()


@ON_SQLITE
def test_a_child_has_no_secret_of_its_worker_and_does_the_next_job_too(
    toys: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEDSIDE_DATABASE_URL", "postgresql://somebody:secret@somewhere")
    with at_work(toys):
        first, second = toys.add(), toys.add()
        until(lambda: over(toys, first.id) and over(toys, second.id))
    assert len({one["pid"] for one in toys.heard}) <= 2
    assert {"BEDSIDE_DATABASE_URL"}.isdisjoint(toys.heard[0]["names"])
    assert "ORT_DISABLE_TELEMETRY" in toys.heard[0]["names"]
    assert toys.heard[0]["home"] != os.environ.get("HOME")


def test_a_child_that_dies_is_tried_again_and_then_given_up(toys: Toys) -> None:
    job = toys.add("die")
    with at_work(toys):
        until(lambda: over(toys, job.id))
    found = toys.jobs.get(job.id)
    assert (found.state, found.code) == (State.FAILED, "ended-repeatedly")
    assert found.attempts == MOST_ATTEMPTS
    assert toys.events(job) == 0


@ON_SQLITE
@pytest.mark.parametrize(("do", "code"), [("refuse", "UsageError"), ("memory", "memory")])
def test_what_a_child_cannot_do_is_told_and_not_tried_again(toys: Toys, do: str, code: str) -> None:
    job = toys.add(do)
    with at_work(toys):
        until(lambda: over(toys, job.id))
    found = toys.jobs.get(job.id)
    assert (found.state, found.code, found.attempts) == (State.REFUSED, code, 1)


def test_a_running_job_is_cancelled_within_seconds(toys: Toys) -> None:
    job = toys.add("wait")
    with at_work(toys):
        until(lambda: toys.jobs.get(job.id).stage == "working")
        assert toys.jobs.cancel(job.id).unfinished
        until(lambda: over(toys, job.id), 20)
    assert toys.jobs.get(job.id).state is State.CANCELLED
    assert toys.events(job) == 0
    until(lambda: not any(name.startswith("results/") for name in toys.files.names()))


def test_a_stopped_service_gives_its_jobs_back_and_the_next_one_does_them(toys: Toys) -> None:
    job = toys.add("wait")
    with at_work(toys):
        until(lambda: toys.jobs.get(job.id).stage == "working")
    found = toys.jobs.get(job.id)
    assert (found.state, found.attempts, found.restarts) == (State.WAITING, 0, 1)
    key = toys.keys.get(job.key_id)

    with toys.ledger.database.write() as connection:
        request = sealed(key, job.id, {"do": "give-back"})
        connection.execute(jobs.update().values(request=request))
    with at_work(toys):
        until(lambda: over(toys, job.id))
    assert toys.jobs.get(job.id).state is State.DONE


def test_a_world_that_changes_meanwhile_makes_it_begin_anew(toys: Toys) -> None:
    toys.changes = 2
    job = toys.add()
    with at_work(toys):
        until(lambda: over(toys, job.id))
    found = toys.jobs.get(job.id)
    assert (found.state, found.attempts, found.restarts) == (State.DONE, 1, 2)
    assert toys.events(job) == 1
    assert [name for name in toys.files.names() if name.startswith("results/")] == [
        f"results/{job.id}/3-0"
    ]


def test_a_worker_that_was_thought_dead_records_nothing(toys: Toys, clock: SettableClock) -> None:
    job = toys.add()
    slow = toys.jobs.take(job, "slow")
    assert slow is not None
    clock.advance(toys.lease + 1)
    with at_work(toys):
        until(lambda: over(toys, job.id))

    with pytest.raises(JobLost), toys.jobs.ending(held(slow)):
        pass
    with pytest.raises(JobLost):
        toys.jobs.beat(held(slow), "late", 0, 0)
    assert toys.events(job) == 1


@ON_SQLITE
def test_a_job_is_not_taken_from_a_worker_of_this_process_that_was_late(
    toys: Toys, clock: SettableClock
) -> None:
    job = toys.add("wait")
    with at_work(toys) as runner:
        until(lambda: toys.jobs.get(job.id).stage == "working")
        for _ in range(MOST_ATTEMPTS):
            clock.advance(2 * toys.lease)  # a machine that slept, or a clock that was put right
            runner.wake()
            runner._stop.wait(0.3)
        found = toys.jobs.get(job.id)
        assert (found.state, found.attempts) == (State.RUNNING, 1)
        assert len(runner._running) == 1
        toys.jobs.cancel(job.id)
        until(lambda: over(toys, job.id), 20)


@ON_SQLITE
def test_a_job_whose_child_takes_nothing_keeps_its_lease_and_can_be_cancelled(
    toys: Toys, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toys, "module", "tests.jobs.mute_child")
    job = toys.add(size=2**20)
    with at_work(toys):
        until(lambda: toys.jobs.get(job.id).state is State.RUNNING)
        clock.advance(toys.lease - 1)
        moved = timestamp(clock() + timedelta(seconds=toys.lease))
        until(lambda: toys.jobs.get(job.id).held_until == moved, 20)
        toys.jobs.cancel(job.id)
        until(lambda: over(toys, job.id), 10)
    assert toys.jobs.get(job.id).state is State.CANCELLED


@ON_SQLITE
def test_a_service_that_stops_gives_a_job_back_whose_child_takes_nothing(
    toys: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toys, "module", "tests.jobs.mute_child")
    job = toys.add(size=2**20)
    with at_work(toys):
        until(lambda: toys.jobs.get(job.id).state is State.RUNNING)
        begun = time.monotonic()
    assert time.monotonic() - begun < 10
    found = toys.jobs.get(job.id)
    assert (found.state, found.attempts, found.restarts) == (State.WAITING, 0, 1)


def test_an_attempt_that_was_late_and_taken_over_does_not_count(
    toys: Toys, clock: SettableClock
) -> None:
    job = toys.add("wait")
    with at_work(toys):
        until(lambda: toys.jobs.get(job.id).stage == "working")
        clock.advance(2 * toys.lease)
        other = toys.jobs.take(job, "another machine")
        assert other is None or other.attempts == 2  # None: it was not late after all
        if other is not None:
            until(lambda: toys.jobs.get(job.id).restarts == 1)
            found = toys.jobs.get(job.id)
            assert (found.attempts, found.holder) == (1, "another machine")
            assert held(found) == held(other)


@ON_SQLITE
def test_jobs_wait_unharmed_while_there_is_no_place_to_work(toys: Toys) -> None:
    place = toys.folder / "work"
    place.mkdir(mode=0o755)
    place.chmod(0o755)  # as after a restore: others could read what is in it
    job = toys.add()
    runner = toys.runner()
    with pytest.raises(_NoPlace, match="chmod 700"):
        runner._looked()
    runner.stop()
    found = toys.jobs.get(job.id)
    assert (found.state, found.attempts, found.restarts) == (State.WAITING, 0, 0)
    place.chmod(0o700)
    with at_work(toys):
        until(lambda: over(toys, job.id))
    assert toys.jobs.get(job.id).state is State.DONE


@ON_SQLITE
def test_a_disk_that_refuses_is_no_fault_of_the_job_and_leaves_nothing(
    toys: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    job = toys.add()
    with at_work(toys) as runner:
        until(lambda: toys.jobs.get(job.id).restarts > 0)
        found = toys.jobs.get(job.id)
        assert (found.state, found.attempts, found.restarts) == (State.WAITING, 0, 1)
        assert list((toys.folder / "work").glob("*/*")) == []
        monkeypatch.undo()
        runner._put_off.clear()  # it waits some seconds
        until(lambda: over(toys, job.id))
    assert toys.jobs.get(job.id).state is State.DONE


@ON_SQLITE
def test_a_job_that_takes_too_long_ends(toys: Toys) -> None:
    job = toys.add("wait")
    with at_work(toys, Bounds(2**30, priority="normal", seconds=0.5)):
        until(lambda: over(toys, job.id))
    found = toys.jobs.get(job.id)
    assert (found.state, found.code, found.attempts) == (State.FAILED, "took-too-long", 1)


@ON_SQLITE
def test_a_job_that_cannot_be_begun_yet_keeps_nobody_elses_waiting(toys: Toys) -> None:
    toys.unready.add("unready")
    first, second = toys.add(about="unready"), toys.add()
    with at_work(toys) as runner:
        until(lambda: over(toys, second.id))
        assert toys.jobs.get(first.id).state is State.WAITING
        toys.unready.clear()
        runner.wake()
        until(lambda: over(toys, first.id))
    assert toys.jobs.get(first.id).attempts == 1


@ON_SQLITE
def test_jobs_that_do_not_fit_into_memory_wait_for_each_other(toys: Toys) -> None:
    first, second = toys.add("wait", memory=600), toys.add("wait", memory=600)
    with at_work(toys, Bounds(1000, at_once=4, priority="normal")):
        until(lambda: toys.jobs.get(first.id).stage == "working")
        assert toys.jobs.get(second.id).state is State.WAITING
        toys.jobs.cancel(first.id)
        until(lambda: toys.jobs.get(second.id).stage == "working")
        assert over(toys, first.id)
        toys.jobs.cancel(second.id)
        until(lambda: over(toys, second.id))


@ON_SQLITE
def test_a_job_for_which_there_is_never_enough_memory_fails(toys: Toys) -> None:
    job = toys.add(memory=2000)
    with at_work(toys, Bounds(1000, priority="normal")):
        until(lambda: over(toys, job.id))
    assert (toys.jobs.get(job.id).state, toys.jobs.get(job.id).code) == (
        State.FAILED,
        "too-large",
    )


@ON_SQLITE
def test_one_process_of_a_machine_does_the_jobs(toys: Toys) -> None:
    other = Duty(toys.folder / "jobs.lock")
    assert other.taken()
    job = toys.add()
    with at_work(toys) as runner:
        runner.wake()
        runner._stop.wait(1.2)
        assert toys.jobs.get(job.id).state is State.WAITING
        other.close()
        until(lambda: over(toys, job.id))


def test_two_machines_do_every_job_once(toys: Toys) -> None:
    made = [toys.add() for _ in range(5)]
    other = toys.runner(lock="other.lock")
    other.start()
    try:
        with at_work(toys):
            until(lambda: all(over(toys, job.id) for job in made))
    finally:
        other.stop()
    assert [toys.events(job) for job in made] == [1] * 5
    assert len(toys.ledger.find(kind=EventKind.PREDICTION)) == 5
    assert all(toys.jobs.get(job.id).attempts == 1 for job in made)
