"""Keys made ahead, for predictions that name no person: no prediction waits for a durable write."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

SPARE_KEYS = 256
"""Keys kept ahead by a process that is seldom asked: one durable write for so many of them."""

MOST_SPARE_KEYS = 4096
"""Keys kept ahead in a rush: more than a second of it."""

RUSH_SECONDS = 2.0
REST_SECONDS = 60.0
"""Keys that last less than the one are a rush, and twice as many are made; more than the other, half."""

T = TypeVar("T")


class Spares(Generic[T]):
    """A store of keys that fills itself up by a thread of its own; safe to use from many threads.

    How many it keeps ahead follows how fast they are taken. Keys that were made and never used are
    lost with the process; they mean nothing.
    """

    def __init__(
        self, make: Callable[[int], list[T]], tick: Callable[[], float] = time.monotonic
    ) -> None:
        """Keep what `make(count)` returns, which makes so many keys durable.

        `tick` tells seconds that never run backwards.
        """
        self._make = make
        self._tick = tick
        self._kept: deque[T] = deque()
        self._ahead = SPARE_KEYS
        self._filled = tick()
        self._guard = threading.Lock()
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="subject-keys")  # starts at need
        self._refill: Future[None] | None = None
        self._closed = False

    def take(self, count: int) -> list[T]:
        """Return as many keys, from memory as far as they reach.

        Raises:
            Unavailable: they do not reach, and the database cannot answer.
        """
        with self._guard:
            kept = self._kept
            taken = [kept.popleft() for _ in range(min(count, len(kept)))]
            if taken and len(kept) < self._ahead:
                self._start()
        if len(taken) < count:
            made = self._make(count - len(taken) + SPARE_KEYS)
            taken += made[SPARE_KEYS:]
            with self._guard:
                self._kept.extend(made[:SPARE_KEYS])
        return taken

    def at_hand(self, count: int) -> list[T] | None:
        """Return as many keys from memory, or None where they do not reach; no database is asked."""
        with self._guard:
            kept = self._kept
            reach = len(kept) >= count
            taken = [kept.popleft() for _ in range(count)] if reach else None
            if len(kept) < self._ahead:
                self._start()
        return taken

    def settle(self, seconds: float) -> None:
        """Wait until no key is being made.

        Raises:
            TimeoutError: they are being made still after so many seconds.
        """
        refill = self._refill
        if refill is not None:
            refill.exception(seconds)

    def close(self) -> None:
        """Make no more, and forget those that were made."""
        with self._guard:
            self._closed = True
        self._maker.shutdown()
        with self._guard:
            self._kept.clear()

    def _start(self) -> None:
        idle = self._refill is None or self._refill.done()
        if idle and not self._closed:
            # one that failed is no loss: who finds nothing spare meets the same problem
            self._refill = self._maker.submit(self._fill)

    def _fill(self) -> None:
        lasted = self._tick() - self._filled
        if lasted < RUSH_SECONDS:
            self._ahead = min(2 * self._ahead, MOST_SPARE_KEYS)
        elif lasted > REST_SECONDS:
            self._ahead = max(self._ahead // 2, SPARE_KEYS)
        made = self._make(self._ahead)
        with self._guard:
            self._kept.extend(made)
        self._filled = self._tick()
