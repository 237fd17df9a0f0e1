"""The sealed files of long analyses in a backup: what accepted jobs need, and what came of them.

They are copied as they lie, each under its own key, which stands sealed in its job's row. A file that
was removed since the snapshot, because its time was over or its person erased, is left out.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy import Connection, text

from bedside.canonical import Json
from bedside.errors import SiteProblem, UsageError
from bedside.jobs.folder import JobFiles
from bedside.site.backup.records import PIECE_BYTES, Record, RecordWriter
from bedside.site.files import JOB_FILES_FOLDER

_TABLE: Final = "jobs"
_NEEDED: Final = text("SELECT upload FROM jobs WHERE ended_at = ''")
_ENDED: Final = text("SELECT id FROM jobs WHERE state = 'done'")


def write_job_files(connection: Connection, folder: Path, records: RecordWriter) -> None:
    """Write the files that the snapshot's jobs need or have made.

    Args:
        connection: Of the snapshot; its schema may be an older one, without jobs.
        folder: Of the site.
        records: Of the data file.
    """
    if not connection.dialect.has_table(connection, _TABLE):
        return
    wanted = {str(one) for one in connection.execute(_NEEDED).scalars()}
    wanted |= {str(one) for one in connection.execute(_ENDED).scalars()}
    files = JobFiles(folder / JOB_FILES_FOLDER)
    for name in files.names() if wanted else ():
        if name.split("/")[1] in wanted:
            _write(files.path(name), name, records)


def _write(path: Path, name: str, records: RecordWriter) -> None:
    try:
        source = path.open("rb")
    except FileNotFoundError:
        return
    with source:  # whole and never changed: it has its size until its end
        about: dict[str, Json] = {"name": name, "size": os.fstat(source.fileno()).st_size}
        records.put_bytes(Record.JOB_FILE, about, iter(lambda: source.read(PIECE_BYTES), b""))


class JobFileTaker:
    """Puts the files of jobs back, piece by piece."""

    def __init__(self, folder: Path) -> None:
        self._files = JobFiles(folder / JOB_FILES_FOLDER)
        self._left = 0
        self._target: BinaryIO | None = None

    @property
    def busy(self) -> bool:
        """Whether a file is not whole yet."""
        return self._target is not None

    def begin(self, about: dict[str, Json]) -> None:
        """Begin a file.

        Raises:
            SiteProblem: this is no file of a job.
        """
        name, size = about.get("name"), about.get("size")
        try:
            path = self._files.path(str(name))
        except UsageError as problem:
            raise SiteProblem(f"The backup holds a file {name!r}, which is no job's.") from problem
        if type(size) is not int or size < 0:
            raise SiteProblem(f"The backup holds a file of a job with the size {size!r}.")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        self._target, self._left = os.fdopen(handle, "wb"), size
        self._end_if_whole()

    def add(self, piece: bytes) -> None:
        """Add a piece.

        Raises:
            SiteProblem: the file is longer than it was said to be.
        """
        if self._target is None or len(piece) > self._left:
            raise SiteProblem("The backup holds bytes that belong to no file.")
        self._target.write(piece)
        self._left -= len(piece)
        self._end_if_whole()

    def _end_if_whole(self) -> None:
        if self._target is not None and not self._left:
            self._target.flush()
            os.fsync(self._target.fileno())
            self._target.close()
            self._target = None
