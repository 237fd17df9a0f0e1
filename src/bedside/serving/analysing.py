"""The use case of long analyses: a volume comes, a durable job is made of it, its answer is fetched.

permission → released version → upload, sealed as it comes → a job, durable before it is confirmed
  → a worker's child (`analysis_child`) → the answer recorded, with its job ended (`analysis_trade`)

The job's id is the prediction's: decision and trace find the answer as they find any other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from bedside.errors import Conflict, KeyUnavailable, NotFound, PermissionRefused, Unavailable
from bedside.jobs.errand import Fault, KeptFile, nowhere
from bedside.jobs.folder import JobFiles
from bedside.jobs.job import Job, State
from bedside.jobs.keeping import Keeping, Times
from bedside.jobs.runner import Runner
from bedside.jobs.workshop import Workshop
from bedside.ledger.fences import FenceMoved
from bedside.people.permissions import Action, allowed, roles_for
from bedside.people.person import Caller
from bedside.serving.analysis_trade import AnalysisTrade, Rooms, Stores
from bedside.serving.analysis_words import Order, Outcome
from bedside.serving.outcomes import TRIES
from bedside.serving.reading import reference, trace_read_draft
from bedside.serving.released import Loaded
from bedside.serving.submitting import Limits, Source, Submitting

_LOOKING: Final = (*roles_for(Action.PREDICT), *roles_for(Action.JOBS_MANAGE))

LOOK_SECONDS: Final = 0.2
"""How often `wait` looks at a job."""


@dataclass(frozen=True, slots=True)
class Told:
    """A job as it stands, and what came of it.

    Attributes:
        job: Its row.
        outcome: What came of it; None before it is over, or where nothing came of it.
    """

    job: Job
    outcome: Outcome | None


class Analysing:
    """The analyses of one site; safe to use from many threads.

    Attributes:
        runner: Does the jobs; a service starts it.
        keeping: Removes what is over.
        submitting: Makes jobs of volumes.
    """

    def __init__(
        self,
        rooms: Rooms,
        stores: Stores,
        limits: Limits,
        work: tuple[Workshop, Times],
        secret: bytes,
        at: Fault = nowhere,
    ) -> None:
        """Wire it.

        Args:
            rooms: Of the site.
            stores: Where jobs and files are.
            limits: What uploads and jobs may take.
            work: What does the jobs, and how long files are kept.
            secret: 32 bytes; claims are digests under them.
            at: Where a test lets the process end.
        """
        workshop, times = work
        self._rooms = rooms
        self._stores = stores
        self.keeping = Keeping(stores.jobs, stores.uploads, stores.files, times, rooms.clock)
        self.submitting = Submitting(rooms, stores, limits, self.keeping, secret, at)
        trade = AnalysisTrade(rooms, stores, at)
        self.runner = Runner(stores.jobs, self.keeping, trade, workshop, at)

    @property
    def files(self) -> JobFiles:
        """Return where the files are."""
        return self._stores.files

    def submit(
        self, caller: Caller, loaded: Loaded, order: Order, source: Source, once: str | None = None
    ) -> tuple[Job, bool]:
        """Return the job of an analysis, and whether it was there before; see `Submitting.submit`."""
        job, repeated = self.submitting.submit(caller, loaded, order, source, once)
        self.runner.wake()
        return job, repeated

    def told(self, caller: Caller, job_id: str) -> Told:
        """Return how an analysis stands, and what came of it.

        Raises:
            NotFound: there is none, or it was removed.
            PermissionRefused: it is somebody else's, and the caller may not read of patients.
            Conflict: its subject was erased.
        """
        job = self._job(job_id)
        self._permitted(caller, job, read=job.outcome is not None)
        return self._opened(job)

    def result(self, caller: Caller, job_id: str, name: str) -> tuple[KeptFile, Iterator[bytes]]:
        """Return a file that came of an analysis: what it is, and its bytes as they are asked for.

        Raises:
            NotFound: there is no such analysis, or no such file of it.
            PermissionRefused: it is somebody else's, and the caller may not read of patients.
            Conflict: its subject was erased.
        """
        job = self._job(job_id)
        self._permitted(caller, job, read=True)
        outcome = self._opened(job).outcome
        for one in outcome.files if outcome else ():
            if one.name == name:
                return one, self._stores.files.reading(one.file, one.key)
        raise NotFound(
            f"The analysis {job_id} has no file {name[:60]!r}; it is {job.state.value}.",
            advice="Its files are there once it is done.",
        )

    def cancel(self, caller: Caller, job_id: str) -> Job:
        """Let an analysis end without an answer; twice is the same.

        That it was cancelled, and by whom, is recorded in the same transaction.

        Raises:
            NotFound: there is none, or it was removed.
            PermissionRefused: it is somebody else's, and the caller does not manage jobs; recorded.
            Conflict: it is over.
        """
        from bedside.serving.analysis_record import (  # noqa: PLC0415 - a service may never need it
            ended_draft,
        )

        action = self._action(caller, self._job(job_id))
        with self._rooms.people.acting(caller, action, reference(job_id)) as connection:
            job, new = self._stores.jobs.cancel_on(connection, job_id)
            if new:
                draft = ended_draft(job, self._rooms.subject_keys, caller)
                self._rooms.ledger.append(connection, [draft])
        self.runner.wake()
        return job

    def look(self, caller: Caller, job_id: str) -> Job:
        """Return an analysis as it stands; nothing of what was asked, or came of it, is opened.

        Raises:
            NotFound: there is none, or it was removed.
            PermissionRefused: it is somebody else's, and the caller does not manage jobs; recorded.
        """
        job = self._job(job_id)
        self._rooms.people.require(caller, self._action(caller, job), reference(job_id))
        return job

    def list(self, caller: Caller, state: State | None, most: int) -> tuple[Job, ...]:
        """Return the latest analyses, as `look` does: everybody's for who manages jobs, else the caller's.

        Raises:
            PermissionRefused: the caller neither manages jobs nor asks for analyses; recorded.
        """
        manages = allowed(caller.person.roles, Action.JOBS_MANAGE)
        try:
            self._rooms.people.require(caller, Action.JOBS_MANAGE if manages else Action.PREDICT)
        except PermissionRefused as refused:
            refused.advice = f"Those who may are: {', '.join(_LOOKING)}."
            raise
        return self._stores.jobs.list(None if manages else caller.person.id, state, most)

    def wait(self, job_id: str, tell: Callable[[Job], None]) -> Job:
        """Return an analysis once it is over; `tell` hears of it in between, and may raise."""
        while (job := self._stores.jobs.get(job_id)).unfinished:
            tell(job)
            time.sleep(LOOK_SECONDS)
        return job

    def _action(self, caller: Caller, job: Job) -> Action:
        """Return what the caller does who sees to a job: their own, or another's."""
        return Action.PREDICT if job.person == caller.person.id else Action.JOBS_MANAGE

    def count(self) -> dict[State, int]:
        """Return how many analyses stand in each state."""
        return self._stores.jobs.count()

    def _job(self, job_id: str) -> Job:
        try:
            return self._stores.jobs.get(job_id)
        except NotFound as none:
            raise NotFound(f"There is no analysis {job_id[:60]!r}.", advice=none.advice) from none

    def _permitted(self, caller: Caller, job: Job, *, read: bool) -> None:
        """Check that the caller may see a job; that somebody else reads what came of it is recorded.

        Raises:
            PermissionRefused: they may not; recorded.
        """
        people = self._rooms.people
        if caller.person.id == job.person:
            people.current(caller, Action.PREDICT, reference(job.id))
            return
        caller = people.current(caller, Action.SUBJECT_READ, reference(job.id))
        for _ in range(TRIES):
            try:
                if read:
                    self._rooms.ledger.record(trace_read_draft(caller, job.id, subject=True))
            except FenceMoved:
                caller = people.renewed(caller, Action.SUBJECT_READ, reference(job.id))
            else:
                return
        raise Unavailable("People of this site kept changing.", advice="Send the request again.")

    def _opened(self, job: Job) -> Told:
        if job.outcome is None:
            return Told(job, None)
        try:
            key = self._rooms.subject_keys.get(job.key_id)
        except KeyUnavailable as gone:
            raise Conflict(
                f"The subject of the analysis {job.id} was erased.",
                advice="Nothing personal of it is left.",
            ) from gone
        return Told(job, Outcome.open(key, job.id, job.outcome))
