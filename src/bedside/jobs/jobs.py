"""The table of jobs: every change of a job is one transaction, and whoever lost a job changes nothing.

What a worker may say of a job hangs on its `Held`: the row must still name it. A worker that was
thought dead and is not, or a second one, finds that it does not, and throws its work away.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Row, func, insert, select, update

from bedside.clock import Clock, is_id, timestamp
from bedside.errors import Conflict, NotFound, Unavailable
from bedside.jobs.errand import Over
from bedside.jobs.job import (
    UNFINISHED,
    Held,
    Job,
    State,
    can_be_taken,
    excused,
    given_up,
    held,
    next_of,
)
from bedside.jobs.tables import jobs
from bedside.store.database import Database
from bedside.store.statement import Statement

LOOKED_AT: Final = 500
"""Jobs that are read at once; of those that wait and can be begun, the next one is chosen among so many."""

_UNFINISHED: Final = Statement("SELECT 1 FROM jobs WHERE state IN ('waiting', 'running') LIMIT 1")
_SEALED: Final = ("request", "outcome")
_CLEAR: Final = tuple(column for column in jobs.c if column.name not in _SEALED)


Told: TypeAlias = Callable[[Connection, Job], None]
"""Hears of a job in the transaction that changes it."""


def _always(_job: Job) -> bool:
    return True


def _untold(_connection: Connection, _job: Job) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How jobs are kept apart and kept.

    Attributes:
        lease: How long a worker that is not heard of keeps its job.
        waiting: Most unfinished jobs of the site.
        waiting_of_one: Most unfinished jobs of one person.
    """

    lease: timedelta = timedelta(seconds=30)
    waiting: int = 1000
    waiting_of_one: int = 200


class JobLost(Conflict):
    """The job is no longer this worker's: cancelled, erased, or taken by another."""

    def __init__(self, right: Held) -> None:
        super().__init__(f"The job {right.job} is no longer held by {right.holder}.")


