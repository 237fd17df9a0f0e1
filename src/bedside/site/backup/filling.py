"""Puts what a generation holds where it belongs: rows into databases, packages and files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from sqlalchemy import Connection

from bedside.canonical import Json
from bedside.errors import LimitExceeded, SiteProblem
from bedside.site.backup.forgetting import without
from bedside.site.backup.job_files import JobFileTaker
from bedside.site.backup.manifest import Manifest
from bedside.site.backup.pages import Shape, decode_page
from bedside.site.backup.records import Record, document_of
from bedside.site.backup.source import MAX_FILE_BYTES, PUBLIC_SUFFIXES, keys_schema, moment_of
from bedside.site.backup.tables import fill, refuse_other_shape
from bedside.site.backup.target import refuse_tables
from bedside.site.schema import upgrade_to
from bedside.site.settings import SETTINGS_FILE
from bedside.site.unlocking import KEYS_FOLDER
from bedside.store.blobs import Blobs
from bedside.store.database import Database
from bedside.store.disk import write_new

Records: TypeAlias = Iterator[tuple[Record, bytes]]

MAX_BLOB_BYTES: Final = 16 * 2**30
"""Larger than any package that this Bedside opens."""

_NAME: Final = re.compile(rf"{re.escape(SETTINGS_FILE)}|{KEYS_FOLDER}/[A-Za-z0-9][\w.-]{{0,99}}")
_CACHE: Final = "PRAGMA cache_size=-65536"
"""64 MiB: with the usual two, the indexes of a long ledger would be written again and again."""


@dataclass(slots=True)
class Files:
    """Gathers the pieces of files and blobs, and puts each down when it is whole.

    Attributes:
        folder: Of the new site.
        blobs: Of the new site; None where a part has none.
        settings: The text of `site.toml`, which is written by others, last.
    """

    folder: Path
    blobs: Blobs | None = None
    settings: str = ""
    _job_files: JobFileTaker | None = None
    _about: dict[str, Json] = field(default_factory=dict)
    _pieces: bytearray = field(default_factory=bytearray)

    def begin(self, kind: Record, payload: bytes) -> None:
        """Begin a file or a blob.

        Raises:
            SiteProblem: a name that is none of a site's, or the one before was not whole.
            LimitExceeded: it is too large.
        """
        self.end()
        about = document_of(payload)
        if kind is Record.JOB_FILE:
            self._job_files = self._job_files or JobFileTaker(self.folder)
            self._job_files.begin(about)
            return
        size, limit = about.get("size"), MAX_FILE_BYTES if kind is Record.FILE else MAX_BLOB_BYTES
        if type(size) is not int or not 0 <= size <= limit:
            raise LimitExceeded(f"A file or package of {size!r} bytes is in the backup.")
        if kind is Record.FILE and not _NAME.fullmatch(str(about.get("name"))):
            raise SiteProblem(f"The backup holds a file {about.get('name')!r}, which is no site's.")
        self._about = about
        self.add(b"")

    def add(self, piece: bytes) -> None:
        """Add a piece.

        Raises:
            SiteProblem: no file was begun, or it is longer than it was said to be.
        """
        if self._job_files is not None and self._job_files.busy:
            self._job_files.add(piece)
            return
        size = self._about.get("size")
        if size is None or len(self._pieces) + len(piece) > size:
            raise SiteProblem("The backup holds bytes that belong to no file.")
        self._pieces += piece
        if len(self._pieces) == size:
            self._put(bytes(self._pieces))
            self._about, self._pieces = {}, bytearray()

    def end(self) -> None:
        """Check that nothing is missing.

        Raises:
            SiteProblem: the last file is not whole.
        """
        if self._about:
            raise _cut_off(self._about)
        if self._job_files is not None and self._job_files.busy:
            raise _cut_off({"name": "A file of a job"})

    def _put(self, data: bytes) -> None:
        if "digest" in self._about:
            digest = self._about["digest"]
            if self.blobs is None or self.blobs.put(data) != digest:
                raise SiteProblem(f"The package {digest} in the backup is another one.")
            return
        if self._about["name"] == SETTINGS_FILE:
            self.settings = data.decode("utf-8")
            return
        path = self.folder / str(self._about["name"])
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_new(path, data, 0o644 if path.suffix in PUBLIC_SUFFIXES else 0o600)


def fill_database(records: Records, database: Database, files: Files, manifest: Manifest) -> None:
    """Put a data file into an empty database and a folder, then bring the schema up to date.

    All rows come in one transaction: they are there together, or not at all.

    Raises:
        Conflict: the database is not empty: another process was faster.
        SiteProblem: the file is not what was written, or of a schema that is not known here.
        Unavailable: the database cannot answer.
    """
    with database.write() as connection:
        refuse_tables(connection, database)
        if database.dialect == "sqlite":
            connection.exec_driver_sql(_CACHE)
        upgrade_to(connection, manifest.schema)
        _pour(records, connection, None, files)
        moment = moment_of(connection)
        told = (manifest.schema, manifest.size, manifest.root, manifest.note)
        if (moment.schema, moment.size, moment.root, moment.note) != told:
            raise SiteProblem(
                f"The backup holds a ledger of {moment.size} entries with the root {moment.root}; "
                f"its manifest tells of {manifest.size} with {manifest.root}.",
                advice="Use another generation.",
            )
        upgrade_to(connection, "head")


def fill_keys(
    records: Records, database: Database, files: Files, destroyed: dict[str, str]
) -> None:
    """Put a keys file into the empty table of subject keys and a folder.

    Args:
        records: Of the keys file.
        database: That holds the table.
        files: Take the signing keys.
        destroyed: When keys were destroyed since, by key id: they come in as destroyed.

    Raises:
        SiteProblem: the file is not what was written.
        Unavailable: the database cannot answer.
    """
    with database.write() as connection:
        _pour(without(records, destroyed), connection, keys_schema(database), files)


def _pour(records: Records, connection: Connection, schema: str | None, files: Files) -> None:
    shape: Shape | None = None
    for kind, payload in records:
        if kind in (Record.FILE, Record.BLOB, Record.JOB_FILE):
            files.begin(kind, payload)
        elif kind is Record.PIECE:
            files.add(payload)
        elif kind is Record.TABLE:
            shape = Shape.read(document_of(payload))
            refuse_other_shape(connection, shape, schema)
        elif kind is Record.PAGE:
            if shape is None:
                raise SiteProblem("The backup has rows of no table.")
            fill(connection, shape, decode_page(shape, payload), schema)
    files.end()


def _cut_off(about: dict[str, Json]) -> SiteProblem:
    name = about.get("name", about.get("digest"))
    return SiteProblem(f"{name} is not whole in the backup.", advice="Use another generation.")
