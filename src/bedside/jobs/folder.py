"""The files of jobs: each under a key of its own, which its writer alone has until it is whole.

    files/uploads/<upload>                what jobs work on
    files/results/<job>/<attempt>-<n>     what came of one attempt

A file's key is random and kept sealed under the subject key, beside what tells of the file (a row,
an event). So a file that nobody came to tell of, because the process ended, can be read by nobody;
and one whose subject key was destroyed neither, wherever a copy of it lies.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from bedside.clock import ID_FORM
from bedside.errors import NotFound, SiteProblem, Unavailable, UsageError
from bedside.keys.stream import StreamReader, StreamWriter, read_line
from bedside.store.disk import sync_folder

KEY_BYTES: Final = 32
FORMAT: Final = "bedside-job-file-1"
INCOMING: Final = ".incoming-"
"""How the name of a file begins that is not whole yet."""

UPLOADS: Final = "uploads"
RESULTS: Final = "results"

_NAME: Final = re.compile(rf"{UPLOADS}/({ID_FORM})|{RESULTS}/({ID_FORM})/\d{{1,6}}-\d{{1,4}}")


class SealedWriter:
    """Writes one file; it is there once `close` has returned, whole and on the disk.

    Attributes:
        name: Of the file, under the folder.
        key: 32 bytes that open it; nobody else has them.
        plain: Plain bytes so far.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self.key = os.urandom(KEY_BYTES)
        self.plain = 0
        self._path = path
        self._coming = path.with_name(INCOMING + path.name)
        handle = os.open(self._coming, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        self._stream = os.fdopen(handle, "wb")
        salt = base64.b64encode(os.urandom(KEY_BYTES)).decode()
        line = json.dumps({"format": FORMAT, "salt": salt}, separators=(",", ":"))
        self._sealing = StreamWriter(self._stream, self.key, line.encode() + b"\n")

    @property
    def digest(self) -> str:
        """Return `sha256:` and the digest of the file as it lies on the disk; after `close`."""
        return self._sealing.digest

    @property
    def size(self) -> int:
        """Return how many bytes the file has on the disk; after `close`."""
        return self._sealing.size

    def write(self, data: bytes) -> None:
        """Seal `data`.

        Raises:
            Unavailable: the disk refuses.
        """
        with _told(self._path):
            self._sealing.write(data)
        self.plain += len(data)

    def close(self) -> None:
        """Put the whole file in its place, durably.

        Raises:
            Unavailable: the disk refuses.
        """
        with _told(self._path):
            self._sealing.close()
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()
            self._coming.replace(self._path)
            sync_folder(self._path.parent)

    def drop(self) -> None:
        """Forget what was written, if it is not whole."""
        with suppress(OSError):
            self._stream.close()
        with suppress(OSError):
            self._coming.unlink(missing_ok=True)


class JobFiles:
    """The folder of a site's files of jobs; safe to use from many threads and processes."""

    def __init__(self, folder: Path, free: int = 0) -> None:
        """Use `folder`, which is made when the first file comes.

        Args:
            folder: Of the files.
            free: Bytes of its disk that uploads leave to others, such as a ledger.
        """
        self.folder = folder
        self._free = free

    def refuse_without_room(self) -> None:
        """Do nothing while the disk has more room than uploads must leave.

        Raises:
            Unavailable: it has not, or cannot be asked.
        """
        asked = self.folder if self.folder.is_dir() else self.folder.parent
        with _told(asked):
            found = os.statvfs(asked)
        free = found.f_bavail * found.f_frsize
        if free <= self._free:
            raise Unavailable(
                f"{free} bytes are free on the disk of uploads; {self._free} must stay free.",
                advice="Send it again when there is room: somebody must make some, or analyses "
                "must end; a site may leave less free ([jobs]).",
            )

    def writer(self, name: str) -> SealedWriter:
        """Return a writer of a new file, to be closed or dropped.

        Raises:
            Unavailable: the disk refuses.
        """
        path = self.path(name)
        with _told(path):
            if not path.parent.is_dir():
                self._make(path.parent)
            return SealedWriter(path, name)

    @contextmanager
    def writing(self, name: str) -> Iterator[SealedWriter]:
        """Give a writer of a new file; it is closed at the end, or dropped on an exception.

        Raises:
            Unavailable: the disk refuses.
        """
        writer = self.writer(name)
        try:
            yield writer
            writer.close()
        except BaseException:
            writer.drop()
            raise

    def reading(self, name: str, key: bytes) -> Iterator[bytes]:
        """Yield the plain bytes of a file, each chunk proved before it is given.

        Raises:
            NotFound: there is no such file.
            SiteProblem: it is not what was written.
            Unavailable: the disk refuses.
        """
        path = self.path(name)
        try:
            source = path.open("rb")
        except FileNotFoundError as problem:
            raise NotFound(
                f"The file {name} is gone.", advice="It was removed after the site's time for it."
            ) from problem
        except OSError as problem:
            raise _unreadable(name, problem) from problem
        try:
            with source:
                reader = StreamReader(source, key, read_line(source, name), name)
                while piece := reader.some():
                    yield piece
        except SiteProblem as problem:
            raise SiteProblem(
                f"The file {name} of a job is damaged: altered, exchanged or cut off.",
                advice="Restore it from a backup, or send it again.",
            ) from problem
        except OSError as problem:
            raise _unreadable(name, problem) from problem

    def read(self, name: str, key: bytes) -> bytes:
        """Return all plain bytes of a file; see `reading`."""
        return b"".join(self.reading(name, key))

    def size(self, name: str) -> int:
        """Return how many bytes a file has on the disk; 0 where there is none."""
        try:
            return self.path(name).stat().st_size
        except FileNotFoundError:
            return 0

    def names(self) -> list[str]:
        """Return the name of every whole file, in order."""
        found = [
            str(path.relative_to(self.folder))
            for path in self.folder.rglob("*")
            if path.is_file() and not path.name.startswith(INCOMING)
        ]
        return sorted(name for name in found if _NAME.fullmatch(name))

    def remove_upload(self, upload: str) -> None:
        """Remove what was uploaded.

        Raises:
            Unavailable: the disk refuses.
        """
        path = self.path(f"{UPLOADS}/{upload}")
        with _told(path):
            path.unlink(missing_ok=True)
            if path.parent.is_dir():  # else there never was a file, or the folder is lost with it
                sync_folder(path.parent)

    def remove_results(self, job: str, attempt: int | None = None) -> None:
        """Remove what attempts at a job left, or what one of them did.

        Raises:
            Unavailable: the disk refuses.
        """
        folder = self.path(f"{RESULTS}/{job}/0-0").parent
        if not folder.is_dir():
            return
        with _told(folder):
            for path in folder.iterdir():
                own = path.name.removeprefix(INCOMING)
                if attempt is None or own.startswith(f"{attempt}-"):
                    path.unlink(missing_ok=True)
            if attempt is None:
                folder.rmdir()
            sync_folder(folder.parent)

    def strangers(self, known: Collection[str], before: float) -> list[Path]:
        """Return uploads and folders of results, older than a moment, that no id in `known` names.

        Args:
            known: Ids of uploads and of jobs.
            before: Seconds since 1970; younger ones may be told of still.
        """
        found = []
        for name in (UPLOADS, RESULTS):
            folder = self.folder / name
            for path in folder.iterdir() if folder.is_dir() else ():
                with suppress(FileNotFoundError):  # somebody else removed it
                    own = path.name.removeprefix(INCOMING)
                    unknown = path.name.startswith(INCOMING) or own not in known
                    if unknown and path.stat().st_mtime < before:
                        found.append(path)
        return found

    def remove(self, path: Path) -> None:
        """Remove one of the `strangers`."""
        with _told(path):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _make(self, folder: Path) -> None:
        for one in (self.folder, folder.parent, folder):
            one.mkdir(mode=0o700, exist_ok=True)
            sync_folder(one.parent)

    def path(self, name: str) -> Path:
        """Return where a file lies.

        Raises:
            UsageError: this is no name of a file.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name[:80]!r} is no file of a job.")
        return self.folder / name


def _unreadable(name: str, problem: OSError) -> Unavailable:
    return Unavailable(
        f"The file {name} of a job cannot be read: {problem.strerror}.",
        advice="Look at the disk, and at the rights of the files in the site's folder.",
    )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise Unavailable(
            f"{path} could not be written or removed: {problem.strerror}.",
            advice="Look at the disk's free space and rights.",
        ) from problem
