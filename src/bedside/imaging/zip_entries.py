"""The files in a zip, listed within bounds and inflated one at a time; nothing goes to disk.

The list at the end of the file is read only after its size is known to be small. Entries may not
overlap, so that a zip cannot hold the same bytes a thousand times. Not read: ZIP64, encryption,
other methods than stored and deflated. Source: PKWARE APPNOTE 6.3.10, section 4.3.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, Self

from bedside.errors import VolumeRefused
from bedside.imaging.hidden import is_hidden
from bedside.imaging.volume_refusals import corrupt, too_large, unsupported

STARTS: Final = (b"PK\x03\x04", b"PK\x05\x06")
"""Of a zip with entries, and of an empty one."""

_LOCAL: Final = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<4sHHHHIIH")
_MOST_COMMENT: Final = 2**16
_MOST_NAME: Final = 1_024
"""Bytes of one entry's name, extra field and comment together, on average."""

_ENCRYPTED, _STRONG, _UTF_8 = 1 << 0, 1 << 6, 1 << 11
_STORED, _DEFLATED = 0, 8
_ADVICE: Final = "Write the zip again, without a password, with Deflate and below 4 GiB."


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in a zip.

    Attributes:
        name: As written; never used as a path.
        method: 0 stored, 8 deflated.
        packed: Bytes that it takes in the zip.
        size: Bytes that it has.
        crc: Their CRC-32.
        header: Where its local header begins.
    """

    name: str
    method: int
    packed: int
    size: int
    crc: int
    header: int


class Inflating:
    """One entry, read from its beginning; what comes out is bounded and held against its CRC-32.

    Raises:
        VolumeRefused: no entry begins where the list says.
    """

    def __init__(self, opened: Callable[[], BinaryIO], entry: Entry) -> None:
        self._entry = entry
        self._file = opened()
        self._left = entry.packed
        self._count = 0
        self._crc = 0
        self._inflating = zlib.decompressobj(-zlib.MAX_WBITS) if entry.method else None
        self._rest = b""
        self._file.seek(entry.header)
        fields = _LOCAL.unpack(_exactly(self._file, _LOCAL.size))
        if fields[0] != STARTS[0]:
            raise corrupt(f"its zip has no entry at byte {entry.header}")
        self._file.seek(fields[9] + fields[10], io.SEEK_CUR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, count: int, /) -> bytes:
        """Return the next `count` bytes, fewer only at the end.

        Raises:
            VolumeRefused: the entry is damaged, or it is not as long as the zip says.
        """
        wanted = min(count, self._entry.size - self._count)
        data = self._taken(wanted)
        self._count += len(data)
        self._crc = zlib.crc32(data, self._crc)
        if len(data) < wanted:
            raise corrupt("an entry of its zip ends too early")
        if self._count == self._entry.size:
            self._check_end()
        return data

    def _check_end(self) -> None:
        if self._crc != self._entry.crc:
            raise corrupt("an entry of its zip does not have its checksum")
        behind = self._inflating.unused_data if self._inflating else b""
        if self._taken(1) or self._left or self._rest or behind:
            raise corrupt("an entry of its zip goes on after its end")

    def _taken(self, wanted: int) -> bytes:
        if self._inflating is None:
            data = self._file.read(min(wanted, self._left))
            self._left -= len(data)
            return data
        parts, missing = list[bytes](), wanted
        try:
            while missing > 0 and not self._inflating.eof:
                packed = self._rest or self._next()
                part = self._inflating.decompress(packed, missing)
                self._rest = self._inflating.unconsumed_tail
                if not packed and not part:
                    break
                parts.append(part)
                missing -= len(part)
        except zlib.error as problem:
            raise corrupt(f"an entry of its zip cannot be inflated ({problem})") from problem
        return b"".join(parts)

    def _next(self) -> bytes:
        data = self._file.read(min(2**16, self._left))
        self._left -= len(data)
        return data


def entries(
    opened: Callable[[], BinaryIO], size: int, most: int, most_bytes: int
) -> tuple[Entry, ...]:
    """Return the files in a zip; folders, hidden files and what macOS adds are left out.

    Args:
        opened: Opens the zip.
        size: Its bytes.
        most: Most entries.
        most_bytes: Most bytes that all of them together may have.

    Raises:
        VolumeRefused: damaged, too large, or of a kind that is not read.
    """
    with opened() as file:
        start, length, count = _end(file, size)
        if count > most or length > most * (_CENTRAL.size + _MOST_NAME):
            raise too_large(f"a zip of {count} entries, listed in {length} bytes", f"{most}")
        file.seek(start)
        found = list(_listed(_exactly(file, length), count, start))
    _check_apart(found, start)
    total = sum(entry.size for entry in found)
    if total > most_bytes:
        raise too_large(f"{total} bytes in its zip", f"{most_bytes}")
    return tuple(entry for entry in found if _is_wanted(entry.name))


def _end(file: BinaryIO, size: int) -> tuple[int, int, int]:
    """Return where the list of entries begins, its bytes, and how many there are."""
    tail = min(size, _END.size + _MOST_COMMENT)
    file.seek(size - tail)
    data = _exactly(file, tail)
    place = data.rfind(STARTS[1])
    if place < 0 or place + _END.size > len(data):
        raise corrupt("its zip has no end: it was cut")
    _, disk, first, here, count, length, start, comment = _END.unpack_from(data, place)
    if 0xFFFF in (here, count) or 0xFFFFFFFF in (length, start):
        raise unsupported("The zip is written as ZIP64", _ADVICE)
    end = size - tail + place
    if disk or first or here != count or start + length != end:
        raise corrupt("its zip is one of several parts, or something stands before or inside it")
    if end + _END.size + comment != size:
        raise corrupt("something follows its zip")
    return start, length, count


def _listed(data: bytes, count: int, most: int) -> Iterator[Entry]:
    position = 0
    for _ in range(count):
        if position + _CENTRAL.size > len(data):
            raise corrupt("the list in its zip is cut")
        fields = _CENTRAL.unpack_from(data, position)
        flags, method, crc, packed, size = fields[3], fields[4], *fields[7:10]
        names, extra, comment, header = fields[10], fields[11], fields[12], fields[16]
        name = data[position + _CENTRAL.size : position + _CENTRAL.size + names]
        position += _CENTRAL.size + names + extra + comment
        if fields[0] != b"PK\x01\x02" or position > len(data):
            raise corrupt("the list in its zip contradicts itself")
        _check_kind(flags, method, packed, size)
        if header + packed > most:
            raise corrupt("an entry of its zip ends behind the list")
        said = name.decode("utf-8" if flags & _UTF_8 else "cp437", "replace")
        yield Entry(said, method, packed, size, crc, header)
    if position != len(data):
        raise corrupt("something follows the list in its zip")


def _check_kind(flags: int, method: int, packed: int, size: int) -> None:
    if flags & (_ENCRYPTED | _STRONG):
        raise VolumeRefused("unsupported", "The zip is locked with a password.", advice=_ADVICE)
    if method not in (_STORED, _DEFLATED):
        raise unsupported(f"The zip is packed with method {method}", _ADVICE)
    if 0xFFFFFFFF in (packed, size):
        raise unsupported("The zip is written as ZIP64", _ADVICE)
    if method == _STORED and packed != size:
        raise corrupt(f"an entry of its zip has {packed} bytes and says {size}")
    if size > 1032 * packed + 64:  # deflate never gives more
        raise corrupt(f"an entry of its zip says {size} bytes, and {packed} cannot hold them")


def _check_apart(found: list[Entry], end: int) -> None:
    """Check that no two entries share a byte, and that none reaches into the list."""
    before = 0
    for entry in sorted(found, key=lambda one: one.header):
        if entry.header < before or entry.header + _LOCAL.size + entry.packed > end:
            raise corrupt("entries of its zip overlap")
        before = entry.header + _LOCAL.size + entry.packed


def _is_wanted(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return bool(parts[-1]) and not is_hidden(parts)


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise corrupt("its zip ends too early")
    return data
