"""One attempt at one job: the child is fed and heard, its files are sealed, its result is recorded."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import Final

from bedside.errors import BedsideError, KeyUnavailable, SiteProblem, Unavailable
from bedside.jobs.beating import Beating
from bedside.jobs.child import Child, ChildEnded
from bedside.jobs.errand import Again, Fault, Heard, Over, Trade
from bedside.jobs.folder import JobFiles
from bedside.jobs.frames import Frame, Garbled, read_words
from bedside.jobs.job import Held, Job, State, held
from bedside.jobs.jobs import JobLost, Jobs
from bedside.jobs.sealing import Sealing
from bedside.jobs.workshop import Workshop

LOG: Final = logging.getLogger("bedside.jobs")


class Stopped(Exception):
    """The service is being stopped."""


class Attempt:
    """How one attempt goes; one object for each."""

    def __init__(
        self, jobs: Jobs, trade: Trade, files: JobFiles, workshop: Workshop, at: Fault
    ) -> None:
        self._jobs = jobs
        self._trade = trade
        self._files = files
        self._workshop = workshop
        self._at = at

    def run(self, job: Job, stop: threading.Event) -> bool:
        """Do a job that was taken; whatever happens, its row says what is to become of it.

        Returns:
            Whether it should not be begun again at once: the site or its disk refused something.
        """
        right = held(job)
        try:
            with Beating(self._jobs, right) as beating:
                going_on = _GoingOn(beating, stop, self._workshop.bounds.seconds)
                recorded = self._tried(job, right, going_on)
            if not recorded:
                self._files.remove_results(job.id, right.attempt)
        except JobLost:
            self._files.remove_results(job.id, right.attempt)  # what another one made stays
            with suppress(Unavailable):
                self._jobs.excuse(right)
        except (Unavailable, SiteProblem) as problem:
            LOG.warning("job put off", extra={"facts": {"problem": problem.message}})
            # where its end was written after all, it is not ours; where nobody can write it down,
            # the lease gives it to the next one
            with suppress(Unavailable, JobLost):
                self._jobs.give_back(right, counts=False)
            return True
        return False

    def _tried(self, job: Job, right: Held, going_on: _GoingOn) -> bool:
        """Return whether a result was recorded; where none was, the row says what is to become of it.

        Raises:
            JobLost: the job is no longer ours.
            Unavailable: the database or the disk cannot be used now.
            SiteProblem: something of the site is not as it must be, which is no fault of the job.
        """
        try:
            self._done(job, right, going_on)
        except (Unavailable, SiteProblem, JobLost):
            raise
        except Over as over:
            self._jobs.end_held(right, over.state, over.code, over.outcome)
        except (Again, Stopped):
            self._jobs.give_back(right, counts=False)
        except ChildEnded as ended:
            self._say("job's child ended", job, str(ended.status))
            self._jobs.give_back(right, counts=True)
        except KeyUnavailable:
            self._jobs.end_held(right, State.FAILED, "erased")
        except BedsideError as problem:
            self._say("job failed", job, type(problem).__name__)
            self._jobs.end_held(right, State.FAILED, "failed")
        else:
            return True
        return False

    def _say(self, what: str, job: Job, why: str) -> None:
        LOG.warning(what, extra={"facts": {"about": job.about, "why": why}})

    def _done(self, job: Job, right: Held, going_on: _GoingOn) -> None:
        self._files.remove_results(job.id)  # of attempts that nobody came to tell of
        errand = self._trade.errand(job)
        self._at("prepared")
        with self._workshop.child(errand) as child:
            child.say(errand.frames, going_on)
            self._at("sent")
            heard = self._heard(child, Sealing(self._files, job.id, right.attempt), going_on)
            if heard.said.get("problem") == "memory":
                child.close()  # what it could not get may be missing in what it has loaded
        self._at("computed")
        self._trade.record(right, job, errand, heard)
        self._at("recorded")

    def _heard(self, child: Child, sealing: Sealing, going_on: _GoingOn) -> Heard:
        try:
            return self._listened(child, sealing, going_on)
        except BaseException:
            sealing.drop()
            raise

    def _listened(self, child: Child, sealing: Sealing, going_on: _GoingOn) -> Heard:
        for frame in child.hear():
            going_on()
            if frame is None:
                continue
            kind, payload = frame
            if kind is Frame.STAGE:
                going_on.beating.progress = _progress(payload)
                self._at("heard")
            elif kind is Frame.WORDS:
                return Heard(read_words(payload), tuple(sealing.files))
            elif sealing.take(kind, payload):
                self._at("file-sealed")
        raise Garbled("A child said nothing.")


class _GoingOn:
    """Asked between pieces: is anybody still waiting for this, and is it within its time?"""

    def __init__(self, beating: Beating, stop: threading.Event, seconds: float) -> None:
        self.beating = beating
        self._stop = stop
        self._until = time.monotonic() + seconds

    def __call__(self) -> None:
        if self._stop.is_set():
            raise Stopped("The service is being stopped.")
        if time.monotonic() > self._until:
            raise Over(State.FAILED, "took-too-long")
        self.beating.check()


def _progress(payload: bytes) -> tuple[str, int, int]:
    told = read_words(payload)
    stage, done, total = told.get("stage"), told.get("done"), told.get("total")
    if not (isinstance(stage, str) and type(done) is int and type(total) is int):
        raise Garbled("A child tells of a stage in no form that is known.")
    return stage[:40], max(0, done), max(0, total)
