"""The many by a site: each volume a durable job of it, recorded, so many under way at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from bedside.canonical import Json
from bedside.errors import BedsideError, LimitExceeded, NotFound, UsageError, VolumeRefused
from bedside.jobs.job import Job, State
from bedside.jobs.task import Finished, Heard, Step, Task, unread
from bedside.people.person import Caller
from bedside.serving.analysing import LOOK_SECONDS, Analysing, Told
from bedside.serving.analysis_ends import words_of
from bedside.serving.analysis_words import Order
from bedside.serving.released import Loaded

OF_ONE: Final = (LimitExceeded, NotFound, UsageError, VolumeRefused, OSError)
"""What is wrong with one volume, and not with all of them."""


class Recorded:
    """Workers that are the jobs of a site."""

    def __init__(
        self, analysing: Analysing, caller: Caller, loaded: Loaded, order: Order, at_once: int
    ) -> None:
        """Wire it.

        Args:
            analysing: Of the site.
            caller: Who asks.
            loaded: What is released; with the order's version, no other answers.
            order: What is said of every volume.
            at_once: Most jobs that are under way.
        """
        self._analysing = analysing
        self._caller = caller
        self._loaded = loaded
        self._order = order
        self._at_once = at_once

    def run(self, tasks: Iterable[Task]) -> Iterator[Heard]:
        """Yield what is heard; see `Workers.run`. What is under way when it ends is cancelled."""
        waiting, under_way = iter(tasks), dict[str, Task]()
        self._analysing.runner.start()
        try:
            while True:
                yield from self._begun(waiting, under_way)
                if not under_way:
                    return
                time.sleep(LOOK_SECONDS)
                for job_id, task in list(under_way.items()):
                    told = self._analysing.told(self._caller, job_id)
                    if told.job.unfinished:
                        yield _step(task.name, told.job)
                        continue
                    found = self._finished(task.name, told)
                    del under_way[job_id]
                    yield found
        finally:
            for job_id in under_way:
                with suppress(BedsideError):  # it may be over by now
                    self._analysing.cancel(self._caller, job_id)

    def _begun(self, waiting: Iterator[Task], under_way: dict[str, Task]) -> Iterator[Finished]:
        """Bring as many to the site as may be under way; yield those that cannot be read."""
        while len(under_way) < self._at_once and (task := next(waiting, None)) is not None:
            try:
                under_way[self._submitted(task).id] = task
            except OF_ONE as problem:
                yield unread(task.name, problem)

    def _submitted(self, task: Task) -> Job:
        with self._analysing.submitting.receiving(self._caller) as received:
            for name, data in task.files():
                received.begin(name)
                received.add(data)
                received.end()
            job, _ = self._analysing.submit(self._caller, self._loaded, self._order, received)
        return job

    def _finished(self, name: str, told: Told) -> Finished:
        """Return what came of a job, with its files."""
        job, outcome = told.job, told.outcome
        if job.state is State.DONE and outcome is not None:
            files = {}
            for one in outcome.files:
                _, pieces = self._analysing.result(self._caller, job.id, one.name)
                files[one.name] = b"".join(pieces)
            return Finished(name, {"answer": outcome.answer, "id": job.id}, files)
        message, advice = words_of(job, outcome)
        said: dict[str, Json] = {
            "problem": "InputRefused"
            if job.state is State.REFUSED
            else job.code or job.state.value,
            "message": message,
            "advice": advice,
        }
        if outcome is not None and outcome.refusals:
            said["refusals"] = [dict(one) for one in outcome.refusals]
        return Finished(name, said | {"id": job.id}, {})


def _step(name: str, job: Job) -> Step:
    return Step(name, job.stage or job.state.value, job.done, job.total)
