"""That a job is worked on, said every second by a thread of its own, whatever the work is busy with.

A child that starts, a pipe that takes nothing and a package that is opened would each keep whoever
works from saying so in time, and another worker would take the job up.
"""

from __future__ import annotations

import logging
import threading
from typing import Final, Self

from bedside.errors import BedsideError, Unavailable
from bedside.jobs.errand import Over
from bedside.jobs.job import Held, State
from bedside.jobs.jobs import Jobs

LOG: Final = logging.getLogger("bedside.jobs")

BEAT_SECONDS: Final = 1.0
"""How often a worker says that it is at work, and how far; a small durable write."""


class Beating:
    """Says it for one attempt, while the block goes on.

    Attributes:
        progress: Stage, and how many of how many steps of it are done; what is said with it.
    """

    def __init__(self, jobs: Jobs, right: Held) -> None:
        self.progress = ("", 0, 0)
        self._jobs = jobs
        self._right = right
        self._told: Exception | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="bedside-beat", daemon=True)

    def check(self) -> None:
        """Go on, unless there is a reason not to.

        Raises:
            Over: somebody cancelled the job.
            JobLost: it is no longer this worker's.
            BedsideError: the row cannot be written, for a reason that will not pass.
        """
        if self._told is not None:
            raise self._told

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._end.set()
        self._thread.join()

    def _beat(self) -> None:
        surprised = False
        while not self._end.wait(BEAT_SECONDS):
            try:
                if not self._jobs.beat(self._right, *self.progress):
                    self._told = Over(State.CANCELLED, "cancelled")
                    return
            except Unavailable:
                continue  # the database may come back before the lease is over
            except BedsideError as problem:
                self._told = problem
                return
            except Exception as problem:  # noqa: BLE001 - told once; else the lease would be lost
                if not surprised:
                    facts = {"problem": type(problem).__name__}
                    LOG.warning("job's beat failed", extra={"facts": facts})
                surprised = True
