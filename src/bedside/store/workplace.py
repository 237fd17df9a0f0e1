"""Where the children of one process may write: folders for their owner alone, none of which outlives us.

A library may write what it works on, such as a patient's head, to a folder for passing things. A
process that is killed removes nothing; so its folders lie beside a lock that it holds while it lives,
and whoever comes next removes those whose lock nobody holds.

    root/<process>.lock     held while the process lives
    root/<process>/<child>  the home of one child
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from bedside.clock import new_id
from bedside.errors import SiteProblem, Unavailable
from bedside.store.duty import Duty

OWNER_ALONE: Final = 0o700
_LOCK: Final = ".lock"


class Workplace:
    """The folders of one process; safe to use from many threads."""

    def __init__(self, root: Path) -> None:
        """Use `root`, which several processes share; it is made when the first child comes."""
        self._root = root
        self._own: tuple[Path, Duty] | None = None
        self._guard = threading.Lock()

    def new(self, room: int = 0) -> Path:
        """Return a new folder for a child: empty, or with a file of so many bytes that shows the room.

        Raises:
            Unavailable: the disk refuses.
            SiteProblem: others may write to the place.
        """
        path = None
        try:
            path = self._folder() / new_id()
            path.mkdir(mode=OWNER_ALONE)
            if room:
                (path / "room").write_bytes(bytes(room))
        except OSError as problem:
            if path is not None:
                self.remove(path)
            raise Unavailable(
                f"No work folder can be made in {self._root}: {problem.strerror}.",
                advice="Look at the disk's free space and rights.",
            ) from problem
        return path

    def remove(self, path: Path) -> None:
        """Remove a child's folder, as far as the disk lets us; the rest goes with the process's own."""
        shutil.rmtree(path, ignore_errors=True)

    def sweep(self) -> int:
        """Remove what processes left that were killed; return of how many."""
        gone = 0
        with suppress(OSError):
            for path in self._root.iterdir():
                gone += path.is_dir() and not path.is_symlink() and self._removed(path)
        return gone

    def close(self) -> None:
        """Remove the folders of this process; the next child has new ones."""
        with self._guard:
            own, self._own = self._own, None
        if own is not None:
            path, alive = own
            shutil.rmtree(path, ignore_errors=True)
            _lock_of(path).unlink(missing_ok=True)
            alive.close()

    def _folder(self) -> Path:
        with self._guard:
            if self._own is None:
                _make(self._root)
                self.sweep()
                path = self._root / new_id()
                alive = Duty(_lock_of(path))
                if not alive.taken():  # before the folder is there, so that nobody sweeps it
                    raise Unavailable(
                        f"{path} cannot be locked.", advice="Look at the disk's free space."
                    )
                path.mkdir(mode=OWNER_ALONE)
                self._own = path, alive
            return self._own[0]

    def _removed(self, path: Path) -> bool:
        """Remove a process's folder, unless it lives; return whether that was done."""
        alive = Duty(_lock_of(path))
        if not alive.taken():
            return False
        shutil.rmtree(path, ignore_errors=True)
        _lock_of(path).unlink(missing_ok=True)
        alive.close()
        return True


def of_this_account() -> Path:
    """Return the place for whoever has no site: in the folder for passing things, for this account alone."""
    return Path(tempfile.gettempdir()) / f"bedside-work-{os.getuid()}"


def _lock_of(path: Path) -> Path:
    return path.with_name(path.name + _LOCK)


def _make(root: Path) -> None:
    """Make the place, and see that it is ours: others could read, or exchange, what is in it.

    Raises:
        SiteProblem: it is not.
    """
    root.mkdir(mode=OWNER_ALONE, exist_ok=True)
    found = root.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not ours or stat.S_IMODE(found.st_mode) & 0o077:
        raise SiteProblem(
            f"{root} is not a folder for this account alone.",
            advice=f"Remove it, or give it back to its owner alone: chmod 700 {root}",
        )
