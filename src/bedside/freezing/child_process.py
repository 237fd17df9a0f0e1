"""The process apart: how it is started, what it may use, and how its words come back."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from bedside.errors import BedsideError, FreezeRefused, LimitExceeded, NotFound, UsageError
from bedside.freezing.circumstances import Tell
from bedside.freezing.job import Job

SECONDS = 1_800
"""Longest time for a freeze: forests of a thousand trees need a minute, hundreds of films some more."""

MEMORY = 24 * 2**30
"""Largest address space of the child, in bytes; NumPy, PyTorch and ONNX Runtime reserve several GiB."""

LEAST_MEMORY = 12 * 2**30
"""What they reserve and an ordinary model, in bytes; most of it is never touched."""

FILE_BYTES = 2 * 2**30
"""Largest file that the child may write."""

LOOKS = 0.1
"""Seconds between two looks at what the child does."""


def run_job(job: Job, tell: Tell) -> None:
    """Let the child do `job`; its answer then lies where the job says.

    Raises:
        UsageError, FreezeRefused: what the child refused.
        LimitExceeded: it took too long.
    """
    folder = Path(job.folder)
    job.write(folder / "job.json")
    command = [sys.executable, "-I", "-m", "bedside.freezing.isolated_child"]
    with (folder / "words").open("wb") as words:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
            [*command, str(folder / "job.json")],
            cwd=folder,
            env=_environment(folder),
            preexec_fn=_limit,  # noqa: PLW1509 - the limits must hold before the child imports
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
        )
        try:
            _wait(child, job, tell)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    if job.error.is_file():
        raise _told(job.error)
    if child.returncode != 0 or not job.answer.is_file():
        last = (folder / "words").read_bytes()[-4_000:].decode("utf-8", "replace")
        lines = last.strip().splitlines()[-1:] or ["nothing"]
        raise FreezeRefused(
            f"The process that reads the model ended with {child.returncode}; its last words: "
            f"{lines[0][:500]}",
            advice="Check that the file is a whole model of a kind that can be frozen.",
        )


def _wait(child: subprocess.Popen[bytes], job: Job, tell: Tell) -> None:
    """Wait for the child to end, and tell its steps as they begin."""
    until, heard = time.monotonic() + SECONDS, 0
    while child.poll() is None:
        if time.monotonic() > until:
            raise LimitExceeded(
                f"Freezing took longer than {SECONDS} s and was stopped.",
                advice="Use fewer comparison rows (comparison.data_rows), or a smaller model.",
            )
        steps = job.steps.read_text(encoding="utf-8").splitlines() if job.steps.exists() else []
        for step in steps[heard:]:
            tell(step)
        heard = len(steps)
        time.sleep(LOOKS)


def _told(errors: Path) -> BedsideError:
    """Return the error that the child wrote down."""
    told = json.loads(errors.read_text(encoding="utf-8"))
    message, advice = str(told["message"]), str(told["advice"])
    kinds = {"UsageError": UsageError, "NotFound": NotFound, "LimitExceeded": LimitExceeded}
    return kinds.get(told["kind"], FreezeRefused)(message, advice=advice)


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment without the parent's secrets: only what Python needs."""
    kept = {
        name: os.environ[name]
        for name in ("PATH", "LANG", "LC_ALL", "SOURCE_DATE_EPOCH")
        if name in os.environ
    }
    own = {"HOME": str(folder), "TMPDIR": str(folder), "OMP_NUM_THREADS": "1"}
    return {**kept, **own, "CUDA_VISIBLE_DEVICES": ""}  # answers are those of the CPU


def address_space(physical: int) -> int:
    """Return the child's largest address space on a machine with `physical` bytes of memory.

    Three quarters of the machine's memory, so that a model which swells is stopped before the
    machine is; within `LEAST_MEMORY` and `MEMORY`.
    """
    return min(MEMORY, max(LEAST_MEMORY, physical * 3 // 4))


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    memory = address_space(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
