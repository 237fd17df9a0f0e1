"""Bytes read forward with bounds: what is not needed is passed over, never held."""

from __future__ import annotations

from typing import BinaryIO, Protocol

BLOCK = 64 * 2**10
LONGEST_LINE = 64 * 2**10
"""Bytes of one line of text; only protocol 0 has lines, and a name or a number fits in far less."""


class Lost(Exception):
    """A file cannot be followed any further; the message says why. Never leaves this room."""


class Readable(Protocol):
    """What a stream reads from: a part of an open file, or a decompressor over one."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""

    def skip(self, size: int, /) -> int:
        """Pass over at most `size` bytes; return how many there were."""


class Part:
    """A part of an open file, or all of it."""

    __slots__ = ("_end", "_file", "_position")

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file = file
        self._position, self._end = start, start + size

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the part's end."""
        self._file.seek(self._position)
        found = self._file.read(max(0, min(size, self._end - self._position)))
        self._position += len(found)
        return found

    def skip(self, size: int, /) -> int:
        """Pass over at most `size` bytes without reading them; return how many there were."""
        passed = max(0, min(size, self._end - self._position))
        self._position += passed
        return passed


class Stream:
    """Reads forward in blocks.

    Attributes:
        position: Bytes passed so far.
    """

    __slots__ = ("_at", "_block", "_file", "_start")

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._block = b""
        self._at = 0
        self._start = 0

    @property
    def position(self) -> int:
        """Bytes passed so far."""
        return self._start + self._at

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes, at most a block.

        Raises:
            Lost: the file ends before.
        """
        end = self._at + size
        if end > len(self._block):
            self._refill(size)
            end = size
        taken = self._block[self._at : end]
        self._at = end
        return taken

    def line(self) -> bytes:
        """Return the bytes before the next line end, which is passed too.

        Raises:
            Lost: no line end within `LONGEST_LINE` bytes.
        """
        end = self._block.find(b"\n", self._at)
        if end < 0:
            self._grow(LONGEST_LINE)
            end = self._block.find(b"\n", self._at, self._at + LONGEST_LINE)
        if end < 0:
            raise Lost(f"no line ends after byte {self.position}")
        taken = self._block[self._at : end]
        self._at = end + 1
        return taken

    def skip(self, size: int) -> None:
        """Pass over `size` bytes.

        Raises:
            Lost: the file ends before.
        """
        began = self.position
        held = len(self._block) - self._at
        if size <= held:
            self._at += size
            return
        self._start += len(self._block)
        self._block, self._at = b"", 0
        passed = self._file.skip(size - held)
        self._start += passed
        if passed < size - held:
            raise Lost(f"{size} bytes should follow byte {began}; the file ends before")

    def look(self, size: int) -> bytes:
        """Return the next `size` bytes, or as many as there are, without passing them."""
        if len(self._block) - self._at < size:
            self._grow(size)
        return self._block[self._at : self._at + size]

    def at_end(self) -> bool:
        """Return whether nothing follows."""
        return not self.look(1)

    def _refill(self, size: int) -> None:
        self._grow(size)
        if len(self._block) < size:
            raise Lost(f"the file ends at byte {self._start + len(self._block)}, inside an opcode")

    def _grow(self, size: int) -> None:
        """Hold at least `size` bytes from here on, or all that there are."""
        self._start += self._at
        pieces, held = [self._block[self._at :]], len(self._block) - self._at
        self._at = 0
        while held < size:
            block = self._file.read(BLOCK)
            if not block:
                break
            pieces.append(block)
            held += len(block)
        self._block = b"".join(pieces)
