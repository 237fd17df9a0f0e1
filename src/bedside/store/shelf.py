"""A shelf: small files that are put down once, never changed, and listed in order.

Whoever puts a file where there is one already is told so and changes nothing; on this alone
several writers on several machines can agree who was first.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path
from typing import Final, Protocol

from bedside.errors import LimitExceeded, NotFound, Unavailable, UsageError
from bedside.store.disk import sync_folder, write_new

MAX_FILE_BYTES: Final = 64 * 1024
"""More than anything that is put on a shelf; what is larger was put there by somebody else."""

_NO_FILE: Final = frozenset({errno.EISDIR, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENXIO})
"""What is said of a name under which lies something else than a file that one can read."""

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}(/[a-z0-9][a-z0-9.-]{0,99})?")


class Shelf(Protocol):
    """A place for such files; a name has at most one folder."""

    def put_new(self, name: str, data: bytes) -> bool:
        """Put a new file down durably; False where one of that name is there, which stays."""

    def get(self, name: str) -> bytes:
        """Return a file's bytes; NotFound, LimitExceeded."""

    def names(self, folder: str, after: str = "") -> list[str]:
        """Return the names in a folder in order, those that come after `after` alone."""


class FolderShelf:
    """A shelf as a folder, such as one that another machine shares."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put_new(self, name: str, data: bytes) -> bool:
        """Put a new file down durably; False where one of that name is there, which stays.

        Raises:
            Unavailable: the folder is not there, or cannot be written to.
        """
        path = self._path(name)
        try:
            if not path.parent.is_dir():
                self._make(path.parent)
            return self._put(path, data)
        except OSError as problem:
            raise self._away(problem) from problem

    def get(self, name: str) -> bytes:
        """Return a file's bytes.

        Raises:
            NotFound: no file that can be read is there: nothing, or a folder, a pipe, a file of
                somebody else.
            LimitExceeded: it has more than `MAX_FILE_BYTES`.
            Unavailable: the folder does not answer.
        """
        try:
            data = _read(self._path(name))
        except OSError as problem:
            if isinstance(problem, FileNotFoundError) or problem.errno in _NO_FILE:
                why = f"There is no {name} that can be read in {self._folder}."
                raise NotFound(why) from problem
            raise self._away(problem) from problem
        if len(data) > MAX_FILE_BYTES:
            raise LimitExceeded(
                f"{name} in {self._folder} has more than {MAX_FILE_BYTES} bytes.",
                advice="Nothing of ours is so long: ask who may write there.",
            )
        return data

    def names(self, folder: str, after: str = "") -> list[str]:
        """Return the names in a folder in order, those that come after `after` alone.

        Raises:
            Unavailable: the shelf is not there, or cannot be read.
        """
        try:
            self._folder.stat()  # a shelf that is not mounted is away; it is not empty
            with os.scandir(self._folder / folder) as found:
                return sorted(one.name for one in found if one.name > after)
        except FileNotFoundError as problem:
            if problem.filename == str(self._folder):
                raise self._away(problem) from problem
            return []
        except OSError as problem:
            raise self._away(problem) from problem

    def _put(self, path: Path, data: bytes) -> bool:
        # under its name a file must never be seen half-written: write aside, then link, which
        # fails where the name is taken
        aside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        write_new(aside, data, 0o644)
        try:
            os.link(aside, path)
            sync_folder(path.parent)
        except FileExistsError:
            return False
        finally:
            aside.unlink(missing_ok=True)
        return True

    def _make(self, folder: Path) -> None:
        self._folder.stat()
        folder.mkdir(mode=0o755, exist_ok=True)
        sync_folder(self._folder)

    def _path(self, name: str) -> Path:
        return self._folder / checked_name(name)

    def _away(self, problem: OSError) -> Unavailable:
        return Unavailable(
            f"The folder {self._folder} cannot be used: {problem.strerror}.",
            advice="Look whether it is there (mounted), and whether this account may write to it.",
        )


def _read(path: Path) -> bytes:
    # whoever may write there may also put a pipe there, which nobody ever writes to
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise OSError(errno.EISDIR, "Not a file")
        with os.fdopen(number, "rb", closefd=False) as stream:
            return stream.read(MAX_FILE_BYTES + 1)
    finally:
        os.close(number)


def checked_name(name: str) -> str:
    """Return a name once it is one that leads nowhere else.

    Raises:
        UsageError: it is none.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a file on a shelf.")
    return name
