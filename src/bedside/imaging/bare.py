"""Bare pixels as a PNG file: lossless, quick, and byte for byte the same wherever it is written.

The file is what names such a picture in the record (its SHA-256), so anybody who has the pixels must be
able to write it again, without a library's freedom in compressing: nothing is filtered (type 0) and
nothing compressed (stored blocks of 65,535 bytes, the last one shorter).
Source: W3C PNG, third edition; RFC 1950; RFC 1951, section 3.2.4.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.imaging.png import SIGNATURE, chunk

BLOCK: Final = 65_535
"""Bytes of a stored block, at most. Source: RFC 1951, section 3.2.4."""

_GREY, _RGB = 0, 2


def bare_png(pixels: NDArray[Any]) -> bytes:
    """Return the PNG file of `pixels`: header, one IDAT, end.

    Args:
        pixels: uint8, rows × columns or rows × columns × 3 (red, green, blue); or uint16,
            rows × columns. At least one pixel.

    Raises:
        UsageError: another shape or type.
    """
    wide, colour = pixels.dtype.itemsize == 2, pixels.ndim == 3
    if (
        pixels.dtype.kind != "u"
        or pixels.dtype.itemsize > 2
        or not pixels.size
        or (wide and colour)
    ):
        raise UsageError(f"No PNG is written of {pixels.shape} values of type {pixels.dtype}.")
    if pixels.ndim not in (2, 3) or (colour and pixels.shape[2] != 3):
        raise UsageError(f"No PNG is written of an array of {pixels.shape}.")
    rows, columns = pixels.shape[:2]
    header = struct.pack(
        ">IIBBBBB", columns, rows, 16 if wide else 8, _RGB if colour else _GREY, 0, 0, 0
    )
    plain = np.ascontiguousarray(pixels, dtype=">u2" if wide else np.uint8)
    width = plain.nbytes // rows
    filtered = np.zeros((rows, 1 + width), dtype=np.uint8)
    filtered[:, 1:] = plain.view(np.uint8).reshape(rows, width)
    return b"".join(
        (SIGNATURE, chunk(b"IHDR", header), chunk(b"IDAT", _stored(filtered)), chunk(b"IEND", b""))
    )


def _stored(filtered: NDArray[np.uint8]) -> bytes:
    """Return the bytes in RFC 1950's format, as they are."""
    data = filtered.reshape(-1).data
    parts: list[bytes | memoryview] = [b"\x78\x01"]
    for start in range(0, len(data), BLOCK):
        block = data[start : start + BLOCK]
        last = start + BLOCK >= len(data)
        parts += [struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF), block]
    parts.append(struct.pack(">I", zlib.adler32(data)))
    return b"".join(parts)
