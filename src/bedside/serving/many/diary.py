"""What came of each volume, one line each, kept beside the results: so that a run can be taken up again.

The first line says what was asked. A line is written after the files of its volume are in their
place, durably; a last line that is cut off is as if it were not there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias

from bedside.canonical import Json
from bedside.errors import BedsideError, Conflict, UsageError
from bedside.store.disk import sync_folder

NAME: Final = "analyses.jsonl"
VERSION: Final = 1
MOST_BYTES: Final = 512 * 2**20

State: TypeAlias = Literal["done", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What came of one volume.

    Attributes:
        name: Of the volume.
        fingerprint: Of its files.
        state: `done`; `refused` by the reader or the gate; `failed`: it may work another time.
        values: mL by label, or the number by its name.
        flags: Code and detail of each.
        out_of_domain: As the analysis says it.
        seconds: From its beginning to its end.
        files: Bytes of each file that was written, by name.
        reason: Why nothing came of it.
        id: Of the analysis, where it is recorded.
    """

    name: str
    fingerprint: str
    state: State
    values: dict[str, float] = field(default_factory=dict)
    flags: tuple[tuple[str, str], ...] = ()
    out_of_domain: float | None = None
    seconds: float = 0.0
    files: dict[str, int] = field(default_factory=dict)
    reason: str = ""
    id: str = ""


class Diary:
    """The file of one folder of results; use it as a context manager."""

    def __init__(self, folder: Path, asked: Mapping[str, Json]) -> None:
        """Open or begin it.

        Args:
            folder: Of the results.
            asked: What is asked of every volume; a diary of anything else is refused.

        Raises:
            Conflict: what is there was asked otherwise, or is no diary.
        """
        self._path = folder / NAME
        self.entries: dict[str, Entry] = {}
        first = {"analyses": VERSION, "asked": dict(asked)}
        whole = self._read(first) if self._path.exists() else 0
        self._stream = self._path.open("ab")
        if whole != self._stream.tell():
            self._stream.truncate(whole)
        if not whole:
            self._write(first)
            sync_folder(folder)

    def add(self, entry: Entry) -> None:
        """Note what came of a volume, durably."""
        self.entries[entry.name] = entry
        self._write(asdict(entry))

    def _write(self, told: Mapping[str, Json]) -> None:
        line = json.dumps(told, ensure_ascii=True, separators=(",", ":")) + "\n"
        self._stream.write(line.encode("ascii"))
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def _read(self, first: Mapping[str, Json]) -> int:
        """Take the entries in, and return how many bytes of the file are whole lines."""
        if self._path.stat().st_size > MOST_BYTES:
            raise _no_diary(self._path)
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        lines = data[:whole].splitlines()
        if not lines:
            return 0
        if _told(lines[0], self._path) != first:
            raise Conflict(
                f"{self._path} tells of another package, or of other questions, than are asked now.",
                advice="Name another folder with -o, or say --again to begin anew.",
            )
        for line in lines[1:]:
            try:
                told = _told(line, self._path)
                flags = tuple((str(code), str(detail)) for code, detail in told.pop("flags"))
                entry = Entry(**told, flags=flags)
            except (KeyError, TypeError, ValueError) as problem:
                raise _no_diary(self._path) from problem
            self.entries[entry.name] = entry
        return whole

    def __enter__(self) -> Self:
        """Return the diary."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self._stream.close()


def _told(line: bytes, path: Path) -> dict[str, Json]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise _no_diary(path) from problem
    if not isinstance(told, dict):
        raise _no_diary(path)
    return told


def _no_diary(path: Path) -> BedsideError:
    return UsageError(
        f"{path} is no record of analyses.", advice="Name another folder with -o, or say --again."
    )
