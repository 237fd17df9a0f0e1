"""What a training tells while it runs: one line of canonical JSON for each stretch of steps."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.errors import UsageError
from bedside.store.disk import replace_file

NAME: Final = "log.jsonl"
MODE: Final = 0o644


class Diary:
    """The log of a run; what a crash tore off its end, and what a resumed run does again, is cut.

    Lines that the disk refused wait, and are written with the next one.
    """

    def __init__(self, folder: Path, step: int) -> None:
        """Open the log of a run of which `step` steps are done."""
        self._path = folder / NAME
        self._waiting = b""
        lines = [line for line in read_diary(folder) if line["step"] <= step]
        kept = b"".join(canonical_bytes(line) + b"\n" for line in lines)
        if self._path.exists() and self._path.read_bytes() != kept:
            replace_file(self._path, kept, MODE)

    def write(self, line: Mapping[str, Json]) -> None:
        """Add one line, which has a `step`.

        Raises:
            OSError: it cannot be written yet; the log is as it was.
        """
        self._waiting += canonical_bytes(dict(line)) + b"\n"
        self._write()

    def keep(self) -> None:
        """Wait until all lines are on the disk.

        Raises:
            OSError: they cannot be written yet.
        """
        self._write()
        with self._path.open("ab") as stream:
            os.fsync(stream.fileno())

    def _write(self) -> None:
        """Write what waits: all of it, or nothing."""
        with self._path.open("ab", buffering=0) as stream:
            end = stream.seek(0, os.SEEK_END)
            try:
                written = stream.write(self._waiting)
            except OSError:
                stream.truncate(end)
                raise
            if written < len(self._waiting):
                stream.truncate(end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        self._waiting = b""


def read_diary(folder: Path) -> list[dict[str, Json]]:
    """Return the lines of a run's log up to the first that is torn; none where there is no log."""
    path = folder / NAME
    lines: list[dict[str, Json]] = []
    for text in path.read_bytes().splitlines() if path.exists() else ():
        try:
            line = read_json(text)
        except UsageError:
            break
        if not isinstance(line, dict) or not isinstance(line.get("step"), int):
            break
        lines.append(line)
    return lines
