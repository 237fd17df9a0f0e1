"""Why an analysis ended without a result, in words: of every code that a job's row may have."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bedside.jobs.job import Job
from bedside.serving.analysis_words import Outcome

_AGAIN: Final = "Send it again if it is still wanted."
_MACHINE: Final = "Look at the machine's memory and at the service's log."

ENDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "another-version": ("The version that was asked for does not answer any more.", _AGAIN),
        "cancelled": ("Whoever may do so cancelled it.", _AGAIN),
        "cannot-be-analysed": ("What was sent cannot be analysed by this model.", ""),
        "ended-repeatedly": ("The process that analysed it ended several times.", _MACHINE),
        "erased": (
            "What was sent is about somebody who was erased.",
            "It cannot be read any more.",
        ),
        "failed": ("It failed for a reason that the service's log tells.", _AGAIN),
        "input-refused": ("The gate refused the input.", "See every reason of it."),
        "memory": ("It took more memory than there was.", _MACHINE),
        "no-model": ("No version answers.", "Ask an operator which one is to be released."),
        "not-permitted": ("Whoever asked may not ask any more.", "Ask an administrator."),
        "restarted-too-often": (
            "It was begun anew too often: the service was stopped, versions were released, or the disk "
            "refused something.",
            _AGAIN,
        ),
        "too-large": (
            "This machine never has the memory that it may take.",
            "Use a machine with more memory, or allow more: memory_bytes in [jobs].",
        ),
        "took-too-long": (
            "It took longer than this site lets one analysis take.",
            "Send a smaller volume, or ask whoever runs the site: most_minutes in [jobs].",
        ),
        "upload-damaged": ("What was sent is damaged where it was kept.", "Send it again."),
        "upload-gone": ("What was sent is not here any more.", "Send it again."),
    }
)
"""By code: what is told where the job's outcome holds no words of its own, and the next step."""


def words_of(job: Job, outcome: Outcome | None) -> tuple[str, str]:
    """Return why nothing came of a job, and the next step; of one that is done, or goes on, nothing."""
    message, advice = ENDS.get(job.code, (job.code, ""))
    if outcome is not None and outcome.message:
        return outcome.message, outcome.advice
    return message, advice
