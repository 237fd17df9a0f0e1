"""Makes generations while the service runs, each in a process of its own that is in no hurry.

Of several workers one has the duty; of several replicas the backup folder's lock lets one make it.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from bedside.clock import Clock
from bedside.site.backup.state import backup_state
from bedside.site.settings import Settings
from bedside.store.duty import Duty

LOG: Final = logging.getLogger("bedside.backup")

LOOK_SECONDS: Final = 20.0
"""How often it looks whether one is due: a folder is listed, a small file read."""

RETRY_SECONDS: Final = 600.0
"""How long a backup that failed is left alone."""

MAX_WORDS: Final = 2_000
"""Of what a failed backup said, so much is told in the log."""


class BackupDuty:
    """The background duty of one process; without `[backup] folder` it does nothing.

    Attributes:
        trouble: Why the last attempt of this process failed; empty if it did not.
    """

    def __init__(self, folder: Path, settings: Settings, clock: Clock) -> None:
        """Take the site's folder; nothing is looked at yet."""
        self.trouble = ""
        self._folder = folder
        self._settings = settings
        self._clock = clock
        self._duty = Duty(folder / "backup.lock")
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look."""
        if self._settings.backup.folder is not None and self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="bedside-backup", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Look no more; a backup under way is broken off, and leaves nothing."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self._duty.close()

    def _run(self) -> None:
        wait = 1.0  # the first look soon, but not before the service listens
        while not self._stop.wait(wait):
            wait = LOOK_SECONDS
            if not self._duty.taken():
                continue
            state = backup_state(self._folder, self._settings, self._clock())
            if state is not None and state.due and not self._attempt():
                wait = RETRY_SECONDS

    def _attempt(self) -> bool:
        begun = time.monotonic()
        command = [sys.executable, "-m", "bedside.site.backup", str(self._folder)]
        with subprocess.Popen(  # noqa: S603 - ourselves
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as made:
            try:
                said = self._awaited(made)
            finally:
                if made.poll() is None:
                    made.terminate()
        if said is None:
            return True
        words = said.decode("utf-8", "replace").strip()[-MAX_WORDS:]
        self.trouble = "" if made.returncode == 0 else words
        facts = {"words": words, "seconds": round(time.monotonic() - begun, 3)}
        if made.returncode == 0:
            LOG.info("backup", extra={"facts": facts})
        else:
            LOG.error("backup failed", extra={"facts": facts})
        return made.returncode == 0

    def _awaited(self, made: subprocess.Popen[bytes]) -> bytes | None:
        """Return what it said when it ended, or None when the service is being stopped."""
        while not self._stop.is_set():
            try:
                return made.communicate(timeout=0.5)[0]
            except subprocess.TimeoutExpired:
                continue
        return None
