"""Compressed files opened with bounds: a bomb is found before it is unpacked."""

from __future__ import annotations

import bz2
import lzma
import zlib
from dataclasses import dataclass
from typing import Final, Protocol

from bedside.freezing.strangers.stream import BLOCK, Lost, Readable

MAX_UNPACKED: Final = 2 * 2**30
"""Bytes unpacked of one file; nothing is kept of them."""

MOST_TIMES: Final = 20
"""How many times larger than its packed bytes a file may become, once past `FREE`; a saved forest
becomes three to ten times larger, and what zlib can at most do is a thousand."""

FREE: Final = 16 * 2**20

LZMA_MEMORY: Final = 128 * 2**20
"""What the strongest preset of xz needs to unpack is 65 MiB."""

_GZIP: Final = 31
"""zlib's window bits for data with gzip's header."""

_UNKNOWN: Final = {
    b"\x04\x22\x4d\x18": "lz4",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"ZF": "joblib 0.9's own",
}


@dataclass(slots=True)
class Unpacking:
    """What was unpacked of one file, all of its parts together.

    Attributes:
        fed: Packed bytes read.
        size: Bytes that came of them.
    """

    fed: int = 0
    size: int = 0

    def count(self, found: int, name: str) -> None:
        """Count `found` more bytes.

        Raises:
            Lost: the file becomes too large.
        """
        self.size += found
        if self.size > MAX_UNPACKED or self.size > FREE + MOST_TIMES * self.fed:
            raise Lost(
                f"it is a decompression bomb: {self.fed} bytes of {name} data become more "
                f"than {self.size}"
            )


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def compression(first: bytes) -> str | None:
    """Return the compression that a file's first bytes name, or None.

    Source: joblib 1.6, joblib/compressor.py (the prefixes of its compressors).
    """
    known = {b"\x1f\x8b": "gzip", b"BZ": "bzip2", b"\xfd7zXZ": "xz", b"]\x00": "lzma", b"x": "zlib"}
    for prefix, name in (known | _UNKNOWN).items():
        if first.startswith(prefix):
            return name
    return None


class Unpacked:
    """What a compressed file holds, read forward.

    Attributes:
        size: Bytes unpacked so far.
    """

    def __init__(self, packed: Readable, name: str, spent: Unpacking | None = None) -> None:
        """Unpack `packed`, compressed as `compression` names it; `spent` counts for its whole file.

        Raises:
            Lost: a compression that cannot be undone here.
        """
        self._packed, self._name = packed, name
        self._decompressor = _decompressor(name)
        self._waiting = b""
        self._spent = Unpacking() if spent is None else spent
        self.size = 0

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end.

        Raises:
            Lost: damaged, cut short, followed by something else, or far larger unpacked.
        """
        while not self._decompressor.eof:
            if not self._waiting:
                self._waiting = self._packed.read(BLOCK)
                self._spent.fed += len(self._waiting)
            fed = self._waiting
            try:
                found = self._decompressor.decompress(fed, min(size, BLOCK))
            except (zlib.error, OSError, EOFError, ValueError, lzma.LZMAError) as problem:
                raise Lost(f"its {self._name} data cannot be unpacked: {problem}") from problem
            self._waiting = getattr(self._decompressor, "unconsumed_tail", b"")
            if found:
                return self._counted(found)
            if not fed and not self._decompressor.eof:
                raise Lost(f"its {self._name} data is cut short")
        if self._decompressor.unused_data or self._packed.read(1):
            raise Lost(f"something follows its {self._name} data")
        return b""

    def skip(self, size: int, /) -> int:
        """Unpack and pass over at most `size` bytes; return how many there were."""
        passed = 0
        while passed < size and (block := self.read(size - passed)):
            passed += len(block)
        return passed

    def _counted(self, found: bytes) -> bytes:
        self.size += len(found)
        self._spent.count(len(found), self._name)
        return found


def _decompressor(name: str) -> _Decompressor:
    match name:
        case "zlib":
            return zlib.decompressobj()
        case "deflate":
            return zlib.decompressobj(-zlib.MAX_WBITS)
        case "gzip":
            return zlib.decompressobj(_GZIP)
        case "bzip2":
            return bz2.BZ2Decompressor()
        case "xz" | "lzma":
            return lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=LZMA_MEMORY)
    raise Lost(f"it is compressed with {name}, which cannot be undone here")