class Jobs:
    """The jobs of one site; safe to use from many threads and processes."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        terms: Terms | None = None,
        failed: Told = _untold,
    ) -> None:
        """Wire it.

        Args:
            database: Where the table is.
            clock: Tells the time.
            terms: How jobs are kept apart and kept.
            failed: Told, in the transaction that ends it, of each job of which nothing came.
        """
        self.database = database
        self.terms = terms or Terms()
        self._clock = clock
        self._failed = failed

    def add(self, connection: Connection, job: Job) -> None:
        """Add a waiting job in the caller's `database.write()`.

        Raises:
            Unavailable: as many wait as may.
        """
        unfinished = select(func.count()).where(jobs.c.state.in_(UNFINISHED))
        if connection.execute(unfinished).scalar_one() >= self.terms.waiting:
            raise Unavailable(
                f"{self.terms.waiting} jobs of this site are not finished.",
                advice="Send it again when some are.",
            )
        of_one = unfinished.where(jobs.c.person == job.person)
        if connection.execute(of_one).scalar_one() >= self.terms.waiting_of_one:
            raise Unavailable(
                f"{self.terms.waiting_of_one} of your jobs are not finished.",
                advice="Send it again when some are, or cancel some.",
            )
        connection.execute(insert(jobs).values(_columns(job)))

    def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            NotFound: there is none, or it was removed.
        """
        with self.database.read() as connection:
            return job_on(connection, job_id)

    def claimed(self, claim: str) -> Job | None:
        """Return the job that was added under a claim, or None."""
        with self.database.read() as connection:
            return claimed_on(connection, claim)

    def list(self, person: str | None, state: State | None, most: int) -> tuple[Job, ...]:
        """Return the latest jobs, without what is sealed of them.

        Args:
            person: Whose; None for everybody's.
            state: In which state; None for any.
            most: How many.
        """
        query = select(*_CLEAR).order_by(jobs.c.id.desc()).limit(most)
        if person is not None:
            query = query.where(jobs.c.person == person)
        if state is not None:
            query = query.where(jobs.c.state == state)
        with self.database.read() as connection:
            return tuple(_read(row) for row in connection.execute(query))

    def count(self) -> dict[State, int]:
        """Return how many jobs stand in each state."""
        query = select(jobs.c.state, func.count()).group_by(jobs.c.state)
        with self.database.read() as connection:
            found = {State(state): int(count) for state, count in connection.execute(query)}
        return {state: found.get(state, 0) for state in State}

    def any_unfinished(self) -> bool:
        """Return whether there is a job that waits or runs; one small query on the driver."""
        return bool(self.database.ask(_UNFINISHED))

    def next(
        self, ours: Collection[str] = (), ready: Callable[[Job], bool] = _always
    ) -> Job | None:
        """Return the job that is to be begun next, or None; it is nobody's yet.

        Args:
            ours: Ids of those that this process works on: however late it is to say so, it does.
            ready: Whether a job can be begun now; one that cannot is passed by others.
        """
        now = timestamp(self._clock())
        with self.database.read() as connection:
            running = _found(connection, State.RUNNING)
            waiting = _ready(connection, ready)
        lost = [job for job in running if job.id not in ours and can_be_taken(job, now)]
        free = [*waiting, *filter(ready, lost)]
        return next_of(free, [job for job in running if job not in lost])

    def take(self, job: Job, holder: str) -> Job | None:
        """Begin a job, and return it as it stands now; None where somebody else was faster.

        One that was begun too often fails instead.
        """
        now = self._clock()
        with self.database.write() as connection:
            found = _job(connection, job.id)
            if found is None or not can_be_taken(found, timestamp(now)):
                return None
            why = "cancelled" if found.cancelled else given_up(found)
            if why:
                state = State.CANCELLED if found.cancelled else State.FAILED
                self._end(connection, found, state, why)
                return None
            until, attempt = timestamp(now + self.terms.lease), found.attempts + 1
            taken = replace(
                _begun(found, State.RUNNING), attempts=attempt, holder=holder, held_until=until
            )
            _put(connection, taken)
        return taken

    def beat(self, right: Held, stage: str, done: int, total: int) -> bool:
        """Say that a job is being worked on, and how far it is; return whether to go on.

        Raises:
            JobLost: it is no longer this worker's.
        """
        with self.database.write() as connection:
            job = self._mine(connection, right)
            until = timestamp(self._clock() + self.terms.lease)
            told = {"stage": stage, "done": done, "total": total, "held_until": until}
            connection.execute(update(jobs).where(jobs.c.id == job.id).values(told))
        return not job.cancelled

    @contextmanager
    def ending(self, right: Held) -> Iterator[tuple[Connection, Job]]:
        """Give the transaction in which a job's result is recorded: all of it stands, or nothing.

        The block ends the job by `end`.

        Raises:
            JobLost: it is no longer this worker's; nothing was written.
            Over: somebody cancelled it; nothing was written.
        """
        with self.database.write() as connection:
            job = self._mine(connection, right)
            if job.cancelled:
                raise Over(State.CANCELLED, "cancelled")
            yield connection, job

    def end(
        self, connection: Connection, job: Job, state: State, code: str = "", outcome: bytes = b""
    ) -> Job:
        """End a job in the caller's `database.write()`."""
        return self._end(connection, job, state, code, outcome)

    def end_held(self, right: Held, state: State, code: str, outcome: bytes = b"") -> Job:
        """End a job in a transaction of its own.

        Raises:
            JobLost: it is no longer this worker's.
        """
        with self.database.write() as connection:
            job = self._mine(connection, right)
            if job.cancelled:
                state, code, outcome = State.CANCELLED, "cancelled", b""
            return self._end(connection, job, state, code, outcome)

    def give_back(self, right: Held, *, counts: bool) -> None:
        """Let a job wait again, unless it was cancelled; an attempt that is nobody's fault does not count.

        Raises:
            JobLost: it is no longer this worker's.
        """
        with self.database.write() as connection:
            job = self._mine(connection, right)
            if job.cancelled:
                self._end(connection, job, State.CANCELLED, "cancelled")
                return
            if not counts:
                job = replace(job, attempts=job.attempts - 1, restarts=job.restarts + 1)
            if why := given_up(job):
                self._end(connection, job, State.FAILED, why)
                return
            _put(connection, replace(_begun(job, State.WAITING), holder="", held_until=""))

    def declare(self, right: Held, memory: int) -> None:
        """Say that a job takes more memory than was known when it was added.

        Raises:
            JobLost: it is no longer this worker's.
        """
        with self.database.write() as connection:
            _put(connection, replace(self._mine(connection, right), memory=memory))

    def excuse(self, right: Held) -> None:
        """Say that an attempt was late and not ended, after another worker took the job over."""
        with self.database.write() as connection:
            job = _job(connection, right.job)
            if job is not None and (after := excused(job, right)) != job:
                _put(connection, after)

    def cancel(self, job_id: str) -> Job:
        """Let a job end, in a transaction of its own; see `cancel_on`."""
        with self.database.write() as connection:
            return self.cancel_on(connection, job_id)[0]

    def cancel_on(self, connection: Connection, job_id: str) -> tuple[Job, bool]:
        """Let a job end: at once where it waits, soon where it runs; return whether that is new.

        Raises:
            NotFound: there is no such job.
            Conflict: it is over otherwise.
        """
        job = job_on(connection, job_id)
        if job.state is State.CANCELLED or job.cancelled:
            return job, False
        if not job.unfinished:
            raise Conflict(f"{job_id} is {job.state.value}; it cannot be cancelled any more.")
        job = replace(job, cancelled=True)
        if job.state is State.WAITING:
            return self._end(connection, job, State.CANCELLED, "cancelled"), True
        _put(connection, job)
        return job, True

    def _mine(self, connection: Connection, right: Held) -> Job:
        job = _job(connection, right.job)
        if job is None or job.state is not State.RUNNING or held(job) != right:
            raise JobLost(right)
        return job

    def _end(
        self, connection: Connection, job: Job, state: State, code: str, outcome: bytes = b""
    ) -> Job:
        ended = replace(
            job,
            state=state,
            code=code,
            holder="",
            held_until="",
            ended_at=timestamp(self._clock()),
            outcome=outcome or None,
        )
        _put(connection, ended)
        if state is State.FAILED:
            self._failed(connection, ended)
        return ended


