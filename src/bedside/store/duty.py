"""What one process of a machine does for all of them: whoever holds a lock on a file does it.

The operating system lets go of the lock when its holder ends, however it ends, so that another one
takes the duty over. Processes on other machines are not seen: a duty must bear being done once on
each.
"""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path


class Duty:
    """One duty of one process; safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        """Compete for the lock on the file at `path`, which is made where it is missing."""
        self._path = path
        self._handle: int | None = None
        self._guard = threading.Lock()

    def taken(self) -> bool:
        """Return whether the duty is this process's, taking it if nobody has it; it never waits.

        Where the file cannot be made, as on a disk that is full or read-only, it is nobody's.
        """
        with self._guard:
            if self._handle is None:
                self._handle = self._locked()
            return self._handle is not None

    def close(self) -> None:
        """Leave the duty to others."""
        with self._guard:
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None

    def _locked(self) -> int | None:
        try:
            handle = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return None
        return handle
