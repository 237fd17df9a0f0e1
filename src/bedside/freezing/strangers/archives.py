"""The entries of a zip that a stranger made, every byte of it accounted for.

`torch.save` writes a zip. Two readers of one zip can see different entries when it holds an
entry twice, between two others, or in front of its beginning; such an archive is not followed.

Source: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.9, 4.3.12 and 4.3.16.
"""

from __future__ import annotations

import stat
import struct
from typing import BinaryIO, Final, NamedTuple

from bedside.freezing.strangers.stream import Lost, Part, Readable
from bedside.freezing.strangers.unpacking import Unpacked, Unpacking

MAX_ENTRIES: Final = 20_000
"""One for each tensor of a network; the largest have a few thousand."""

MAX_DIRECTORY: Final = 8 * 2**20

_LOCAL: Final = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<4sHHHHIIH")
_END_64: Final = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR: Final = struct.Struct("<4sIQI")
_DESCRIPTOR: Final = b"PK\x07\x08"
_DESCRIPTOR_SIZES: Final[tuple[int, ...]] = (16, 24)
_ENCRYPTED, _DESCRIBED = 1, 8
_STORED, _DEFLATED = 0, 8


class Entry(NamedTuple):
    """One entry: its name, how it is packed, and where it stands."""

    name: str
    flags: int
    method: int
    packed: int
    size: int
    offset: int


def read_entries(file: BinaryIO, size: int) -> tuple[Entry, ...]:
    """Return the entries of the zip that fills `file`, in the order in which they stand.

    Raises:
        Lost: not a zip, or one that two readers could understand differently.
    """
    directory, count, end = _directory(file, size)
    entries: list[Entry] = []
    position = 0
    for _ in range(count):
        entry, position = _entry(directory, position)
        entries.append(entry)
    if position != len(directory):
        raise Lost("its directory is longer than its entries")
    _demand_different(entries)
    entries.sort(key=lambda entry: entry.offset)
    _demand_no_gaps(file, entries, end)
    return tuple(entries)


def open_entry(file: BinaryIO, entry: Entry, spent: Unpacking) -> Readable:
    """Return what `entry` holds, unpacked while it is read; `spent` counts for the whole archive."""
    part = Part(file, _data_start(file, entry), entry.packed)
    return part if entry.method == _STORED else Unpacked(part, "deflate", spent)


def is_packed(entry: Entry) -> bool:
    """Return whether an entry is compressed."""
    return entry.method != _STORED


def _demand_different(entries: list[Entry]) -> None:
    """Demand that no two names are equal; PyTorch's reader takes upper case for lower case."""
    seen: set[str] = set()
    for entry in entries:
        folded = entry.name.casefold()
        if folded in seen:
            raise Lost(f"the entry {entry.name[:80]!r} stands twice")
        seen.add(folded)


def _directory(file: BinaryIO, size: int) -> tuple[bytes, int, int]:
    """Return the central directory, how many entries it lists, and where it begins."""
    file.seek(max(0, size - _END.size))
    end = file.read(_END.size)
    if len(end) < _END.size or not end.startswith(b"PK\x05\x06"):
        raise Lost("it begins as a zip and does not end as one, or has a comment")
    _, disk, first, here, count, length, offset, comment = _END.unpack(end)
    if (disk, first, comment) != (0, 0, 0) or here != count or count > MAX_ENTRIES:
        raise Lost(f"it is a zip in parts, with a comment, or with more than {MAX_ENTRIES} entries")
    after = offset + length
    if after + _END.size != size and not _is_end_64(file, after, (count, length, offset), size):
        raise Lost("bytes stand in its zip that its directory does not account for")
    if length > MAX_DIRECTORY:
        raise Lost(f"its directory has more than {MAX_DIRECTORY} bytes")
    file.seek(offset)
    return file.read(length), count, offset


def _is_end_64(file: BinaryIO, position: int, told: tuple[int, int, int], size: int) -> bool:
    """Return whether zip's 64-bit end stands at `position`, says the same, and nothing follows.

    `torch.save` writes one into every archive.
    """
    if position + _END_64.size + _LOCATOR.size + _END.size != size:
        return False
    file.seek(position)
    magic, length, _, _, *disks, here, count, directory, offset = _END_64.unpack(
        file.read(_END_64.size)
    )
    if (magic, length, disks, here) != (b"PK\x06\x06", _END_64.size - 12, [0, 0], count):
        return False
    locator = _LOCATOR.unpack(file.read(_LOCATOR.size))
    return (count, directory, offset) == told and locator == (b"PK\x06\x07", 0, position, 1)


def _entry(directory: bytes, position: int) -> tuple[Entry, int]:
    """Return the entry at `position` of the directory, and where the next one begins."""
    if position + _CENTRAL.size > len(directory):
        raise Lost("its directory is shorter than its entries")
    found = _CENTRAL.unpack_from(directory, position)
    _, _, _, flags, method, _, _, _, packed, size, name_length, extra, comment = found[:13]
    start = position + _CENTRAL.size
    name = directory[start : start + name_length].decode("utf-8", "backslashreplace")
    if found[0] != b"PK\x01\x02" or flags & _ENCRYPTED or method not in {_STORED, _DEFLATED}:
        raise Lost(f"its entry {name[:80]!r} is encrypted, or packed in an unknown way")
    if name.startswith("/") or "\\" in name or ".." in name.split("/") or "\0" in name:
        raise Lost(f"its entry {name[:80]!r} would leave the archive's folder")
    if stat.S_ISLNK(found[15] >> 16):
        raise Lost(f"its entry {name[:80]!r} is a symbolic link")
    if method == _STORED and packed != size:
        raise Lost(f"its entry {name[:80]!r} has two sizes")
    entry = Entry(name, flags, method, packed, size, found[16])
    return entry, start + name_length + extra + comment


def _data_start(file: BinaryIO, entry: Entry) -> int:
    """Return where the bytes of `entry` begin, its own header checked."""
    file.seek(entry.offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
        raise Lost(f"its entry {entry.name[:80]!r} has no header")
    _, _, flags, method, *_, name_length, extra = _LOCAL.unpack(header)
    name = file.read(name_length).decode("utf-8", "backslashreplace")
    if (name, flags, method) != (entry.name, entry.flags, entry.method):
        raise Lost(f"its entry {entry.name[:80]!r} is called {name[:80]!r} in its own header")
    return int(entry.offset + _LOCAL.size + name_length + extra)


def _demand_no_gaps(file: BinaryIO, entries: list[Entry], end: int) -> None:
    """Demand that the entries fill the archive from its beginning to its directory."""
    position = 0
    for entry in entries:
        if entry.offset != position:
            raise Lost(f"bytes are hidden in front of its entry {entry.name[:80]!r}")
        position = _data_start(file, entry) + entry.packed
        if entry.flags & _DESCRIBED:
            position += _descriptor(file, position, entry)
    if position != end:
        raise Lost("bytes are hidden between its last entry and its directory")


def _descriptor(file: BinaryIO, position: int, entry: Entry) -> int:
    """Return the length of the descriptor that follows an entry's bytes."""
    file.seek(position)
    found = file.read(max(_DESCRIPTOR_SIZES))
    for length in _DESCRIPTOR_SIZES:
        form = "<4sIII" if length == min(_DESCRIPTOR_SIZES) else "<4sIQQ"
        if len(found) >= length:
            told = struct.unpack(form, found[:length])
            if told[0] == _DESCRIPTOR and told[2:] == (entry.packed, entry.size):
                return length
    raise Lost(f"its entry {entry.name[:80]!r} is not followed by its sizes")
