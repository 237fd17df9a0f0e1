"""The rules of a job's life, without a database."""

from __future__ import annotations

from bedside.jobs.job import (
    MOST_ATTEMPTS,
    MOST_RESTARTS,
    Job,
    State,
    can_be_taken,
    excused,
    given_up,
    held,
    next_of,
)
from tests.jobs.toy import changed, waiting_job

NOW = "2026-11-21T08:00:00.000000Z"
LATER = "2026-11-21T08:00:30.000000Z"


def job(number: int = 1, **changes: object) -> Job:
    return changed(waiting_job(f"job-{number}", "key", "upload", b"", NOW), **changes)


def test_a_waiting_job_can_be_taken_and_a_running_one_once_it_is_lost() -> None:
    assert can_be_taken(job(), NOW)
    running = job(state=State.RUNNING, held_until=LATER)
    assert not can_be_taken(running, NOW)
    assert can_be_taken(running, "2026-11-21T08:00:30.000001Z")
    over = [State.DONE, State.REFUSED, State.FAILED, State.CANCELLED]
    assert not any(can_be_taken(job(state=state), LATER) for state in over)


def test_attempts_that_count_have_an_end_and_so_have_restarts() -> None:
    assert given_up(job(attempts=MOST_ATTEMPTS - 1, restarts=MOST_RESTARTS - 1)) == ""
    assert given_up(job(attempts=MOST_ATTEMPTS)) == "ended-repeatedly"
    assert given_up(job(restarts=MOST_RESTARTS)) == "restarted-too-often"


def test_the_next_job_is_the_oldest_of_who_has_fewest_running() -> None:
    running = [job(9, person="ada")]
    waiting = [job(1, person="ada"), job(2, person="ben"), job(3, person="ben")]
    chosen = next_of(waiting, running)
    assert chosen is not None
    assert chosen.id == "job-2"
    assert next_of([], running) is None


def test_an_attempt_that_was_late_and_not_ended_does_not_count() -> None:
    late = job(state=State.RUNNING, holder="one", attempts=1)
    taken_over = changed(late, holder="two", attempts=2)
    after = excused(taken_over, held(late))
    assert (after.attempts, after.restarts) == (1, 1)
    assert held(after) == held(taken_over)  # whoever has it now keeps it
    assert excused(late, held(late)) == late  # nobody took it over
    failed = changed(taken_over, state=State.FAILED)
    assert excused(failed, held(late)) == failed


def test_each_attempt_gives_another_right() -> None:
    first = job(state=State.RUNNING, holder="one", attempts=1)
    assert held(first) != held(changed(first, attempts=2))
    assert held(first) != held(changed(first, restarts=1))
    assert held(first) != held(changed(first, holder="two"))
