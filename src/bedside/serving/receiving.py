"""Files as they come, sealed at once: nothing of an upload is in memory whole, or on the disk in clear.

The key of an upload is drawn before anybody knows whom it is about, and stays in memory until that
is known; what is broken off before then can be read by nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from bedside.clock import new_id
from bedside.errors import LimitExceeded, UsageError
from bedside.imaging.foreseeing import START_BYTES, voxels_among
from bedside.jobs.folder import UPLOADS, JobFiles
from bedside.jobs.frames import PIECE_BYTES, Frame, spell, spell_json
from bedside.serving.analysis_words import Sent, SentFile

MAX_FILE_NAME = 200
"""Characters of a file's name that are kept, with the file: a reader may look at its end."""


class Receiving:
    """One upload on its way; use it as a context manager: unless it is `whole`, nothing stays.

    Attributes:
        id: Of the upload.
        plain: Bytes of the files so far.
        voxels: That the files so far promise, 0 where none is a volume; None once one of them does not
            tell.
    """

    def __init__(
        self,
        files: JobFiles,
        most_bytes: int,
        most_files: int,
        room: Callable[[], None] | None = None,
    ) -> None:
        """Begin an upload of at most so many bytes and files.

        Args:
            files: Where it is put.
            most_bytes: Of all its files together.
            most_files: Of it.
            room: Refuses the first file where there is no room for it.

        Raises:
            Unavailable: the disk refuses.
        """
        self.id = new_id()
        self.plain = 0
        self.voxels: int | None = 0
        self._most_bytes = most_bytes
        self._most_files = most_files
        self._room = room
        self._files: list[SentFile] = []
        self._digest = hashlib.sha256()
        self._start = bytearray()
        self._begun = 0
        self._open = False
        self._folder = files
        self._writer = files.writer(f"{UPLOADS}/{self.id}")
        self._whole = False
        self._kept = False

    @property
    def count(self) -> int:
        """Return how many files are whole."""
        return len(self._files)

    @property
    def size(self) -> int:
        """Return the bytes of the sealed file; after `whole`."""
        return self._writer.size

    def begin(self, name: str) -> None:
        """Begin a file.

        Raises:
            LimitExceeded: there are as many as may be.
            UsageError: the one before has not ended.
            Unavailable: there is no room.
        """
        if self._open:
            raise UsageError("A file begins inside another one.")
        if self._room is not None and not self._files:
            self._room()
        if len(self._files) >= self._most_files:
            raise LimitExceeded(
                f"More than {self._most_files} files were sent.", advice="Send one series alone."
            )
        self._open, self._begun, self._digest = True, self.plain, hashlib.sha256()
        self._start.clear()
        self._writer.write(spell_json(Frame.FILE, {"name": name[-MAX_FILE_NAME:]}))

    def add(self, data: bytes) -> None:
        """Add bytes to the file that was begun.

        Raises:
            LimitExceeded: the upload is too large.
            Unavailable: the disk refuses, or has little room left.
        """
        self._folder.refuse_without_room()
        if self.plain + len(data) > self._most_bytes:
            raise LimitExceeded(
                f"The files have more than {self._most_bytes} bytes together.",
                advice="Send one series alone, compressed; a site may allow more ([jobs]).",
            )
        self.plain += len(data)
        self._digest.update(data)
        self._start += data[: START_BYTES - len(self._start)]
        for start in range(0, len(data), PIECE_BYTES):
            self._writer.write(spell(Frame.PIECE, data[start : start + PIECE_BYTES]))

    def end(self) -> None:
        """End the file that was begun; beside others it may be empty, as in a folder."""
        size = self.plain - self._begun
        self._open = False
        promised = None if self.voxels is None else voxels_among(bytes(self._start))
        self.voxels = None if promised is None else (self.voxels or 0) + promised
        self._writer.write(spell(Frame.END))
        self._files.append(SentFile("sha256:" + self._digest.hexdigest(), size))

    def whole(self, subject: str | None) -> Sent:
        """Put the upload down durably, and return what it is.

        Raises:
            UsageError: no file came, or nothing in any of them.
            Unavailable: the disk refuses.
        """
        if self._open or not self._files:
            raise UsageError("No file was sent.", advice="Send the volume: one file, or several.")
        if not self.plain:
            raise UsageError("A file is empty.", advice="Send the volume in it.")
        if not self._whole:
            self._writer.close()
        self._whole = True
        return Sent(self._writer.key, tuple(self._files), subject, self.voxels or None)

    def keep(self) -> None:
        """Let it stay: a row tells of it now."""
        self._kept = True

    def drop(self) -> None:
        """Remove it, unless a row tells of it."""
        if self._kept:
            return
        if self._whole:
            self._folder.remove_upload(self.id)
        else:
            self._writer.drop()

    def __enter__(self) -> Receiving:
        """Return the upload."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it, unless a row tells of it."""
        self.drop()
