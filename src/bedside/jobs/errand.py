"""What a worker asks of whoever knows the work: what the child is to be given, and what to record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from bedside.canonical import Json
from bedside.jobs.job import Held, Job, State

Fault: TypeAlias = Callable[[str], None]
"""Is told each point of a job's way at which a process may end; a test lets it end there."""

POINTS: Final = (
    "uploading",
    "uploaded",
    "added",
    "taken",
    "prepared",
    "sent",
    "heard",
    "file-sealed",
    "computed",
    "recording",
    "recorded",
)
"""Every such point, in its order."""


def nowhere(_point: str) -> None:
    """Let nothing end."""


class Over(Exception):
    """The job ends here without a result, for a reason that no further attempt would change.

    Attributes:
        state: How it ends.
        code: Why, in a word.
        outcome: What is kept of it, sealed under its subject key.
    """

    def __init__(self, state: State, code: str, outcome: bytes = b"") -> None:
        super().__init__(f"The job is {state.value}: {code}.")
        self.state = state
        self.code = code
        self.outcome = outcome


class Again(Exception):
    """The job is to be begun anew, and nobody is to blame: the world changed under it."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that came of a job, as it lies sealed on the disk.

    Attributes:
        name: What people call it, such as `mask.nii.gz`.
        media_type: Its type.
        size: Plain bytes.
        digest: `sha256:` and the digest of the plain bytes.
        file: Its name in the folder of jobs' files.
        key: What opens it.
        sealed: `sha256:` and the digest of the file as it lies there.
    """

    name: str
    media_type: str
    size: int
    digest: str
    file: str
    key: bytes
    sealed: str


@dataclass(frozen=True, slots=True)
class Errand:
    """What a child is to do.

    Attributes:
        module: What it runs, one of ours.
        same: Children of one name that are idle may do each other's work: what they have loaded.
        frames: All that it is told, as frames.
        context: What the trade needs to record what comes of it.
    """

    module: str
    same: str
    frames: Iterable[bytes]
    context: object = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What a child said of a job, and what it made."""

    said: dict[str, Json]
    files: tuple[KeptFile, ...]


class Trade(Protocol):
    """Whoever knows one kind of work; used by several threads at once."""

    def ready(self, job: Job) -> bool:
        """Return whether it can be begun now; one that cannot yet keeps nobody else's waiting."""
        ...

    def errand(self, job: Job) -> Errand:
        """Return what a child is to do.

        Raises:
            Over: nothing is to be done any more.
            Again: it cannot be begun now, and can be later.
        """
        ...

    def record(self, right: Held, job: Job, errand: Errand, heard: Heard) -> None:
        """Record what came of it, and end the job, in one transaction.

        Raises:
            JobLost: the job is no longer this worker's.
            Over: it ends without a result.
            Again: the world changed while it was computed.
        """
        ...
