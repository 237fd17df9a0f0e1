"""The `.bedside` file: a zip in exactly one spelling.

Any zip tool can read it, but only one sequence of bytes is a valid archive of given entries:
uncompressed, fixed order, fixed times, no extras. The reader writes what it has read once more
and demands equal bytes, so that every bit of the file is accounted for (Python's `zipfile`
overlooks almost half of all bit flips). `docs/spec/package.md`, section 2, is the full text.

Source: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from bedside.errors import LimitExceeded, NotFound, PackageDamaged, UsageError

MANIFEST = "manifest.json"
SIGNATURE = "signature.json"

MAX_ARCHIVE_BYTES = 2 * 2**30
"""2 GiB: below the 4 GiB where zip needs its 64-bit extension; larger than a tabular or imaging model."""

MAX_ENTRIES = 64
"""A package holds a manifest, a signature, a network, golden cases and a few tables."""

ENTRY_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}\.[a-z0-9]{1,10}")
"""The whole name: lower-case ASCII, one dot, no folder."""

_VERSION_NEEDED = 10
_MADE_BY = 3 << 8 | _VERSION_NEEDED
_DOS_TIME = 0
_DOS_DATE = 1 << 5 | 1
_UNIX_MODE = 0o100644 << 16

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_LOCAL_MAGIC, _CENTRAL_MAGIC, _END_MAGIC = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"

_Seen: TypeAlias = dict[str, memoryview]


def write_archive(entries: Mapping[str, bytes]) -> bytes:
    """Return the one archive that holds `entries`.

    Raises:
        UsageError: no entry, or a name that the format does not allow.
        LimitExceeded: more than `MAX_ENTRIES` entries, or more than `MAX_ARCHIVE_BYTES` in all.
    """
    if not entries:
        raise UsageError("An archive needs at least one entry.")
    for name in entries:
        if not ENTRY_NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is not an entry name.",
                advice="Use lower-case letters, digits, - and _, then one dot and an extension.",
            )
    if len(entries) > MAX_ENTRIES:
        raise LimitExceeded(f"{len(entries)} entries; an archive holds at most {MAX_ENTRIES}.")
    size = sum(_entry_overhead(name) + len(data) for name, data in entries.items()) + _END.size
    if size > MAX_ARCHIVE_BYTES:
        raise LimitExceeded(f"The archive would have {size} bytes; at most {MAX_ARCHIVE_BYTES}.")
    return b"".join(_spelling({name: memoryview(data) for name, data in entries.items()}))


def read_archive(data: bytes) -> dict[str, bytes]:
    """Return the entries of an archive, by name, in the archive's order.

    Raises:
        PackageDamaged: `data` is not exactly what `write_archive` gives for some entries; the
            message names the first fault and its place.
    """
    if len(data) > MAX_ARCHIVE_BYTES:
        raise PackageDamaged(f"The file has {len(data)} bytes; at most {MAX_ARCHIVE_BYTES}.")
    view = memoryview(data)
    entries = _read_entries(view)
    _demand_order(list(entries))
    position = 0
    for piece in _spelling(entries):
        if view[position : position + len(piece)] != piece:
            raise PackageDamaged(
                f"The archive differs from its only valid spelling near byte {position}.",
                advice="Get the file again from where it was made; do not repack it.",
            )
        position += len(piece)
    if position != len(data):
        raise PackageDamaged(f"{len(data) - position} stray bytes follow the archive's end.")
    return {name: bytes(content) for name, content in entries.items()}


def read_file(path: Path) -> bytes:
    """Return the bytes of the file at `path`, its size checked before any is read.

    Raises:
        NotFound: no file there.
        UsageError: not a file, or not readable.
        PackageDamaged: larger than `MAX_ARCHIVE_BYTES`.
    """
    try:
        if not path.is_file():
            known = path.exists()
            problem = "is not a file" if known else "does not exist"
            raise (UsageError if known else NotFound)(f"{str(path)!r} {problem}.")
        size = path.stat().st_size
        if size > MAX_ARCHIVE_BYTES:
            raise PackageDamaged(f"{path.name!r} has {size} bytes; at most {MAX_ARCHIVE_BYTES}.")
        with path.open("rb") as file:
            return file.read(size + 1)
    except (OSError, ValueError) as problem:
        raise UsageError(f"{str(path)!r} cannot be read: {problem}.") from problem


def _entry_overhead(name: str) -> int:
    return _LOCAL.size + _CENTRAL.size + 2 * len(name)


def _place(name: str) -> tuple[int, str]:
    """Sort key of the archive's order: manifest, signature, then the rest by name."""
    return {MANIFEST: 0, SIGNATURE: 1}.get(name, 2), name


