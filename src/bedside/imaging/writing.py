"""Writes pictures: PNG with the same bytes on every machine, and JPEG for trying things out.

A package's golden cases hold pictures, and two machines must make equal packages of equal inputs.
zlib does not promise equal bytes between its versions and its faster replacements, so PNG is
deflated here: every row filtered by Up, one Huffman code for the whole picture, no repetitions
sought. That is about as small as zlib makes a film, whose noise hardly ever repeats.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bedside.errors import UsageError
from bedside.imaging.deflate import deflated
from bedside.imaging.png import SIGNATURE, chunk

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

_GREY, _RGB, _UP = 0, 2, 2


def write_png(pixels: Pixels) -> bytes:
    """Return a PNG file, byte for byte the same wherever it is written.

    Args:
        pixels: uint8, rows × columns or rows × columns × 3; or uint16, rows × columns.

    Raises:
        UsageError: another shape or type.
    """
    wide = pixels.dtype == np.uint16
    if pixels.dtype not in (np.uint8, np.uint16) or not pixels.size or (wide and pixels.ndim != 2):
        raise UsageError(f"A PNG is not written of {pixels.shape} values of type {pixels.dtype}.")
    colour = pixels.ndim == 3
    if pixels.ndim not in (2, 3) or (colour and pixels.shape[2] != 3):
        raise UsageError(f"A PNG is not written of an array of {pixels.shape}.")
    rows, columns = pixels.shape[:2]
    header = struct.pack(
        ">IIBBBBB", columns, rows, 16 if wide else 8, _RGB if colour else _GREY, 0, 0, 0
    )
    raw = _filtered(np.ascontiguousarray(pixels.astype(">u2") if wide else pixels))
    return b"".join(
        (SIGNATURE, chunk(b"IHDR", header), chunk(b"IDAT", _zlib_stream(raw)), chunk(b"IEND", b""))
    )


def grey_pixels(unit: NDArray[np.float32], bits: int = 8) -> Pixels:
    """Return brightness from 0 to 1 as whole numbers of 8 or 16 bits, rounded to the nearest."""
    if bits not in (8, 16):
        raise UsageError(f"A PNG has 8 or 16 bits, not {bits}.")
    levels: NDArray[np.float64] = np.rint(
        np.clip(unit, 0, 1).astype(np.float64) * ((1 << bits) - 1)
    )
    return levels.astype(np.uint8) if bits == 8 else levels.astype(np.uint16)


def write_jpeg(pixels: NDArray[np.uint8], quality: int = 95) -> bytes:
    """Return a JPEG file of rows × columns, or rows × columns × 3; it is not exact."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()


def _filtered(pixels: NDArray[np.generic]) -> bytes:
    """Return the rows, each less the one above it, modulo 256. Source: W3C PNG, section 9.2."""
    rows = pixels.view(np.uint8).reshape(len(pixels), -1)
    out = np.empty((rows.shape[0], rows.shape[1] + 1), dtype=np.uint8)
    out[:, 0] = _UP
    out[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=out[1:, 1:])
    return out.tobytes()


def _zlib_stream(raw: bytes) -> bytes:
    """Return the format of RFC 1950: header, deflated bytes, checksum."""
    return b"\x78\x01" + deflated(raw) + struct.pack(">I", zlib.adler32(raw))
