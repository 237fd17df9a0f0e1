"""An export: the whole ledger as one file that anybody can check with the public key alone.

Canonical JSON, one value a line: a header, then the entries in order, each checkpoint directly
after the last entry that it covers. Everything sealed stays sealed; no key is in it. Every byte
is checked: a line must be the one canonical spelling of its value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.errors import BedsideError, LedgerBroken, UsageError
from bedside.keys.signing import PublicKey
from bedside.ledger import rows
from bedside.ledger.audit import Audit, Evidence, Verdict
from bedside.ledger.checkpoint import Checkpoint
from bedside.ledger.encoding import from_base64, to_base64
from bedside.ledger.events import MAX_EVENT_BYTES, Entry
from bedside.ledger.form import broken, is_number
from bedside.ledger.key_chain import CHANGED, new_key
from bedside.ledger.ledger import Ledger
from bedside.ledger.sightings import Sighting, Sightings
from bedside.ledger.witness import Log

FORMAT = "bedside-ledger-export"
VERSION = 1

_START = b'{"entry":{"event":"'
_MIDDLE = b'","index":'
_REST = re.compile(
    rb'","index":(0|[1-9][0-9]{0,14}),"root":"([A-Za-z0-9+/]{43}=)","salt":"([A-Za-z0-9+/]{43}=)"\}\}'
)
_CONTROLS = bytes(range(0x20))
_CHANGE = f'\\"kind\\":\\"{CHANGED}\\"'.encode()
"""What an entry that changes the key has in its line, and hardly any other."""

MAX_LINE_BYTES = 6 * MAX_EVENT_BYTES + 4096
"""The largest event, every byte of it escaped as \\u00xx, and the rest of its line."""


def write_export(ledger: Ledger, stream: BinaryIO) -> Checkpoint:
    """Write the ledger as it is now, and return the checkpoint that it ends in.

    The present head is signed first, so that nothing in the file is unsigned.

    Raises:
        LedgerBroken: an event is not text; the export would not tell what is stored.
    """
    last = ledger.checkpoint()
    header = {
        "format": FORMAT,
        "origin": ledger.origin,
        "root": to_base64(last.root),
        "size": last.size,
        "v": VERSION,
    }
    stream.write(_line(header))
    with ledger.database.read() as connection:
        signed = _Signed(rows.notes(connection), last)
        stream.writelines(signed.up_to(0))
        for entry in rows.pages(connection, 0, last.size):
            stream.write(_line(_entry_line(entry)))
            stream.writelines(signed.up_to(entry.index + 1))
    return last


def verify_export(path: Path, public_key: PublicKey, found: Iterable[Sighting] = ()) -> Verdict:
    """Check an export from its first byte to its last, and return what was proved.

    Args:
        path: The file.
        public_key: The ledger's public key, from a source other than the file.
        found: What others saw of this ledger, in order of size.

    Raises:
        UsageError: the file cannot be read, or is not an export.
        LedgerBroken: it is not what was recorded, or not what somebody saw; `index` is the first
            wrong entry where known.
    """
    with _opened(path) as stream:
        return _verify(stream, public_key, Sightings(found))


def origin_of(path: Path) -> str:
    """Return the ledger's name as an export says it; nothing is checked.

    Raises:
        UsageError: the file cannot be read, or is not an export.
    """
    with _opened(path) as stream:
        return _header(next(_values(_raw_lines(stream)), None))[0]


def log_in(path: Path, first: PublicKey) -> Log:
    """Return the ledger of an export, with every key that it says it had; nothing is checked.

    Raises:
        UsageError: the file cannot be read, or is not an export.
        LedgerBroken: a line that changes the key names none.
    """
    with _opened(path) as stream:
        lines = iter(lambda: stream.readline(MAX_LINE_BYTES + 1), b"")
        later = tuple(_changed(line) for line in lines if _CHANGE in line)
    return Log(origin_of(path), first, later)


def seen_in(path: Path) -> Iterator[Sighting]:
    """Yield what an earlier export saw: the root at every entry; it must be verified by itself.

    Raises:
        UsageError: the file cannot be read, or is not an export.
        LedgerBroken: a line of it cannot be read.
    """
    with _opened(path) as stream:
        lines = _values(_raw_lines(stream))
        _header(next(lines, None))
        for _, line in lines:
            if isinstance(line, dict) and isinstance(entry := line.get("entry"), dict):
                evidence = _evidence(int(entry.get("index", 0)), entry)
                yield Sighting(evidence.index + 1, evidence.root, f"the export {path.name}")


def _changed(line: bytes) -> PublicKey:
    match read_json(line):
        case {"entry": {"event": str(event), "index": int(index)}}:
            return new_key(index, event.encode())
    raise LedgerBroken("A line of the export that changes the key is no entry.")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as stream:
            yield stream
    except OSError as problem:
        raise UsageError(
            f"The export {path} cannot be read: {problem.strerror}.", advice="Check its path."
        ) from problem


def _verify(stream: BinaryIO, public_key: PublicKey, sightings: Sightings) -> Verdict:
    lines = _raw_lines(stream)
    origin, size, root = _header(next(_values(lines), None))
    audit = Audit(origin, public_key)
    for number, data in lines:
        evidence = _plain_evidence(data)
        if evidence is None:
            evidence = _other_line(audit, _value(number, data), number)
        if evidence is not None:
            audit.entry(evidence)
            if audit.tree.size == sightings.coming:
                sightings.compare(audit.tree.size, evidence.root)
    if audit.tree.size < size:
        raise broken(audit.tree.size, f"it is missing; the export says that it has {size}")
    sightings.end(audit.tree.size)
    if (audit.tree.size, to_base64(audit.tree.root())) != (size, root):
        raise LedgerBroken("The header's size or root is not that of the entries.")
    return audit.verdict()


def _other_line(audit: Audit, line: Json, number: int) -> Evidence | None:
    """Check a checkpoint, or return the entry that a line tells of."""
    match line:
        case {"checkpoint": str(note), **rest} if not rest:
            audit.checkpoint(note)
            return None
        case {"entry": dict(entry), **rest} if not rest:
            return _evidence(audit.tree.size, entry)
    raise LedgerBroken(f"Line {number} is neither an entry nor a checkpoint.")


def _plain_evidence(data: bytes) -> Evidence | None:
    """Return the entry of a line in the one spelling that entries hardly ever differ from.

    What matches is canonical JSON: an event in which nothing needs an escape but its quotation
    marks, and digests of 32 bytes. Anything else is read as JSON.
    """
    end = data.rfind(_MIDDLE)
    found = _REST.fullmatch(data, max(end, 0)) if data.startswith(_START) else None
    if found is None:
        return None
    escaped = data[len(_START) : end]
    marks = escaped.count(b'\\"')
    if not marks == escaped.count(b"\\") == escaped.count(b'"'):
        return None  # a backslash without a quotation mark, or the other way round
    if len(escaped.translate(None, _CONTROLS)) < len(escaped):
        return None
    index, root, salt = found.groups()
    try:
        escaped.decode()
        event = escaped.replace(b"\\", b"")
        return Evidence(int(index), event, from_base64(salt.decode()), from_base64(root.decode()))
    except ValueError:  # not UTF-8, or another spelling in base64: whoever reads on names it
        return None


def _raw_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield each line by its number, without its end."""
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if not line.endswith(b"\n"):
            raise LedgerBroken(f"Line {number} of the export is cut off, or too long.")
        yield number, line[:-1]


