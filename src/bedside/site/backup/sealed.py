"""One encrypted file of a generation: how it is begun, ended, opened and read back."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.errors import BedsideError, SiteProblem
from bedside.keys.site_key import SiteKey
from bedside.keys.stream import StreamReader, StreamWriter, read_line
from bedside.site.backup.manifest import FORMAT, VERSION, Manifest, Part, SealedFile, part_key
from bedside.site.backup.place import Place, incoming, reached
from bedside.site.backup.records import (
    PIECE_BYTES,
    Counts,
    Record,
    RecordWriter,
    document_of,
    read_records,
)

SALT_BYTES: Final = 32


@dataclass(slots=True)
class Writing:
    """An encrypted file that is being written; `sealed` tells of it when it is whole."""

    records: RecordWriter
    sealed: SealedFile = field(default_factory=lambda: SealedFile(0, ""))


@contextmanager
def written(
    place: Place, part: Part, header: dict[str, Json], site_key: SiteKey
) -> Iterator[Writing]:
    """Give a file that stands in its place, durable and whole, when the block is left.

    Args:
        place: Whose folder it goes to.
        part: Which of the two files it is.
        header: Its first record; `generation` and `origin` stand in the clear, too.
        site_key: What its key is derived from.

    Raises:
        Unavailable: the disk refused; the file that was there before is still there.
    """
    line = _line(part, str(header["generation"]), str(header["origin"]))
    with incoming(place.part_path(str(header["generation"]), part)) as target:
        stream = StreamWriter(target, part_key(site_key, part), line)
        writing = Writing(RecordWriter(stream))
        writing.records.put_json(Record.HEADER, header)
        yield writing
        writing.records.end()
        writing.sealed = SealedFile(stream.size, stream.digest)


@contextmanager
def opened(
    place: Place, manifest: Manifest, part: Part, site_key: SiteKey, *, exact: bool = True
) -> Iterator[Iterator[tuple[Record, bytes]]]:
    """Give the records of a file; whoever reads them to their end knows that all were written.

    Args:
        place: Where it is.
        manifest: Of its generation.
        part: Which of the two files it is.
        site_key: What its key is derived from.
        exact: Whether its size and digest must be those of the manifest. Without, any file that
            the holder of the site key wrote for this generation is read.

    Raises:
        Unavailable: the disk refused.
        SiteProblem: the file is missing, or not the one that the manifest tells of.
    """
    path = place.part_path(manifest.generation, part)
    if not path.is_file():
        raise SiteProblem(f"{path} is missing.", advice="Bring it back, or use another generation.")
    with reached(path.parent), path.open("rb") as source:
        yield _records(source, manifest, (part, exact), site_key)


def check_file(place: Place, manifest: Manifest, part: Part, site_key: SiteKey) -> Counts:
    """Read a whole file, and return how much it holds.

    Raises:
        Unavailable: the disk refused.
        SiteProblem: a byte of it is not what was written.
    """
    found = Counts()
    with opened(place, manifest, part, site_key) as records:
        for kind, payload in records:
            found.add(kind, payload)
            if kind is Record.END and document_of(payload) != found.document():
                raise SiteProblem(f"{part} of {manifest.generation} does not hold what it says.")
    return found


def measured(path: Path) -> SealedFile:
    """Return the size and digest of a file as it lies there.

    Raises:
        Unavailable: it is missing, or the disk refused.
    """
    found = hashlib.sha256()
    with reached(path.parent), path.open("rb") as source:
        while piece := source.read(PIECE_BYTES):
            found.update(piece)
        return SealedFile(source.tell(), "sha256:" + found.hexdigest())


def _line(part: Part, generation: str, origin: str) -> bytes:
    salt = os.urandom(SALT_BYTES).hex()
    told = {
        "format": FORMAT, "generation": generation, "origin": origin, "part": part,
        "salt": salt, "v": VERSION,
    }  # fmt: skip
    return canonical_bytes(told) + b"\n"


def _records(
    source: BinaryIO, manifest: Manifest, which: tuple[Part, bool], site_key: SiteKey
) -> Iterator[tuple[Record, bytes]]:
    part, exact = which
    name = f"bedside-{manifest.generation}.{part}"
    line = read_line(source, name)
    _refuse_other_line(line, name, manifest, part)
    stream = StreamReader(source, part_key(site_key, part), line, name)
    first = True
    for kind, payload in read_records(stream, name):
        if first != (kind is Record.HEADER):
            raise SiteProblem(f"{name} does not begin with one header.")
        first = False
        if kind is Record.END and exact:
            _refuse_other_bytes(SealedFile(stream.size, stream.digest), name, manifest, part)
        yield kind, payload


def _refuse_other_line(line: bytes, name: str, manifest: Manifest, part: Part) -> None:
    try:
        told = read_json(line)
        fits = (
            told["format"] == FORMAT
            and told["v"] == VERSION
            and told["part"] == part
            and told["generation"] == manifest.generation
            and told["origin"] == manifest.origin
        )
    except (BedsideError, KeyError, TypeError) as problem:
        raise SiteProblem(f"{name} does not begin like a backup.") from problem
    if not fits:
        raise SiteProblem(
            f"{name} is another file than its name says: {line[:200].decode(errors='replace')}",
            advice="Files of two generations or sites were mixed up.",
        )


def _refuse_other_bytes(found: SealedFile, name: str, manifest: Manifest, part: Part) -> None:
    told = manifest.part(part)
    if found != told:
        raise SiteProblem(
            f"{name} has {found.size} bytes with the digest {found.digest}; its manifest tells of "
            f"{told.size} with {told.digest}.",
            advice="Use another generation.",
        )
