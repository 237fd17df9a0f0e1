"""An end for work that cannot look at the clock itself: a network's loading and each of its runs.

A few small matrices, multiplied some thousand times, take hours; nothing in the file shows it. So
whoever starts such work says how to stop it and when, and one thread of the process, which sleeps
while nothing runs, stops what is late. To begin and end a watch takes half a microsecond.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import cache
from threading import Event, Lock, Thread
from typing import Final

LOOKS: Final = 0.1
"""Seconds between two looks at what runs."""


class Watch:
    """One piece of work that is to end in time.

    Attributes:
        late: Whether it was told to stop.
    """

    __slots__ = ("_stop", "_until", "late")

    def __init__(self, stop: Callable[[], object], until: float) -> None:
        """Tell the work to stop by `stop`, at `until` of the monotonic clock, in seconds."""
        self._stop = stop
        self._until = until
        self.late = False

    def look(self, now: float) -> None:
        """Tell the work to stop, once, if it is late at `now`."""
        if now > self._until and not self.late:
            self.late = True
            self._stop()


class Watchdog:
    """The thread that looks, and what it looks at. Safe to call from several threads."""

    __slots__ = ("_busy", "_lock", "_process", "_watched")

    def __init__(self) -> None:
        """Start no thread yet."""
        self._watched: set[Watch] = set()
        self._busy = Event()
        self._lock = Lock()
        self._process = 0

    def begin(self, stop: Callable[[], object], seconds: float) -> Watch:
        """Return a watch that calls `stop` in another thread after `seconds`, unless it ended."""
        if self._process != os.getpid():
            self._start()
        watch = Watch(stop, time.monotonic() + seconds)
        self._watched.add(watch)
        if not self._busy.is_set():
            self._busy.set()
        return watch

    def end(self, watch: Watch) -> None:
        """Forget a watch."""
        self._watched.discard(watch)

    def _start(self) -> None:
        """Start the thread, which does not survive a fork."""
        with self._lock:
            if self._process != os.getpid():
                self._watched, self._busy = set(), Event()
                Thread(target=self._look, name="bedside-deadline", daemon=True).start()
                self._process = os.getpid()

    def _look(self) -> None:
        while True:
            self._busy.wait()
            now = time.monotonic()
            for watch in list(self._watched):
                watch.look(now)
            time.sleep(LOOKS)
            self._busy.clear()
            if self._watched:  # one that began before `clear` saw the event set
                self._busy.set()


@cache  # one thread for all networks of a process
def watchdog() -> Watchdog:
    """Return the process's watchdog."""
    return Watchdog()
