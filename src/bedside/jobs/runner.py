"""Whoever does the jobs of a site: one process of each machine, one thread and one child for each job.

A worker says every second that it is at work, and how far. When its process ends, however it ends,
the children end with it, and after the lease another takes the jobs up. A worker that could not say
so in time, on a machine that is too busy, is no other one: it never takes up what it works on. What
a job leaves behind is recorded in the transaction that ends it, so that there is one result, or none.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bedside.clock import new_id
from bedside.errors import SiteProblem, Unavailable
from bedside.jobs.errand import Fault, Trade, nowhere
from bedside.jobs.folder import JobFiles
from bedside.jobs.job import Job, State, held
from bedside.jobs.jobs import Jobs
from bedside.jobs.keeping import Keeping
from bedside.jobs.workshop import Workshop

if TYPE_CHECKING:  # a service that has no job yet is spared what does one
    from bedside.jobs.attempt import Attempt

LOG: Final = logging.getLogger("bedside.jobs")

LOOK_SECONDS: Final = 0.5
"""How often it looks for the next job while there is one."""

IDLE_LOOK_SECONDS: Final = 2.0
"""How often it looks while there is none, unless somebody of this process tells it of one."""

TROUBLE_SECONDS: Final = 5.0
"""When it looks again after something that nobody foresaw."""

LONGEST_TROUBLE_SECONDS: Final = 600.0
"""A job that is put off again and again waits twice as long each time, up to this."""

TIDY_SECONDS: Final = 60.0
"""How often it removes what is kept no longer."""

STOP_SECONDS: Final = 20.0
"""How long `stop` waits for the threads; each ends its child at once and gives its job back."""


class _NoPlace(Exception):
    """There is no place in which a child could work."""


class Runner:
    """The worker of one process; start it after a fork."""

    def __init__(
        self,
        jobs: Jobs,
        keeping: Keeping,
        trade: Trade,
        workshop: Workshop,
        at: Fault = nowhere,
    ) -> None:
        self._jobs = jobs
        self._keeping = keeping
        self._trade = trade
        self._workshop = workshop
        self._at = at
        self._holder = new_id()
        self._running: dict[threading.Thread, Job] = {}
        self._put_off: dict[str, float] = {}  # until when (monotonic seconds), by the job's id
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._tidy_at = 0.0
        self._told = ""  # why there was no place for jobs when it was looked last

    @property
    def files(self) -> JobFiles:
        """Return where the files of jobs are."""
        return self._keeping.files

    def start(self) -> None:
        """Begin to look for jobs; where another process of this machine does, wait for its end."""
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="bedside-jobs", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End every child, give its job back, and look no more."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        until = time.monotonic() + STOP_SECONDS
        for thread in list(self._running):
            thread.join(max(0.0, until - time.monotonic()))
        self._workshop.close()

    def wake(self) -> None:
        """Look at once: there is a job."""
        self._wake.set()

    def _run(self) -> None:
        wait = LOOK_SECONDS
        self._workshop.place.sweep()  # what killed workers left may be a patient's
        while not self._stop.is_set():
            self._wake.wait(wait)
            self._wake.clear()
            if self._stop.is_set() or not self._workshop.duty.taken():
                continue
            try:
                wait = self._looked()
            except Unavailable:
                wait = IDLE_LOOK_SECONDS  # the database is told of elsewhere; it is looked again
            except _NoPlace as none:
                if str(none) != self._told:
                    LOG.warning("no place for jobs", extra={"facts": {"problem": str(none)}})
                self._told, wait = str(none), TROUBLE_SECONDS
            except Exception as problem:  # noqa: BLE001 - told, and looked again: nobody else would
                facts = {"problem": type(problem).__name__}
                LOG.error("jobs", extra={"facts": facts})  # noqa: TRY400 - it may tell of a person
                wait = TROUBLE_SECONDS

    def _looked(self) -> float:
        """Begin what can be begun, remove what is over, and return when to look again, in seconds."""
        busy = self._jobs.any_unfinished()
        try:
            while busy and not self._stop.is_set() and self._begun_one():
                pass
        finally:  # which may make the room that there is not
            self._workshop.tidy()
            if time.monotonic() > self._tidy_at:
                self._tidy_at = time.monotonic() + TIDY_SECONDS
                self._keeping.tidy()
        self._told = ""
        return LOOK_SECONDS if busy else IDLE_LOOK_SECONDS

    def _begun_one(self) -> bool:
        """Begin the next job, and return whether there may be another one to begin.

        Raises:
            Unavailable: the database does not answer.
            _NoPlace: nothing can be worked on; no job is taken for that.
        """
        with self._guard:
            ours = {job.id for job in self._running.values()}
        job = self._jobs.next(ours, self._ready)
        if job is None:
            return False
        try:
            self._workshop.check_place()
        except (Unavailable, SiteProblem) as problem:
            raise _NoPlace(f"{problem.message} {problem.advice}") from problem
        impossible = job.memory > self._workshop.bounds.memory
        if not impossible and not self._workshop.reserve(job.memory):
            return False
        mine = None
        try:
            mine = self._jobs.take(job, self._holder)
        finally:
            if mine is None and not impossible:
                self._workshop.release(job.memory)
        if mine is None:
            return True
        if impossible:
            self._jobs.end_held(held(mine), State.FAILED, "too-large")
            return True
        self._at("taken")
        # as was reserved: where more is declared by now, the trade finds so, and declares it again
        self._begin(replace(mine, memory=job.memory))
        return True

    def _ready(self, job: Job) -> bool:
        """Return whether a job can be begun now, and is not put off."""
        if time.monotonic() < self._put_off.get(job.id, 0.0):
            return False
        self._put_off.pop(job.id, None)
        return self._trade.ready(job)

    def _begin(self, job: Job) -> None:
        from bedside.jobs.attempt import Attempt  # noqa: PLC0415 - see above

        attempt = Attempt(self._jobs, self._trade, self._keeping.files, self._workshop, self._at)
        thread = threading.Thread(
            target=self._do, args=(attempt, job), name=f"bedside-job-{job.id}", daemon=True
        )
        with self._guard:
            self._running[thread] = job
        thread.start()

    def _do(self, attempt: Attempt, job: Job) -> None:
        try:
            if attempt.run(job, self._stop):
                pause = min(TROUBLE_SECONDS * 2.0**job.restarts, LONGEST_TROUBLE_SECONDS)
                self._put_off[job.id] = time.monotonic() + pause
        except Exception as problem:  # noqa: BLE001 - told; the lease gives the job to the next one
            facts = {"about": job.about, "problem": type(problem).__name__}
            LOG.error("job", extra={"facts": facts})  # noqa: TRY400 - a trace may tell of a person
        finally:
            self._workshop.release(job.memory)
            with self._guard:
                self._running.pop(threading.current_thread(), None)
            self._wake.set()
