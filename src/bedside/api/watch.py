"""Whether the service can record: told by /readyz and the log, and asked again until it can.

A database in trouble is probed once a second by a thread, so that the service says that it is well
again though nobody sends it anything, as a load balancer does not that reads /readyz.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Final

from bedside.api.journal import FAULTS, STATE, tell
from bedside.errors import BedsideError, Unavailable
from bedside.store.database import Database
from bedside.store.probe import probe

LOOK_SECONDS: Final = 0.2
"""How often the thread looks whether a write failed; that asks nobody."""

PROBE_SECONDS: Final = 1.0
"""How often a database in trouble is probed."""


class DatabaseWatch:
    """The condition of the databases of one site."""

    def __init__(self, databases: Sequence[Database]) -> None:
        self._databases = tuple(databases)
        self._since: dict[Database, float] = {}
        self._probed: dict[Database, float] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def trouble(self) -> Unavailable | None:
        """Why nothing can be recorded now, or None where nobody knows a reason."""
        for database in self._databases:
            if (trouble := database.condition.trouble) is not None:
                return trouble
        return None

    def start(self) -> None:
        """Look in a thread until `stop`."""
        self._thread = threading.Thread(target=self._watch, name="bedside-databases", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a probe that is under way is not waited for."""
        self._stop.set()

    def look(self) -> None:
        """Look once: tell what is new, and probe what is in trouble."""
        for database in self._databases:
            trouble = database.condition.trouble
            if trouble is None:
                continue
            now = time.monotonic()
            if database not in self._since:
                self._since[database] = now
                tell(STATE, logging.ERROR, "cannot record", reason=str(trouble))
            if now - self._probed.get(database, -PROBE_SECONDS) >= PROBE_SECONDS:
                self._probe(database)
                self._probed[database] = time.monotonic()

    def _probe(self, database: Database) -> None:
        try:
            probe(database)
        except BedsideError as problem:
            if not isinstance(problem, Unavailable):  # such as damage: that is a trouble too
                database.condition.failed(Unavailable(problem.message, advice=problem.advice))
            return
        except Exception as fault:  # noqa: BLE001 - told, and probed again: it hides no other database
            FAULTS.log(logging.ERROR, "unforeseen", exc_info=fault)
            return
        seconds = round(time.monotonic() - self._since.pop(database), 1)
        tell(STATE, logging.WARNING, "records again", database=database.name, after_seconds=seconds)

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self.look()
            except Exception as fault:  # noqa: BLE001 - told, and looked again: nobody else would
                FAULTS.log(logging.ERROR, "unforeseen", exc_info=fault)
