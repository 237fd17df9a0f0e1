"""What a training tells while it runs: one line of canonical JSON for each stretch of steps."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.errors import UsageError

NAME: Final = "log.jsonl"


class Diary:
    """The log of a run; what a crash tore off its end, and what a resumed run does again, is cut."""

    def __init__(self, folder: Path, step: int) -> None:
        """Open the log of a run of which `step` steps are done."""
        self._path = folder / NAME
        kept = [line for line in read_diary(folder) if line["step"] <= step]
        self._path.write_bytes(b"".join(canonical_bytes(line) + b"\n" for line in kept))

    def write(self, line: Mapping[str, Json]) -> None:
        """Add one line, which has a `step`."""
        with self._path.open("ab") as stream:
            stream.write(canonical_bytes(dict(line)) + b"\n")

    def keep(self) -> None:
        """Wait until all lines are on the disk."""
        with self._path.open("ab") as stream:
            os.fsync(stream.fileno())


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
