"""Finds out whether a file begins as a tar archive, which PyTorch tries before it reads a pickle.

Source: Python's Lib/tarfile.py (TarInfo.frombuf, nti, calc_chksums); POSIX.1-1988, "ustar". Archives
older than that have no magic number: what tells them is the checksum alone.
"""

from __future__ import annotations

import struct
from typing import Final

BLOCK: Final = 512
"""Bytes of an archive's first header."""

_CHECKSUM: Final = slice(148, 156)
_SPACES: Final = 8 * ord(" ")
"""What the field of the checksum counts as while the sum is made."""

_MAGIC: Final = (b"ustar", 257)
_BINARY: Final = {0o200: 0, 0o377: -1}
"""First bytes of a number that is not written in octal digits, and what stands above it."""


def begins_tar(first: bytes) -> bool:
    """Return whether a file that begins with `first`, at least 512 bytes or all, may be a tar."""
    magic, place = _MAGIC
    if first[place : place + len(magic)] == magic:
        return True
    if len(first) < BLOCK:
        return False
    return _number(first[_CHECKSUM]) in _sums(first[:BLOCK])


def _sums(block: bytes) -> tuple[int, int]:
    """Return the sum of a header's bytes, unsigned and signed; some old programs wrote that."""
    unsigned = sum(struct.unpack("148B8x356B", block))
    signed = sum(struct.unpack("148b8x356b", block))
    return unsigned + _SPACES, signed + _SPACES


def _number(field: bytes) -> int | None:
    if field[0] in _BINARY:
        above = _BINARY[field[0]] << 8 * (len(field) - 1)
        return above + int.from_bytes(field[1:], "big")
    try:
        return int(field.split(b"\0", 1)[0].decode("ascii").strip() or "0", 8)
    except ValueError:
        return None
