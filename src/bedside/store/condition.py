"""Whether a database can be written to, as far as its last writers know.

A write that fails says so to its caller; this is for everybody else who asks how the service
stands. Only a probe ends a trouble: a transaction that happened to write nothing proves nothing.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from bedside.errors import Unavailable
from bedside.store.failures import CommitUnknown

ROOM_BYTES: Final = 1024 * 1024
"""What must be free on the disk of a SQLite database before a trouble is over: an append is larger
than the probe, and the service should not say twice a second that it is well again."""


SLOW_SECONDS: Final = 10.0
"""A write that takes longer than this is a trouble by itself: whoever waits for it waits in vain."""


class Condition:
    """The condition of one database; safe to use from many threads."""

    def __init__(self, database: str) -> None:
        """Begin without trouble; `database` is its address without the password, for messages."""
        self._database = database
        self._trouble: Unavailable | None = None
        self._writing: float | None = None

    @property
    def trouble(self) -> Unavailable | None:
        """Why the last write failed, or none comes to its end; None where writes go well.

        A failure stays until a probe has written.
        """
        begun = self._writing
        if self._trouble is not None or begun is None:
            return self._trouble
        seconds = time.monotonic() - begun
        return self._slow(seconds) if seconds > SLOW_SECONDS else None

    def begun(self) -> None:
        """Note that somebody begins to write; nobody else does until `ended`."""
        self._writing = time.monotonic()

    def ended(self) -> None:
        """Note that they are done."""
        self._writing = None

    def failed(self, problem: Unavailable) -> None:
        """Keep why a write failed, without the places it came through."""
        advice = problem.advice
        if isinstance(problem, CommitUnknown):  # whose advice is for the one whose commit it was
            advice = "Look at its disk, its server or the network; the service goes on by itself."
        self._trouble = Unavailable(problem.message, advice=advice)

    def mended(self) -> None:
        """Forget the trouble: a probe has just written."""
        self._trouble = None

    def _slow(self, seconds: float) -> Unavailable:
        return Unavailable(
            f"{self._database} cannot answer now: a write has been under way for {seconds:.0f} s.",
            advice="Its disk or its server hangs, or the network to it; the service goes on by itself.",
        )


def refuse_without_room(database: str, path: Path) -> None:
    """Do nothing when the disk under a SQLite file has room for another append.

    Raises:
        Unavailable: less than `ROOM_BYTES` are free, or the disk cannot be asked, such as one that
            is gone.
    """
    try:
        found = os.statvfs(path.parent)
    except OSError as problem:
        raise Unavailable(
            f"{database} cannot answer now: its disk cannot be asked ({problem.strerror}).",
            advice="Look whether it is mounted and sound; the service goes on by itself.",
        ) from problem
    free = found.f_bavail * found.f_frsize
    if free < ROOM_BYTES:
        raise Unavailable(
            f"{database} cannot answer now: its disk is full ({free} bytes are free).",
            advice=f"Free at least {ROOM_BYTES // 2**20} MiB there; the service then goes on by itself.",
        )
