"""Seals the files that come of one attempt, one after the other, as their pieces come."""

from __future__ import annotations

import hashlib
from typing import Final

from bedside.errors import LimitExceeded
from bedside.jobs.errand import KeptFile
from bedside.jobs.folder import RESULTS, JobFiles, SealedWriter
from bedside.jobs.frames import Frame, Garbled, read_made

MOST_FILES: Final = 64
MOST_RESULT_BYTES: Final = 2 * 2**30
"""Of all files that come of one job: a probability for each of 64 million voxels has 256 MiB."""


class Sealing:
    """The files of one attempt.

    Attributes:
        files: Those that are whole and on the disk.
    """

    def __init__(self, folder: JobFiles, job: str, attempt: int) -> None:
        self.files: list[KeptFile] = []
        self._folder = folder
        self._place = f"{RESULTS}/{job}/{attempt}"
        self._bytes = 0
        self._name = self._media_type = ""
        self._writer: SealedWriter | None = None
        self._digest = hashlib.sha256()

    def take(self, kind: Frame, payload: bytes) -> bool:
        """Take a frame of a file, and return whether the file is whole now.

        Raises:
            Garbled: it belongs to no file, or to one of a name or type that is none here.
            LimitExceeded: too many files, or too large.
            Unavailable: the disk refuses.
        """
        if kind is Frame.FILE and self._writer is None:
            self._begin(*read_made(payload))
        elif kind is Frame.PIECE and self._writer is not None:
            self._add(payload, self._writer)
        elif kind is Frame.END and self._writer is not None:
            self._end(self._writer)
            return True
        else:
            raise Garbled(f"A frame {kind.name} came where no file asks for it.")
        return False

    def drop(self) -> None:
        """Forget the file that is not whole."""
        if self._writer is not None:
            self._writer.drop()
            self._writer = None

    def _begin(self, name: str, media_type: str) -> None:
        if any(one.name == name for one in self.files):
            raise Garbled("Two files of a job have one name.")
        if len(self.files) >= MOST_FILES:
            raise LimitExceeded(f"A job has more than {MOST_FILES} files.")
        self._name, self._media_type, self._digest = name, media_type, hashlib.sha256()
        self._writer = self._folder.writer(f"{self._place}-{len(self.files)}")

    def _add(self, piece: bytes, writer: SealedWriter) -> None:
        self._bytes += len(piece)
        if self._bytes > MOST_RESULT_BYTES:
            raise LimitExceeded(f"The files of a job have more than {MOST_RESULT_BYTES} bytes.")
        self._digest.update(piece)
        writer.write(piece)

    def _end(self, writer: SealedWriter) -> None:
        writer.close()
        self._writer = None
        self.files.append(
            KeptFile(
                name=self._name,
                media_type=self._media_type,
                size=writer.plain,
                digest="sha256:" + self._digest.hexdigest(),
                file=writer.name,
                key=writer.key,
                sealed=writer.digest,
            )
        )
