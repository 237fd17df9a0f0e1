"""Where generations lie: two encrypted files and a small clear manifest each, in a folder or two.

A generation is there once its manifest is: the manifest is written last and removed first.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from bedside.clock import read_timestamp, timestamp
from bedside.errors import NotFound, SiteProblem, Unavailable
from bedside.keys.site_key import SiteKey
from bedside.ledger.head import MAX_AHEAD
from bedside.site.backup.manifest import PARTS, Manifest, Part, check_manifest, read_manifest
from bedside.site.backup.plan import BackupSettings
from bedside.store.disk import sync_folder

MAX_MANIFEST_BYTES: Final = 64 * 1024

INCOMING: Final = ".incoming-"
"""How names of files begin that are not whole yet."""

_STAMP = re.compile(r"\d{8}T\d{12}Z")
_MANIFEST_NAME = re.compile(rf"bedside-({_STAMP.pattern})\.json")
_BUSY: Final = ".bedside-backup.lock"
_PUBLISHING: Final = ".bedside-publish.lock"


def generation_name(at: datetime) -> str:
    """Return the name of the generation of a moment: digits that sort as time does."""
    return re.sub("[-:.]", "", timestamp(at))


def generation_time(name: str) -> datetime:
    """Return the moment of a generation.

    Raises:
        NotFound: this is not the name of one.
    """
    if _STAMP.fullmatch(name) is None:
        raise NotFound(f"{name!r} names no generation.", advice="bedside backup list")
    return datetime.strptime(name, "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one site's generations.

    Attributes:
        folder: Manifests and data files.
        keys_folder: Keys files; often the same.
        origin: Of the ledger whose generations count; those of other sites, which may lie in the
            same folders, are then as if they were not there. Empty: all count.
    """

    folder: Path
    keys_folder: Path
    origin: str = ""

    @classmethod
    def at(cls, folder: Path, keys_folder: Path | None = None) -> Place:
        """Return the place of these folders."""
        return cls(folder.absolute(), (keys_folder or folder).absolute())

    @classmethod
    def of(cls, settings: BackupSettings) -> Place | None:
        """Return the place that is set, or None."""
        if settings.folder is None:
            return None
        return cls.at(Path(settings.folder), Path(settings.keys_folder or settings.folder))

    def belonging_to(self, origin: str) -> Place:
        """Return the same folders, where only the generations of one ledger count."""
        return replace(self, origin=origin)

    def manifest_path(self, generation: str) -> Path:
        """Return where the manifest of a generation is."""
        return self.folder / f"bedside-{generation}.json"

    def part_path(self, generation: str, part: Part) -> Path:
        """Return where one of the two files of a generation is."""
        folder = self.folder if part == "data" else self.keys_folder
        return folder / f"bedside-{generation}.{part}"

    def generations(self) -> tuple[str, ...]:
        """Return the names of the generations that are there, oldest first.

        One whose manifest cannot be read is among them, whosesoever it is.

        Raises:
            Unavailable: the folder cannot be read.
        """
        return tuple(one for one in self.everybodys() if not self._is_foreign(one))

    def everybodys(self) -> tuple[str, ...]:
        """Return the names of the generations of all sites, oldest first.

        Raises:
            Unavailable: the folder cannot be read.
        """
        with reached(self.folder):
            names = [path.name for path in self.folder.iterdir()] if self.folder.exists() else []
        return tuple(
            sorted(found[1] for name in names if (found := _MANIFEST_NAME.fullmatch(name)))
        )

    def read(self, generation: str) -> Manifest:
        """Return what the manifest of a generation says, not knowing yet whether the site said it.

        Raises:
            NotFound: there is no such generation.
            SiteProblem: it is not a manifest.
        """
        return read_manifest(self._manifest(generation), self.manifest_path(generation).name)

    def checked(self, generation: str, site_key: SiteKey) -> Manifest:
        """Return what the manifest of a generation says, once its MAC is checked.

        Raises:
            NotFound: there is no such generation.
            KeyUnavailable: it was made under another site key.
            SiteProblem: it is not a manifest, or it was altered.
        """
        name = self.manifest_path(generation).name
        manifest = check_manifest(self._manifest(generation), name, site_key)
        if manifest.generation != generation:
            raise SiteProblem(
                f"{name} is the manifest of {manifest.generation}.",
                advice="Use another generation.",
            )
        return manifest

    def newest(self, now: datetime | None = None) -> Manifest | None:
        """Return the newest generation whose files have the sizes that its manifest tells, or None.

        Args:
            now: The time; what claims to be of the future does not count. None: all count.

        Raises:
            Unavailable: the folder cannot be read.
        """
        names = (one for one in reversed(self.everybodys()) if now is None or not ahead(one, now))
        good = (one for one in names if self.is_good(one) and not self._is_foreign(one))
        found = next(good, None)
        return None if found is None else self.read(found)

    def is_good(self, generation: str) -> bool:
        """Return whether a generation has a manifest that can be read and seems whole.

        Raises:
            Unavailable: the folder cannot be read.
        """
        try:
            return self.seems_whole(self.read(generation))
        except (SiteProblem, NotFound):
            return False

    def seems_whole(self, manifest: Manifest) -> bool:
        """Return whether both files have the sizes that the manifest tells; nothing is read."""
        paths = ((self.part_path(manifest.generation, p), manifest.part(p)) for p in PARTS)
        with reached(self.folder):
            return all(p.is_file() and p.stat().st_size == told.size for p, told in paths)

    def remove(self, generation: str) -> None:
        """Remove a generation, its manifest first and its data file last.

        So a keys file without a manifest still has its data file beside it, and is known for what
        it is (`remains`).

        Raises:
            Unavailable: the folder cannot be written.
        """
        with reached(self.folder):
            self.manifest_path(generation).unlink(missing_ok=True)
            sync_folder(self.folder)
            for part in reversed(PARTS):
                self.part_path(generation, part).unlink(missing_ok=True)

    def prepare(self) -> None:
        """Make the folders where they are missing, for the owner alone.

        Raises:
            Unavailable: they cannot be made.
        """
        for folder in (self.folder, self.keys_folder):
            with reached(folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def was_used(self) -> bool:
        """Return whether a backup was ever begun here; not so where a disk is not mounted."""
        return (self.folder / _BUSY).exists()

    @contextmanager
    def busy(self) -> Iterator[bool]:
        """Give whether this process alone makes backups here; it does not wait for another."""
        with locked(self.folder / _BUSY, wait=False) as taken:
            yield taken

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Hold every other process off publishing, forgetting and pruning for a moment."""
        with locked(self.folder / _PUBLISHING, wait=True):
            yield

    def _is_foreign(self, generation: str) -> bool:
        """Return whether a manifest names another ledger than the one whose generations count."""
        if not self.origin:
            return False
        try:
            return self.read(generation).origin != self.origin
        except (SiteProblem, NotFound):
            return False

    def _manifest(self, generation: str) -> bytes:
        path = self.manifest_path(generation)
        if not path.is_file():
            raise NotFound(
                f"There is no generation {generation} in {self.folder}.",
                advice="bedside backup list",
            )
        with reached(self.folder), path.open("rb") as stream:
            data = stream.read(MAX_MANIFEST_BYTES + 1)
        if len(data) > MAX_MANIFEST_BYTES:
            raise SiteProblem(f"{path} has more than {MAX_MANIFEST_BYTES} bytes.")
        return data


def age_seconds(manifest: Manifest, now: datetime) -> float:
    """Return how many seconds before `now` a generation was made."""
    return (now - read_timestamp(manifest.made)).total_seconds()


def ahead(generation: str, now: datetime) -> bool:
    """Return whether a generation claims to be of the future: made by a clock that went wrong."""
    return generation_time(generation) > now + MAX_AHEAD


@contextmanager
def reached(folder: Path) -> Iterator[None]:
    """Tell what the operating system refuses in a backup's folder in our words.

    Raises:
        Unavailable: it refused.
    """
    try:
        yield
    except OSError as problem:
        raise Unavailable(
            f"The backup folder {folder} cannot be used: {problem.strerror or problem}.",
            advice="Mount it, make room, or let the account that runs Bedside own it.",
        ) from problem


@contextmanager
def incoming(path: Path) -> Iterator[BinaryIO]:
    """Give a new file that takes the place of `path` when the block is left, durably and whole.

    Whatever goes wrong, `path` is what it was before, and nothing else is left.

    Raises:
        Unavailable: the disk refused.
    """
    temporary = path.with_name(INCOMING + path.name)
    with reached(path.parent):
        try:
            handle = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600)
            with os.fdopen(handle, "wb") as stream:
                yield stream
                stream.flush()
                os.fsync(handle)
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Give whether this process holds a lock, which ends with the block or with the process.

    Args:
        path: Of the lock's file, which stays.
        wait: Whether to wait for others; then it is always held.

    Raises:
        Unavailable: the disk refused.
    """
    with reached(path.parent):
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
