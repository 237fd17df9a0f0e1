"""Blobs: immutable bytes, found by their SHA-256 and checked against it when read."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Protocol

from bedside import canonical
from bedside.errors import NotFound, SiteProblem, Unavailable, UsageError
from bedside.store.disk import refuse_forgetful_disk, sync_folder

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


class Blobs(Protocol):
    """A place for blobs."""

    def put(self, data: bytes) -> str:
        """Store `data` durably and return its digest, `sha256:…`; storing twice is the same."""

    def get(self, digest: str) -> bytes:
        """Return the bytes with this digest; NotFound, or SiteProblem when they are damaged."""

    def has(self, digest: str) -> bool:
        """Return whether bytes with this digest are here."""

    def size(self, digest: str) -> int:
        """Return the number of bytes, without reading them; NotFound."""


class FolderBlobs:
    """Blobs as files `ab/cdef…` under one folder."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, making it where it is missing.

        Raises:
            SiteProblem: the disk is not kept, or the folder cannot be made.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as problem:
            raise SiteProblem(
                f"The folder {folder} cannot be made: {problem.strerror}.",
                advice="Let the account that runs Bedside own the site's folder.",
            ) from problem
        refuse_forgetful_disk(folder)
        self._folder = folder

    def put(self, data: bytes) -> str:
        """Store `data` durably and return its digest; damaged bytes of that digest are replaced.

        Raises:
            Unavailable: the disk is full or cannot be written.
        """
        digest = canonical.digest(data)
        path = self._path(digest)
        try:
            if not (path.exists() and path.read_bytes() == data):
                self._write(path, data)
        except OSError as problem:
            raise Unavailable(
                f"{len(data)} bytes could not be stored in {self._folder}: {problem.strerror}.",
                advice="Look at the disk's free space and rights.",
            ) from problem
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes with this digest.

        Raises:
            NotFound: nothing with this digest is here.
            SiteProblem: the bytes are no longer those of the digest.
        """
        try:
            data = self._path(digest).read_bytes()
        except FileNotFoundError as problem:
            raise _missing(digest) from problem
        if canonical.digest(data) != digest:
            raise SiteProblem(
                f"The blob {digest} is damaged: its bytes have the digest {canonical.digest(data)}.",
                advice="Restore it from the backup, or add the same package again.",
            )
        return data

    def has(self, digest: str) -> bool:
        """Return whether bytes with this digest are here."""
        return self._path(digest).is_file()

    def size(self, digest: str) -> int:
        """Return the number of bytes, without reading them.

        Raises:
            NotFound: nothing with this digest is here.
        """
        try:
            return self._path(digest).stat().st_size
        except FileNotFoundError as problem:
            raise _missing(digest) from problem

    def _path(self, digest: str) -> Path:
        found = _DIGEST.fullmatch(digest)
        if found is None:
            raise UsageError(
                f"{digest!r} is not a digest.", advice="Write sha256: and 64 hexadecimal digits."
            )
        return self._folder / found[1][:2] / found[1][2:]

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".incoming-")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        # a rename is durable only when its folder is, and a new folder when its parent is
        sync_folder(path.parent)
        sync_folder(self._folder)


def _missing(digest: str) -> NotFound:
    return NotFound(f"There is no blob {digest}.", advice="Restore it from the backup.")
