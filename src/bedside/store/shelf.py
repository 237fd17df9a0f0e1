"""A shelf: small files that are put down once, never changed, and listed in order.

Whoever puts a file where there is one already is told so and changes nothing; on this alone
several writers on several machines can agree who was first.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, Protocol

from bedside.errors import NotFound, Unavailable, UsageError
from bedside.store.disk import sync_folder, write_new

MAX_FILE_BYTES: Final = 64 * 1024
"""More than anything that is put on a shelf; what is larger was put there by somebody else."""

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}(/[a-z0-9][a-z0-9.-]{0,99})?")


class Shelf(Protocol):
    """A place for such files; a name has at most one folder."""

    def put_new(self, name: str, data: bytes) -> bool:
        """Put a new file down durably; False where one of that name is there, which stays."""

    def get(self, name: str) -> bytes:
        """Return a file's bytes; NotFound."""

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
        """Return a file's bytes, at most `MAX_FILE_BYTES`.

        Raises:
            NotFound: no such file is there.
            Unavailable: it cannot be read.
        """
        try:
            with self._path(name).open("rb") as stream:
                return stream.read(MAX_FILE_BYTES)
        except FileNotFoundError as problem:
            raise NotFound(f"There is no {name} in {self._folder}.") from problem
        except OSError as problem:
            raise self._away(problem) from problem

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


def checked_name(name: str) -> str:
    """Return a name once it is one that leads nowhere else.

    Raises:
        UsageError: it is none.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a file on a shelf.")
    return name
