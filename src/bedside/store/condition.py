"""Whether a database can be written to, as far as its last writers know.

A write that fails says so to its caller; this is for everybody else who asks how the service
stands. Only a probe ends a trouble: a transaction that happened to write nothing proves nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from bedside.errors import Unavailable

ROOM_BYTES: Final = 1024 * 1024
"""What must be free on the disk of a SQLite database before a trouble is over: an append is larger
than the probe, and the service should not say twice a second that it is well again."""


class Condition:
    """The condition of one database; safe to use from many threads."""

    def __init__(self) -> None:
        self._trouble: Unavailable | None = None

    @property
    def trouble(self) -> Unavailable | None:
        """Why the last write failed, or None where it did not, or a probe succeeded since."""
        return self._trouble

    def failed(self, problem: Unavailable) -> None:
        """Keep why a write failed, without the places it came through."""
        self._trouble = Unavailable(problem.message, advice=problem.advice)

    def mended(self) -> None:
        """Forget the trouble: a probe has just written."""
        self._trouble = None


def refuse_without_room(database: str, path: Path) -> None:
    """Do nothing when the disk under a SQLite file has room for another append.

    Raises:
        Unavailable: less than `ROOM_BYTES` are free.
    """
    found = os.statvfs(path.parent)
    free = found.f_bavail * found.f_frsize
    if free < ROOM_BYTES:
        raise Unavailable(
            f"{database} cannot answer now: its disk is full ({free} bytes are free).",
            advice=f"Free at least {ROOM_BYTES // 2**20} MiB there; the service then goes on by itself.",
        )
