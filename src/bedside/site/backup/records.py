"""What is inside of a backup's file once it is opened: records, one after the other.

file   = header, then any number of the others, then end
record = kind (1 byte) ‖ length (4 bytes, big-endian) ‖ payload
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.errors import SiteProblem
from bedside.keys.stream import StreamReader, StreamWriter
from bedside.site.backup.pages import rows_in

MAX_PAYLOAD_BYTES: Final = 256 * 2**20
"""No record is larger: a page of the largest events, with room; typical ones have some 200 KiB."""

PIECE_BYTES: Final = 1024 * 1024
"""Bytes of a blob or a file in one record."""

_FRAME: Final = struct.Struct(">cI")


class Record(Enum):
    """The kinds of record."""

    HEADER = b"H"
    """JSON: what this file is."""
    FILE = b"F"
    """JSON: name, mode and size of a file of the site; its bytes follow in pieces."""
    TABLE = b"T"
    """JSON: name and columns of a table; its pages follow."""
    PAGE = b"R"
    """Rows of the table named last."""
    BLOB = b"B"
    """JSON: digest and size of a blob; its bytes follow in pieces."""
    JOB_FILE = b"J"
    """JSON: name and size of a sealed file of a job; its bytes follow in pieces."""
    PIECE = b"D"
    """Bytes of the file or blob named last."""
    END = b"E"
    """JSON: how many tables, rows, files and blobs there were; nothing follows."""


@dataclass(slots=True)
class Counts:
    """How much a file holds; its last record says it, and a reader counts again."""

    tables: int = 0
    rows: int = 0
    files: int = 0
    blobs: int = 0
    job_files: int = 0

    def add(self, kind: Record, payload: bytes) -> None:
        """Count one record."""
        self.tables += kind is Record.TABLE
        self.files += kind is Record.FILE
        self.blobs += kind is Record.BLOB
        self.job_files += kind is Record.JOB_FILE
        self.rows += rows_in(payload) if kind is Record.PAGE else 0

    def document(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "blobs": self.blobs,
            "files": self.files,
            "rows": self.rows,
            "tables": self.tables,
        } | ({"job_files": self.job_files} if self.job_files else {})


class RecordWriter:
    """Writes records.

    Attributes:
        counts: What was written so far.
    """

    def __init__(self, stream: StreamWriter) -> None:
        self._stream = stream
        self.counts = Counts()

    def put(self, kind: Record, payload: bytes) -> None:
        """Write one record.

        Raises:
            SiteProblem: too large.
        """
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise SiteProblem(f"A record of {len(payload)} bytes does not fit into a backup.")
        self._stream.write(_FRAME.pack(kind.value, len(payload)))
        self._stream.write(payload)
        self.counts.add(kind, payload)

    def put_json(self, kind: Record, value: Json) -> None:
        """Write one record of JSON."""
        self.put(kind, canonical_bytes(value))

    def put_bytes(self, kind: Record, about: dict[str, Json], pieces: Iterable[bytes]) -> None:
        """Write a file or blob: what it is, then its bytes."""
        self.put_json(kind, about)
        for piece in pieces:
            self.put(Record.PIECE, piece)

    def copy(self, kind: Record, payload: bytes) -> None:
        """Write a record of another file; its header and end are made anew and not copied."""
        if kind in (Record.HEADER, Record.END):
            return
        self.put(kind, payload)

    def end(self) -> None:
        """Say how much there was, and seal the file's last chunk."""
        self.put_json(Record.END, self.counts.document())
        self._stream.close()


def read_records(stream: StreamReader, name: str) -> Iterator[tuple[Record, bytes]]:
    """Yield every record but the end, which is checked for being the last.

    Raises:
        SiteProblem: not what was written, or a kind that this Bedside does not know.
    """
    while True:
        kind_byte, length = _FRAME.unpack(stream.exactly(_FRAME.size))
        try:
            kind = Record(kind_byte)
        except ValueError as problem:
            raise SiteProblem(
                f"{name} has a record of kind {kind_byte!r}.",
                advice="Restore it with the Bedside that made it, or a later one.",
            ) from problem
        if length > MAX_PAYLOAD_BYTES:
            raise SiteProblem(f"{name} has a record of {length} bytes.")
        payload = stream.exactly(length)
        yield kind, payload
        if kind is Record.END:
            if not stream.at_end():
                raise SiteProblem(f"{name} goes on after its end.")
            return


def document_of(payload: bytes) -> dict[str, Json]:
    """Return the JSON object of a record.

    Raises:
        UsageError: it is not JSON.
        SiteProblem: it is no object.
    """
    value = read_json(payload)
    if not isinstance(value, dict):
        raise SiteProblem("A record of the backup is no JSON object.")
    return value
