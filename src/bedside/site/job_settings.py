"""`[jobs]` of `site.toml`: what long analyses may take, and how long their files are kept."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from bedside.jobs.jobs import Terms
from bedside.jobs.keeping import Times
from bedside.jobs.memory import jobs_memory
from bedside.jobs.uploads import Room
from bedside.jobs.workshop import Bounds
from bedside.package.fields import Frozen
from bedside.runtime.engines.engine import Engines


class JobSettings(Frozen):
    """What long analyses may take, and how long their files are kept.

    Attributes:
        memory_bytes: What all jobs of one machine together may take; without it half of the
            machine's memory, or of the container's.
        at_once: Jobs that run at once on one machine, as far as the memory allows.
        priority: Of their processes. `idle` gets what nobody else wants of the processor, `low` a
            little more, `normal` as much as the service.
        idle_seconds: How long a process without work keeps the network that it has loaded.
        upload_bytes: Largest upload, all its files together.
        upload_files: Most files of one upload.
        uploads_bytes: Most bytes of all uploads that are kept at a time.
        uploads_bytes_of_one: Most of those that one person sent; without it half of them.
        free_bytes: So much of their disk stays free: uploads are refused before it is less.
        upload_hours: How long an upload is kept that came for several analyses; one that an
            unfinished job needs, longer. One that came with its analysis goes when that is over.
        result_days: How long a job and the files that came of it are kept after it ended. What
            the ledger holds of it stays.
        waiting: Most unfinished jobs of the site.
        waiting_of_one: Most unfinished jobs of one person.
        lease_seconds: After how long without a word of its worker a job is taken up by another.
        most_minutes: Longest time for one attempt at a job.
        weights: Folder of weights that no package holds, an absolute path (`bedside antspynet`).
        antspynet_python: The interpreter in whose environment antspynet is, an absolute path; left
            out, it is the service's own.
    """

    memory_bytes: Annotated[int, Field(ge=2**26, le=2**50)] | None = None
    at_once: Annotated[int, Field(ge=1, le=256)] = 2
    priority: Literal["idle", "low", "normal"] = "idle"
    idle_seconds: Annotated[int, Field(ge=0, le=86_400)] = 60
    upload_bytes: Annotated[int, Field(ge=1024, le=2**34)] = 512 * 2**20
    upload_files: Annotated[int, Field(ge=1, le=65_536)] = 4_096
    uploads_bytes: Annotated[int, Field(ge=1024, le=2**50)] = 64 * 2**30
    uploads_bytes_of_one: Annotated[int, Field(ge=1024, le=2**50)] | None = None
    free_bytes: Annotated[int, Field(ge=0, le=2**50)] = 2**30
    upload_hours: Annotated[float, Field(ge=0, le=87_600)] = 24
    result_days: Annotated[float, Field(ge=0.01, le=3_650)] = 30
    waiting: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    waiting_of_one: Annotated[int, Field(ge=1, le=100_000)] = 200
    lease_seconds: Annotated[int, Field(ge=5, le=3_600)] = 30
    most_minutes: Annotated[float, Field(ge=0.1, le=10_080)] = 240
    weights: Annotated[str, Field(pattern=r"^/", max_length=4096)] | None = None
    antspynet_python: Annotated[str, Field(pattern=r"^/", max_length=4096)] | None = None

    @property
    def terms(self) -> Terms:
        """How jobs are kept apart."""
        return Terms(timedelta(seconds=self.lease_seconds), self.waiting, self.waiting_of_one)

    @property
    def room(self) -> Room:
        """How many bytes of uploads are kept at a time."""
        of_one = self.uploads_bytes_of_one or self.uploads_bytes // 2
        return Room(self.uploads_bytes, min(of_one, self.uploads_bytes))

    @property
    def times(self) -> Times:
        """How long uploads and results are kept."""
        return Times(timedelta(hours=self.upload_hours), timedelta(days=self.result_days))

    @property
    def bounds(self) -> Bounds:
        """What jobs may take of this machine."""
        memory = jobs_memory(self.memory_bytes)
        return Bounds(
            memory,
            self.at_once,
            self.priority,
            float(self.idle_seconds),
            self.most_minutes * 60,
        )

    @property
    def engines(self) -> Engines:
        """What this machine has beside ONNX Runtime: weights that no package holds, a library."""
        return Engines(_path(self.weights), _path(self.antspynet_python))


def _path(named: str | None) -> Path | None:
    return None if named is None else Path(named)


def job_lines(settings: JobSettings) -> list[str]:
    """Return `[jobs]` as lines of TOML; nothing where nothing is set."""
    told = settings.model_dump(mode="json", exclude_defaults=True)
    if not told:
        return []
    lines = [f"{name} = {json.dumps(value)}" for name, value in told.items()]
    return ["", "# Long analyses: docs/how-to/analyse-volumes.md.", "[jobs]", *lines]
