"""What came of each volume, one line each, kept beside the results: so that a run can be taken up again.

The first line says what was asked. Before the files of a volume are put in their place, a line says
which these will be; when they are there, another says what came of it. What no line tells of is not
ours. A last line that is cut off is as if it were not there; one process at a time writes.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Mapping
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

TO_DO: Final = "It is to be done anew."

State: TypeAlias = Literal["writing", "done", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What came of one volume.

    Attributes:
        name: Of the volume.
        fingerprint: Of its files.
        state: `writing`, until its files are there; `done`; `refused` by the reader or the gate;
            `failed`: it may work another time.
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
    """The file of one folder of results; use it as a context manager.

    Attributes:
        entries: The last of each volume, by its name.
        before: Those that were there when it was opened.
    """

    def __init__(self, folder: Path, asked: Mapping[str, Json], *, again: bool = False) -> None:
        """Open or begin it.

        Args:
            folder: Of the results.
            asked: What is asked of every volume; a diary of anything else is refused.
            again: Begin anew, whatever is there; `before` still has what it told, and so has the file,
                as what is to be done: whoever goes on after an interruption knows whose the files are.

        Raises:
            Conflict: what is there was asked otherwise, or another process writes there.
            UsageError: it is no diary.
        """
        self._path = folder / NAME
        self._stream = self._path.open("ab")
        try:
            self._lock()
            first = {"analyses": VERSION, "asked": dict(asked)}
            asked_before, self.before, whole = self._read(again=again)
            if not again:
                _check_asked(asked_before, first, self._path)
            self.entries = {} if again else dict(self.before)
            left = [_to_do(one) for one in self.before.values()] if again else []
            self._begin([first, *map(asdict, left)], 0 if again else whole)
        except BaseException:
            self._stream.close()
            raise

    def add(self, entry: Entry) -> None:
        """Note what came of a volume, durably."""
        self.entries[entry.name] = entry
        self._write([asdict(entry)])

    def _write(self, told: Iterable[Mapping[str, Json]]) -> None:
        lines = (json.dumps(one, ensure_ascii=True, separators=(",", ":")) + "\n" for one in told)
        self._stream.write("".join(lines).encode("ascii"))
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def _lock(self) -> None:
        """Keep the file for this process until it is closed."""
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            raise Conflict(
                f"Another process writes to {self._path}.",
                advice="Wait for it, or name another folder with -o.",
            ) from problem

    def _begin(self, lines: Iterable[Mapping[str, Json]], whole: int) -> None:
        self._stream.truncate(whole)
        if not whole:
            self._write(lines)
            sync_folder(self._path.parent)

    def _read(self, *, again: bool) -> tuple[Json, dict[str, Entry], int]:
        """Return what was asked, the entries, and how many bytes of the file are whole lines."""
        if self._path.stat().st_size > MOST_BYTES:
            raise _no_diary(self._path)
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        lines = data[:whole].splitlines()
        try:
            told = [_told(line, self._path) for line in lines]
            entries = {one.name: one for one in map(_entry, told[1:])}
        except (BedsideError, KeyError, TypeError, ValueError) as problem:
            if again:  # then nothing of what lies there is known to be ours
                return None, {}, whole
            raise _no_diary(self._path) from problem
        return (told[0] if told else None), entries, whole

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


def _to_do(before: Entry) -> Entry:
    """Return what is noted of a volume that is to be done anew: which files are ours, as they lie there."""
    if before.state == "writing":
        return before
    return Entry(before.name, before.fingerprint, "failed", files=before.files, reason=TO_DO)


def _entry(told: dict[str, Json]) -> Entry:
    flags = tuple((str(code), str(detail)) for code, detail in told.pop("flags"))
    return Entry(**told, flags=flags)


def _told(line: bytes, path: Path) -> dict[str, Json]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise _no_diary(path) from problem
    if not isinstance(told, dict):
        raise _no_diary(path)
    return told


def _check_asked(before: Json, now: Json, path: Path) -> None:
    if before not in (None, now):
        raise Conflict(
            f"{path} tells of another package, or of other questions, than are asked now.",
            advice="Name another folder with -o, or say --again to begin anew.",
        )


def _no_diary(path: Path) -> BedsideError:
    return UsageError(
        f"{path} is no record of analyses.", advice="Name another folder with -o, or say --again."
    )
