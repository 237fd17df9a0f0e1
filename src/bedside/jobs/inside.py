"""The child's side: in no hurry, gone with its parent, and heard through one pipe only.

What libraries print to the standard output would garble the frames; it goes to the standard error.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from types import MappingProxyType
from typing import BinaryIO, Final, TypeAlias

from bedside.canonical import Json
from bedside.errors import BedsideError
from bedside.jobs.frames import Frame, read_frame, read_words, spell_file, spell_json

NICE: Final[Mapping[str, int]] = MappingProxyType({"idle": 19, "low": 10, "normal": 0})
"""What a priority adds to the niceness; `idle` besides takes only what nobody else wants (SCHED_IDLE)."""

EXPENDABLE: Final = "1000"
"""To the kernel that looks for whom to end when memory runs out: us first (proc(5), oom_score_adj)."""

PARENT_GONE: Final = 3
_AHEAD: Final = 64
"""Frames that are read before the work asks for them: 16 MiB of a file."""

_OF_FILES: Final = frozenset({Frame.FILE, Frame.PIECE, Frame.END})

MEMORY_MARGIN: Final = 1.25
"""What is declared is an estimate; so much of it is allowed."""

MEMORY_BESIDE: Final = 512 * 2**20
"""And so much besides: stacks of threads, and what an allocator keeps, are counted though unused."""

MOST_WRITTEN: Final = 2**30
"""Bytes of any file that it writes, its own words among them: a library may put down a volume."""

OUT_OF_MEMORY: Final = "The job took more memory than it may."
MORE_MEMORY: Final = "Send a smaller volume; or let whoever froze the model look at what it needs."

Given: TypeAlias = Iterator[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Made:
    """A file that came of a job."""

    name: str
    media_type: str
    data: bytes


class Voice:
    """What the child says to its worker."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._guard = threading.Lock()

    def stage(self, stage: str, done: int, total: int) -> None:
        """Say how far the work is."""
        self._say(spell_json(Frame.STAGE, {"stage": stage, "done": done, "total": total}))

    def file(self, made: Made) -> None:
        """Hand over a file."""
        for part in spell_file({"name": made.name, "media_type": made.media_type}, made.data):
            self._say(part)

    def words(self, value: dict[str, Json]) -> None:
        """Say what came of it; the last thing that is said of a job."""
        self._say(spell_json(Frame.WORDS, value))

    def _say(self, data: bytes) -> None:
        with self._guard:
            self._stream.write(data)
            self._stream.flush()


Work: TypeAlias = Callable[[dict[str, Json], Given, Voice], dict[str, Json]]
"""From what is asked and the files given to what came of it; files are handed over on the way."""


def serve(work: Work) -> None:
    """Do each job that comes over the standard input, until it ends."""
    voice = _voice()
    be_humble(sys.argv[1] if sys.argv[1:] else "idle")
    coming: Queue[tuple[Frame, bytes]] = Queue(_AHEAD)
    threading.Thread(target=_listen, args=(sys.stdin.buffer, coming), daemon=True).start()
    while True:
        kind, payload = coming.get()
        if kind is not Frame.WORDS:
            raise SystemExit(2)
        given = _Coming(coming)
        try:
            asked = read_words(payload)
            bound_memory(asked.get("memory"))
            told = work(asked, given.files(), voice)
        except BedsideError as problem:
            told = refusal_told(problem)
        except MemoryError:
            told = {"problem": "memory", "message": OUT_OF_MEMORY, "advice": MORE_MEMORY}
        given.finish()  # what it did not look at is not to be taken for the next job
        voice.words(told)


def bound_memory(declared: Json) -> None:
    """Let this process have no more memory than was declared of the job, and a margin.

    What is beyond is refused to whoever asks for it (a MemoryError, or the library's own error), so
    that a job that takes more than it may ends by itself, with a reason, before the machine runs out.

    Args:
        declared: Bytes; None for no bound.

    Source: setrlimit(2), RLIMIT_DATA: all private memory that can be written (since Linux 4.7).
    The address space (RLIMIT_AS) would not do: threads and arenas reserve far more than they use.
    """
    most = resource.RLIM_INFINITY
    if declared is not None:
        most = int(int(declared) * MEMORY_MARGIN) + MEMORY_BESIDE
    with suppress(ValueError, OSError):  # a lower bound was set from outside
        resource.setrlimit(
            resource.RLIMIT_DATA, (most, resource.getrlimit(resource.RLIMIT_DATA)[1])
        )


def refusal_told(problem: BedsideError) -> dict[str, Json]:
    """Return an error of ours as words."""
    return {
        "problem": type(problem).__name__,
        "message": problem.message,
        "advice": problem.advice,
    }


def be_humble(priority: str) -> None:
    """Let others go first on the processor, and be the first to go when memory runs out.

    Args:
        priority: One of `NICE`.

    Source: sched(7), SCHED_IDLE; proc(5), oom_score_adj.
    """
    with suppress(OSError):
        os.nice(NICE[priority])
    _leave_group(priority)
    if priority == "idle" and hasattr(os, "SCHED_IDLE"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(EXPENDABLE, encoding="ascii")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold the patient's picture
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))


def _leave_group(priority: str) -> None:
    """Be scheduled apart from the service, with as little weight as the priority says.

    Linux may give each session a share of the processor of its own, within which alone niceness counts
    (sched(7), "The autogroup feature"): beside us the service would pay for what we use.
    """
    own = Path("/proc/self/autogroup")
    if not own.exists():
        return
    with suppress(OSError):
        os.setsid()
        own.write_text(str(NICE[priority]), encoding="ascii")


def _voice() -> Voice:
    """Keep the pipe to the worker for ourselves, and send what others print elsewhere."""
    own = os.dup(1)
    os.dup2(2, 1)
    return Voice(os.fdopen(own, "wb"))


def _listen(source: BinaryIO, coming: Queue[tuple[Frame, bytes]]) -> None:
    try:
        while (frame := read_frame(source)) is not None:
            coming.put(frame)
    finally:  # at the end, and where it was cut off: whoever wanted the work is gone
        os._exit(PARENT_GONE)


class _Coming:
    """The files of one job, as they come; whatever of them was not looked at can be passed over."""

    def __init__(self, coming: Queue[tuple[Frame, bytes]]) -> None:
        self._coming = coming
        self._over = False

    def files(self) -> Given:
        """Yield name and bytes of each file that belongs to this job."""
        name, data = "", bytearray()
        while (frame := self._next()) is not None:
            kind, payload = frame
            if kind is Frame.FILE:
                name, data = str(read_words(payload).get("name", "")), bytearray()
            elif kind is Frame.PIECE:
                data += payload
            else:
                yield name, bytes(data)
                data = bytearray()

    def finish(self) -> None:
        """Pass over what is left of this job."""
        while self._next() is not None:
            continue

    def _next(self) -> tuple[Frame, bytes] | None:
        """Return the next frame of a file, or None once there is none."""
        if self._over:
            return None
        kind, payload = self._coming.get()
        if kind is Frame.LAST:
            self._over = True
            return None
        if kind not in _OF_FILES:
            raise SystemExit(2)
        return kind, payload
