"""What a job is, and the rules of its life: pure, over frozen values.

waiting ──▶ running ──▶ done         its result is recorded, in the same transaction
   ▲           │ ├────▶ refused      what it was given is not what it works on
   └───────────┘ ├────▶ failed       it ended several times, or cannot be done
 stopped, died,  └────▶ cancelled    by who asked; also while it waits
 or a release came
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

MOST_ATTEMPTS: Final = 3
"""Attempts that may end without a word, as by a machine that fails, before a job is given up: it may
be the job that makes them end."""

MOST_RESTARTS: Final = 20
"""Restarts that are nobody's fault: the service was stopped, or another version was released."""


class State(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED: Final = frozenset({State.WAITING, State.RUNNING})


@dataclass(frozen=True, slots=True)
class Job:
    """One job as its row tells it.

    Attributes:
        id: A UUID, version 7.
        kind: What is done, such as `analysis`.
        about: What does it, such as a model's name.
        person: Id of who asked.
        key_id: Of the subject key under which request, outcome and files are sealed.
        upload: Id of what it works on.
        created_at: RFC 3339, UTC.
        request: Sealed: what was asked.
        memory: Bytes that it may take.
        claim: By which a repeat of the request is known; None where nobody wants that.
        state: Where it stands.
        stage: What is being done, in a word; empty before.
        done: Steps of that stage that are done.
        total: Steps that there are; 0 where nobody knows.
        attempts: Begun, this one included, as far as they count.
        restarts: Begun and not counted.
        cancelled: Whether somebody wants it to end.
        holder: Who works on it; empty: nobody.
        held_until: RFC 3339, UTC; after that somebody else may.
        ended_at: The same; empty before.
        code: Why it ended as it did; empty before, and where it is done.
        outcome: Sealed: what came of it; None before.
    """

    id: str
    kind: str
    about: str
    person: str
    key_id: str
    upload: str
    created_at: str
    request: bytes
    memory: int
    claim: str | None = None
    state: State = State.WAITING
    stage: str = ""
    done: int = 0
    total: int = 0
    attempts: int = 0
    restarts: int = 0
    cancelled: bool = False
    holder: str = ""
    held_until: str = ""
    ended_at: str = ""
    code: str = ""
    outcome: bytes | None = None

    @property
    def unfinished(self) -> bool:
        """Whether something is still to be done."""
        return self.state in UNFINISHED


@dataclass(frozen=True, slots=True)
class Held:
    """The right to work on a job, and to say what came of it: nobody else has the same.

    Attributes:
        job: Its id.
        holder: Who has it.
        attempt: Which attempt this is, restarts counted.
    """

    job: str
    holder: str
    attempt: int


def held(job: Job) -> Held:
    """Return the right that a running job's row gives to its holder."""
    return Held(job.id, job.holder, job.attempts + job.restarts)


def can_be_taken(job: Job, now: str) -> bool:
    """Return whether somebody may begin it at `now` (RFC 3339, UTC)."""
    lost = job.state is State.RUNNING and job.held_until < now
    return job.state is State.WAITING or lost


def given_up(job: Job) -> str:
    """Return why no further attempt is made, in a word; empty where one may be."""
    if job.attempts >= MOST_ATTEMPTS:
        return "ended-repeatedly"
    return "restarted-too-often" if job.restarts >= MOST_RESTARTS else ""


def next_of(waiting: Sequence[Job], running: Iterable[Job]) -> Job | None:
    """Return which job is next: of who has fewest running, and of those the oldest.

    So nobody's hundred jobs keep another person's one waiting for all of them. The next job is never
    passed by a smaller one: it would wait for ever.
    """
    busy = Counter(job.person for job in running)
    return min(waiting, key=lambda job: (busy[job.person], job.id), default=None)


def excused(job: Job, right: Held) -> Job:
    """Return a job after the attempt of `right` turned out to have been late, and not to have ended.

    Its worker lives, so the job did not end it; whoever took the job up meanwhile goes on.
    """
    taken_over = held(job).attempt > right.attempt and job.attempts > 1
    if not (job.unfinished and taken_over):
        return job
    return replace(job, attempts=job.attempts - 1, restarts=job.restarts + 1)