def _demand_order(names: list[str]) -> None:
    if names != sorted(names, key=_place):
        raise PackageDamaged(f"The entries stand in a wrong order: {', '.join(names)}.")


def _spelling(entries: Mapping[str, memoryview]) -> Iterator[bytes | memoryview]:
    """Yield the archive's bytes in pieces, so that a reader compares without a second copy."""
    offset, directory = 0, b""
    for name in sorted(entries, key=_place):
        content, ascii_name = entries[name], name.encode("ascii")
        crc, size = zlib.crc32(content), len(content)
        shared = (_VERSION_NEEDED, 0, 0, _DOS_TIME, _DOS_DATE, crc, size, size, len(name), 0)
        yield _LOCAL.pack(_LOCAL_MAGIC, *shared) + ascii_name
        yield content
        directory += _CENTRAL.pack(_CENTRAL_MAGIC, _MADE_BY, *shared, 0, 0, 0, _UNIX_MODE, offset)
        directory += ascii_name
        offset += _LOCAL.size + len(name) + size
    yield directory
    count = len(entries)
    yield _END.pack(_END_MAGIC, 0, 0, count, count, len(directory), offset, 0)


def _read_entries(view: memoryview) -> _Seen:
    """Walk the local headers from the front; the central directory is compared afterwards."""
    entries: _Seen = {}
    position = 0
    while view[position : position + 4] == _LOCAL_MAGIC:
        if len(entries) == MAX_ENTRIES:
            raise PackageDamaged(f"More than {MAX_ENTRIES} entries.")
        name, content, position = _read_entry(view, position)
        if name in entries:
            raise PackageDamaged(f"The entry {name!r} stands twice.")
        entries[name] = content
    if not entries:
        raise PackageDamaged(
            f"Not a Bedside package: it begins with {bytes(view[:4])!r}, not with {_LOCAL_MAGIC!r}.",
            advice="Give the .bedside file that `bedside freeze` wrote.",
        )
    return entries


def _read_entry(view: memoryview, position: int) -> tuple[str, memoryview, int]:
    """Return name, content and the position after one entry that begins at `position`."""
    body = position + _LOCAL.size
    if body > len(view):
        raise PackageDamaged(f"The file ends inside the header of an entry at byte {position}.")
    found = _LOCAL.unpack_from(view, position)
    crc, packed, size, name_length, extra = found[6:11]
    if found[1:6] != (_VERSION_NEEDED, 0, 0, _DOS_TIME, _DOS_DATE) or packed != size or extra:
        raise PackageDamaged(
            f"The entry at byte {position} is not stored plainly: compression, flags, times, "
            "extra fields and other versions are not part of the format.",
            advice="Get the file again from where it was made; do not repack it.",
        )
    name = str(view[body : body + name_length], "ascii", "backslashreplace")
    if not ENTRY_NAME.fullmatch(name):
        raise PackageDamaged(f"The entry name {name[:80]!r} at byte {body} is not allowed.")
    start = body + name_length
    end = start + size
    if end > len(view):
        raise PackageDamaged(
            f"The entry {name!r} should have {size} bytes; the file ends after {len(view) - start}."
        )
    content = view[start:end]
    if zlib.crc32(content) != crc:
        raise PackageDamaged(f"The bytes of {name!r} do not match its checksum.")
    return name, content, end
