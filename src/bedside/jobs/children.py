"""Children that wait for their next job with what they have loaded, for a while.

A network that was loaded once answers the next job at once. An idle child keeps its memory, which
counts for nobody: so there is at most one for each thing loaded, and not for long.
"""

from __future__ import annotations

import threading
import time

from bedside.jobs.child import Child
from bedside.jobs.errand import Errand
from bedside.store.workplace import Workplace


class Children:
    """The children of one worker; safe to use from many threads."""

    def __init__(self, priority: str, idle_seconds: float, place: Workplace) -> None:
        self._priority = priority
        self._idle_seconds = idle_seconds
        self._place = place
        self._idle: dict[str, tuple[Child, float]] = {}
        self._guard = threading.Lock()

    def for_errand(self, errand: Errand) -> Child:
        """Return a child for an errand: an idle one that did the same, or a new one."""
        with self._guard:
            found = self._idle.pop(errand.same, None)
            others = [self._idle.pop(name)[0] for name in list(self._idle)]
        for other in others:  # its memory is not counted, and may be needed now
            other.close()
        if found is not None and found[0].quiet:
            return found[0]
        if found is not None:
            found[0].close()
        return Child(errand.module, [self._priority], self._place)

    def give_back(self, errand: Errand, child: Child) -> None:
        """Keep a child that did its work and waits for more."""
        if child.alive:
            child.rest()
        with self._guard:
            before = self._idle.pop(errand.same, None)
            if self._idle_seconds > 0:
                self._idle[errand.same] = (child, time.monotonic())
                child = before[0] if before else child
                if before is None:
                    return
        child.close()

    def tidy(self) -> None:
        """End those that were idle for long."""
        with self._guard:
            over = time.monotonic() - self._idle_seconds
            old = [name for name, (_, since) in self._idle.items() if since < over]
            gone = [self._idle.pop(name)[0] for name in old]
        for child in gone:
            child.close()

    def close(self) -> None:
        """End all that are idle."""
        with self._guard:
            gone = [child for child, _ in self._idle.values()]
            self._idle.clear()
        for child in gone:
            child.close()
