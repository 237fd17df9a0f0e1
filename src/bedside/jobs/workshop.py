"""What work takes of one machine: memory that is counted, processes, and a place for them.

Jobs are not all that is done here: a package's golden cases are replayed by a process of the same
kind before anybody is answered. Both are counted together.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bedside.store.duty import Duty
from bedside.store.workplace import Workplace

if TYPE_CHECKING:  # a service that has no job yet is spared what does one
    from bedside.jobs.child import Child
    from bedside.jobs.children import Children
    from bedside.jobs.errand import Errand


PROBE_BYTES: Final = 64 * 1024
"""That a disk must have room for before a job is begun."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What work may take of this machine.

    Attributes:
        memory: Bytes, all together.
        at_once: How many processes work.
        priority: Of these on the processor.
        idle_seconds: How long one without work keeps what it has loaded.
        seconds: Longest time for one piece of work: a library that hangs would keep its place for ever.
    """

    memory: int
    at_once: int = 2
    priority: str = "idle"
    idle_seconds: float = 60.0
    seconds: float = 4 * 3600.0


class Workshop:
    """The processes of one of ours, and what they take; safe to use from many threads.

    Attributes:
        bounds: What they may take.
        duty: Which process of this machine works: so that one keeps count of the memory.
        place: Where they may write.
    """

    def __init__(self, bounds: Bounds, duty: Duty, place: Workplace) -> None:
        self.bounds = bounds
        self.duty = duty
        self.place = place
        self._taken: list[int] = []
        self._children: Children | None = None
        self._guard = threading.Lock()

    def reserve(self, memory: int) -> bool:
        """Return whether so many bytes can be had now, for one process; then they are counted."""
        with self._guard:
            fits = sum(self._taken) + memory <= self.bounds.memory
            if not fits or len(self._taken) >= self.bounds.at_once:
                return False
            self._taken.append(memory)
            return True

    def release(self, memory: int) -> None:
        """Give back what was reserved."""
        with self._guard:
            self._taken.remove(memory)

    def check_place(self) -> None:
        """Check that a child would have a place to write to.

        Raises:
            Unavailable: the disk refuses, or is full.
            SiteProblem: others may write to the place.
        """
        self.place.remove(self.place.new(PROBE_BYTES))

    @contextmanager
    def child(self, errand: Errand) -> Iterator[Child]:
        """Give a child for an errand; it is kept for the next one, unless the block raises.

        Raises:
            Unavailable: the disk refuses it a place.
        """
        children = self._made()
        child = children.for_errand(errand)
        try:
            yield child
        except BaseException:
            child.close()
            raise
        children.give_back(errand, child)

    def tidy(self) -> None:
        """End the processes that were idle for long."""
        if self._children is not None:
            self._children.tidy()

    def close(self) -> None:
        """End those that are idle, and leave the duty to others; whoever works still goes on."""
        if self._children is not None:
            self._children.close()
        self.duty.close()
        with self._guard:
            busy = bool(self._taken)
        if not busy:
            self.place.close()

    def _made(self) -> Children:
        from bedside.jobs.children import Children  # noqa: PLC0415 - see above

        with self._guard:
            if self._children is None:
                bounds = self.bounds
                self._children = Children(bounds.priority, bounds.idle_seconds, self.place)
            return self._children
