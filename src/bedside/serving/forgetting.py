"""Drops from this process's memory the keys that another process destroyed.

A destroyed key is never used again, wherever it is remembered: each use looks the key up anew. This
sees to it that it does not stay in memory either, within seconds. What Python has freed is not
overwritten; it is gone for good when the process ends.
"""

from __future__ import annotations

import threading
from typing import Final

from bedside.errors import BedsideError
from bedside.keys.subjects import SubjectKeys
from bedside.ledger.ledger import Ledger
from bedside.people.currency import people_fence

LOOK_SECONDS: Final = 2.0
"""How often the fence is read that every erasure advances; one small query."""


class Forgetting:
    """One thread of one process; start it after a fork."""

    def __init__(self, ledger: Ledger, subject_keys: SubjectKeys) -> None:
        self._ledger = ledger
        self._subject_keys = subject_keys
        self._seen = -1
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look in a thread until `stop`."""
        self._thread = threading.Thread(target=self._look, name="bedside-forgetting", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def look(self) -> None:
        """Look once; where something may have been erased since the last look, drop what was.

        Raises:
            Unavailable: the database does not answer.
        """
        now = people_fence(self._ledger).value
        if now != self._seen:
            self._subject_keys.forget_destroyed()
            self._seen = now

    def _look(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self.look()
            except BedsideError:
                continue  # a database in trouble is told of elsewhere; the next look makes up for it
