"""The files that a volume may come in, found but not yet read: a file, a folder, a zip, an upload.

Nothing is unpacked to disk, and nothing is read before it is asked for. A zip is opened as a
folder, one level deep; its names are never used as paths.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Protocol, Self

from bedside.errors import NotFound
from bedside.imaging import zip_entries
from bedside.imaging.hidden import is_hidden
from bedside.imaging.volume import VolumeLimits
from bedside.imaging.volume_refusals import not_a_volume, too_large

MOST_FILES: Final = 16_384
"""Of a folder, a zip or an upload: a study of several thousand slices and what lies beside them."""

_USUAL: Final = VolumeLimits()
_MOST_FOLDERS: Final = 4_096


class Reading(Protocol):
    """An open file, read from its beginning to its end."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...

    def read(self, count: int, /) -> bytes:
        """Return the next `count` bytes, fewer only at the end."""


@dataclass(frozen=True, slots=True)
class GivenFile:
    """One file, not yet read.

    Attributes:
        name: What it is called, with its folders; for sorting, never for an error's message.
        size: Its bytes, as the folder or the zip says.
        opened: Opens it for reading from its beginning.
    """

    name: str
    size: int
    opened: Callable[[], Reading]

    def start(self, count: int) -> bytes:
        """Return its first `count` bytes, or all where it has fewer."""
        with self.opened() as file:
            return file.read(count)

    def read(self) -> bytes:
        """Return all of it.

        Raises:
            VolumeRefused: it is longer than it was said to be.
        """
        data = self.start(self.size + 1)
        if len(data) > self.size:
            raise too_large(f"a file that grew beyond {self.size} bytes", f"{self.size} bytes")
        return data


@dataclass(frozen=True, slots=True)
class FileSet:
    """Files that came together.

    Attributes:
        files: In ascending order of their names.
    """

    files: tuple[GivenFile, ...]

    def place(self, number: int) -> str:
        """Return words for the file at `number` from 0 that name nobody."""
        count = len(self.files)
        return "the file" if count == 1 else f"file {number + 1} of {count} (in order of names)"


def files_at(path: Path, limits: VolumeLimits = _USUAL) -> FileSet:
    """Return what lies at `path`: one file, a folder with all that is in it, or a zip's entries.

    Links to folders are not followed; pipes, devices and hidden files are left out. A link to nothing,
    and a folder that may not be looked into, are not: a part of the volume may be missing with them.

    Raises:
        NotFound: there is nothing at `path`, or something in it cannot be read; so too when a file is
            opened.
        VolumeRefused: there are too many files, a zip is damaged or too large, or nothing is there.
    """
    if path.is_dir():
        return _sorted(list(_within(path)))
    if not path.is_file():
        raise NotFound(f"No file or folder at {path}.", advice="Give a file, a folder or a zip.")
    file = on_disk(path, path.name)
    return _opened(path.name, file.size, lambda: _open(path), limits)


def files_of(named: Sequence[tuple[str, bytes]], limits: VolumeLimits = _USUAL) -> FileSet:
    """Return uploaded files; a single one that is a zip is looked into.

    Hidden ones of several are left out, as in a folder, unless all are called so.

    Args:
        named: What each is called, and its bytes. Names order the files and mean nothing else.
        limits: How much a zip may hold.

    Raises:
        VolumeRefused: there are none or too many, or a zip is damaged or too large.
    """
    if len(named) == 1:
        name, data = named[0]
        return _opened(name, len(data), _in_memory(data), limits)
    seen = [one for one in named if not is_hidden(one[0].replace("\\", "/").split("/"))]
    few = (seen or named)[: MOST_FILES + 1]
    return _sorted([GivenFile(name, len(data), _in_memory(data)) for name, data in few])


def _opened(name: str, size: int, opened: Callable[[], BinaryIO], limits: VolumeLimits) -> FileSet:
    with opened() as file:
        start = file.read(4)
    if start not in zip_entries.STARTS:
        return FileSet((GivenFile(name, size, opened),))
    if size > limits.file_bytes:
        raise too_large(f"a zip of {size} bytes", f"{limits.file_bytes}")
    entries = zip_entries.entries(opened, size, MOST_FILES, limits.inflated_bytes)
    return _sorted([_in_zip(opened, entry) for entry in entries])


def _in_zip(opened: Callable[[], BinaryIO], entry: zip_entries.Entry) -> GivenFile:
    return GivenFile(entry.name, entry.size, lambda: zip_entries.Inflating(opened, entry))


def _in_memory(data: bytes) -> Callable[[], BinaryIO]:
    return lambda: io.BytesIO(data)


def _sorted(files: list[GivenFile]) -> FileSet:
    if not files:
        raise not_a_volume("There is no file", "Send a NIfTI file, or all DICOM files of a series.")
    if len(files) > MOST_FILES:
        raise too_large(f"more than {MOST_FILES} files", f"{MOST_FILES}")
    return FileSet(tuple(sorted(files, key=lambda file: file.name)))


def _within(folder: Path) -> Iterator[GivenFile]:
    """Yield the regular files in a folder, up to one more than are allowed.

    Raises:
        NotFound: a link leads to nothing, or a folder may not be looked into.
    """
    count = 0
    for folders, (where, inside, names) in enumerate(os.walk(folder, onerror=_refuse)):
        if folders > _MOST_FOLDERS:
            raise too_large(f"more than {_MOST_FOLDERS} folders", f"{_MOST_FOLDERS}")
        inside[:] = sorted(name for name in inside if not is_hidden([name]))
        for name in names:
            path = Path(where, name)
            if not is_hidden([name]) and _is_file(path):
                yield on_disk(path, str(path.relative_to(folder)))
                count += 1
            if count > MOST_FILES:
                return


def _is_file(path: Path) -> bool:
    """Return whether a path leads to a regular file, by a link too.

    Raises:
        NotFound: it leads to nothing, or may not be followed.
    """
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError as problem:
        raise _unreadable(problem) from problem


def _refuse(problem: OSError) -> None:
    raise _unreadable(problem) from problem


def on_disk(path: Path, name: str) -> GivenFile:
    """Return the file at `path`.

    Raises:
        NotFound: it is there no more.
    """
    try:
        size = path.stat().st_size
    except OSError as problem:
        raise _unreadable(problem) from problem
    return GivenFile(name, size, lambda: _open(path))


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as problem:
        raise _unreadable(problem) from problem


def _unreadable(problem: OSError) -> NotFound:
    """Return the refusal of a file that does not repeat its name, which may be a person's."""
    return NotFound(
        f"A file cannot be read: {problem.strerror}.",
        advice="Leave files in their place until all is done, and let the program read them; a link "
        "must lead to a file that is there.",
    )