def _values(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, Json]]:
    return ((number, _value(number, data)) for number, data in lines)


def _value(number: int, data: bytes) -> Json:
    try:
        value = read_json(data)
        same = canonical_bytes(value) == data
    except BedsideError as problem:
        raise LedgerBroken(f"Line {number} of the export: {problem.message}") from problem
    if not same:
        raise LedgerBroken(f"Line {number} of the export is not canonical JSON.")
    return value


def _header(first: tuple[int, Json] | None) -> tuple[str, int, str]:
    """Return the origin, the size and the root in base64 that the header states."""
    match first:
        case (
            _,
            {
                "format": "bedside-ledger-export",
                "origin": str(origin),
                "root": str(root),
                "size": int(size),
                "v": version,
                **rest,
            },
        ) if not rest and is_number(version, VERSION) and is_number(size, size):
            return origin, size, root
    raise UsageError(
        "This is not an export of a ledger, version 1.", advice="Make one: bedside ledger export"
    )


def _evidence(index: int, entry: dict[str, Json]) -> Evidence:
    match entry:
        case {
            "event": str(event),
            "index": int(place),
            "root": str(root),
            "salt": str(salt),
            **rest,
        } if not rest and is_number(place, place):
            try:
                return Evidence(place, event.encode(), from_base64(salt), from_base64(root))
            except ValueError as problem:
                raise broken(index, f"its salt or root is {problem}") from problem
    raise broken(index, "its line does not have the fields of version 1")


def _entry_line(entry: Entry) -> Json:
    try:
        event = entry.event.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise broken(entry.index, "its event is not text") from problem
    fields = {
        "event": event,
        "index": entry.index,
        "root": to_base64(entry.root),
        "salt": to_base64(entry.salt),
    }
    return {"entry": fields}


def _line(value: Json) -> bytes:
    return canonical_bytes(value) + b"\n"


class _Signed:
    """The checkpoints that were signed up to `last`, given out by the size that they cover."""

    def __init__(self, notes: Iterator[tuple[int, str]], last: Checkpoint) -> None:
        self._notes = notes
        self._last = last
        self._coming = next(notes, None)

    def up_to(self, size: int) -> Iterator[bytes]:
        while self._coming is not None:
            note = self._coming[1]
            covers = int(note.split("\n", 2)[1])
            if covers > min(size, self._last.size):
                return
            yield _line({"checkpoint": note})
            self._coming = next(self._notes, None)