def job_on(connection: Connection, job_id: str) -> Job:
    """Return a job on a connection.

    Raises:
        NotFound: there is none, or it was removed.
    """
    found = _job(connection, job_id) if is_id(job_id) else None
    if found is None:
        raise NotFound(
            f"There is no job {job_id[:60]!r}.",
            advice="Use the id that came with the answer; what is over is removed after a time.",
        )
    return found


def claimed_on(connection: Connection, claim: str) -> Job | None:
    """Return the job that was added under a claim, or None."""
    row = connection.execute(select(jobs).where(jobs.c.claim == claim)).one_or_none()
    return None if row is None else _read(row)


def _job(connection: Connection, job_id: str) -> Job | None:
    if not is_id(job_id):  # it may be no text that a database takes
        return None
    row = connection.execute(select(jobs).where(jobs.c.id == job_id)).one_or_none()
    return None if row is None else _read(row)


def _found(connection: Connection, state: State, after: str = "") -> list[Job]:
    """Return the oldest jobs in a state behind the id `after`, without what is sealed of them."""
    query = select(*_CLEAR).where(jobs.c.state == state).order_by(jobs.c.id).limit(LOOKED_AT)
    return [_read(row) for row in connection.execute(query.where(jobs.c.id > after))]


def _ready(connection: Connection, ready: Callable[[Job], bool]) -> list[Job]:
    """Return waiting jobs that can be begun; those that cannot hide none behind them."""
    page = _found(connection, State.WAITING)
    found = list(filter(ready, page))
    while len(page) == LOOKED_AT and len(found) < LOOKED_AT:
        page = _found(connection, State.WAITING, page[-1].id)
        found += filter(ready, page)
    return found


def _begun(job: Job, state: State) -> Job:
    return replace(job, state=state, stage="", done=0, total=0)


def _put(connection: Connection, job: Job) -> None:
    connection.execute(update(jobs).where(jobs.c.id == job.id).values(_columns(job)))


def _columns(job: Job) -> dict[str, Any]:
    told = {name: getattr(job, name) for name in job.__slots__}
    return told | {"state": job.state.value, "cancelled": int(job.cancelled)}


def _read(row: Row[Any]) -> Job:
    told = row._mapping
    values: dict[str, Any] = {name: told.get(name) for name in Job.__slots__}
    outcome = told.get("outcome")
    return Job(
        **values
        | {
            "state": State(told["state"]),
            "cancelled": bool(told["cancelled"]),
            "request": bytes(told.get("request") or b""),
            "outcome": None if outcome is None else bytes(outcome),
        }
    )
