"""The threads that take turns at the interpreter's lock, kept on one core while they get it.

The event loop, the thread that writes the ledger and the one that makes keys hold the interpreter's
lock one after the other, so two cores do not make them faster; on two they wake each other across
cores, with cold caches, some times for each group. Kept together they need about a fifth less
processor time (docs/decisions/0010). All other threads (pictures, networks, volumes) keep all cores.

A core is kept only while it is ours: the kernel tells how long the event loop was ready to run and did
not (`/proc/self/task/…/schedstat`, proc(5)). Where that becomes noticeable, all are let go, and try again
later, longer each time. A process that may use one core only, or no Linux, is left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Set
from pathlib import Path
from typing import Final

LOOK_SECONDS: Final = 1.0
"""How often it is looked how long the loop waited, and which threads there are."""

MOST_WAITED: Final = 0.5
"""Share of a second that the loop may be ready to run without running. Waiting for those that it takes
turns with is a part of it: a tenth of a second was exceeded by that alone, under full load."""

FIRST_PAUSE: Final = 10.0
LONGEST_PAUSE: Final = 600.0
"""Seconds until a core is kept again; twice as long each time it was not ours."""

TURNS: Final = ("ledger-group-commit", "subject-keys")
"""How the names of the threads begin that take turns with the event loop."""

_TASKS: Final = Path("/proc/self/task")
_TROUBLE: Final = (OSError, ValueError, IndexError)


class OneCore:
    """Keeps the threads of one event loop together; made and used in the loop's own thread.

    Attributes:
        core: The number of the core that is kept; None while there is none.
    """

    def __init__(self) -> None:
        self.core: int | None = None
        self._all: frozenset[int] = frozenset()
        self._own = threading.get_native_id()
        self._waited = 0
        self._pause = FIRST_PAUSE
        self._again = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin, where the process may use several cores; on the running loop."""
        if not hasattr(os, "sched_setaffinity") or not _TASKS.exists():
            return
        self._all = frozenset(os.sched_getaffinity(0))
        if len(self._all) > 1:
            self._look()

    def stop(self) -> None:
        """Let every thread use every core again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        with contextlib.suppress(*_TROUBLE):
            self._let_go()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._weigh(loop.time())
        except _TROUBLE:  # no file is left to read by, or the kernel tells nothing
            with contextlib.suppress(*_TROUBLE):
                self._let_go()
        self._timer = loop.call_later(LOOK_SECONDS, self._look)

    def _weigh(self, now: float) -> None:
        waited, before = _nanoseconds_waited(self._own), self._waited
        self._waited = waited
        if self.core is not None and waited - before > MOST_WAITED * LOOK_SECONDS * 1e9:
            self._let_go()
            self._again = now + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        elif self.core is not None or now >= self._again:
            self._keep()

    def _keep(self) -> None:
        """Keep the core on which the loop runs now, and see that nobody else is kept there."""
        core = _core_of(self._own) if self.core is None else self.core
        if core not in self._all:
            return
        self.core = core
        turns = {self._own, *_threads_of(TURNS)}
        for thread in map(int, os.listdir(_TASKS)):  # noqa: PTH208 - no path is needed
            if thread in turns:
                _may_use(thread, self._all, {core})
            else:  # the loop started it, so it began on the loop's core
                _may_use(thread, {core}, self._all)

    def _let_go(self) -> None:
        if self.core is not None:
            for thread in map(int, os.listdir(_TASKS)):  # noqa: PTH208 - no path is needed
                _may_use(thread, {self.core}, self._all)
            self.core = None


def _threads_of(names: tuple[str, ...]) -> set[int]:
    return {
        one.native_id
        for one in threading.enumerate()
        if one.name.startswith(names) and one.native_id is not None
    }


def _may_use(thread: int, before: Set[int], cores: Set[int]) -> None:
    """Let a thread use `cores` where it has those of `before`; any others somebody else gave it."""
    with contextlib.suppress(OSError):  # it has ended
        if os.sched_getaffinity(thread) == before:
            os.sched_setaffinity(thread, cores)


def _nanoseconds_waited(thread: int) -> int:
    """Return how long a thread was ready to run and did not, since it began.

    Source: Linux, Documentation/scheduler/sched-stats.rst, "/proc/<pid>/schedstat", the second number.

    Raises:
        OSError, ValueError, IndexError: the kernel does not tell.
    """
    return int((_TASKS / str(thread) / "schedstat").read_text().split()[1])


def _core_of(thread: int) -> int:
    """Return the core on which a thread ran last. Source: proc(5), stat, field 39."""
    fields = (_TASKS / str(thread) / "stat").read_text().rpartition(")")[2].split()
    return int(fields[36])
