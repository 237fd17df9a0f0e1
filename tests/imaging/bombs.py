"""Files that promise much more than they hold; each must be refused before memory is taken."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from tests.imaging.made import dicom, encapsulated, file_of, png, png_header

SMALL = np.zeros((16, 16), dtype=np.uint8)
HUGE = 60_000
END = (b"IEND", b"")
J2K = "1.2.840.10008.1.2.4.90"
DEFLATED = "1.2.840.10008.1.2.1.99"


def huge_png() -> bytes:
    return png(png_header(HUGE, HUGE), (b"IDAT", zlib.compress(bytes(2**20))), END)


def wide_png() -> bytes:
    return png(png_header(16_384, 16_384), (b"IDAT", zlib.compress(bytes(2**20))), END)


def short_png() -> bytes:
    """Inside the limits, and with no pixel of the 64 million."""
    return png(png_header(8_192, 8_192), (b"IDAT", zlib.compress(b"\0" * 100)), END)


def inflating_png() -> bytes:
    return png(png_header(10, 10), (b"IDAT", zlib.compress(bytes(2**27))), END)


def chunked_png() -> bytes:
    return png(png_header(10, 10), *[(b"tEXt", b"")] * 200_000, END)


def huge_jpeg() -> bytes:
    data = bytearray(file_of(Image.fromarray(SMALL), "JPEG"))
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, HUGE, HUGE)
    return bytes(data)


def scanned_jpeg() -> bytes:
    """Progressive, and each of its scans goes over every pixel of a large picture."""
    data = bytearray(file_of(Image.fromarray(SMALL), "JPEG", progressive=True))
    struct.pack_into(">HH", data, data.index(b"\xff\xc2") + 5, 8_192, 8_192)
    place = data.index(b"\xff\xda")
    return bytes(data[:place] + bytes(data[place : place + 10] + b"\0") * 80 + data[place:])


def segmented_jpeg() -> bytes:
    return b"\xff\xd8" + b"\xff\xfe\x00\x02" * 1_000_000 + b"\xff\xd9"


def codestream(
    side: int = 16,
    tile: int = 16,
    layers: int = 1,
    levels: int = 0,
    precincts: bytes = b"",
    block: int = 4,
) -> bytes:
    """A JPEG 2000 codestream's headers, around an empty tile."""
    siz = struct.pack(">H8IHBBB", 0, side, side, 0, 0, tile, tile, 0, 0, 1, 7, 1, 1)
    cod = struct.pack(">BBHB", bool(precincts), 0, layers, 0)
    cod += struct.pack(">BBBBB", levels, block, block, 0, 1) + precincts
    qcd = bytes([0x40]) + bytes([0x40]) * (3 * levels + 1)
    out = b"\xff\x4f"
    for marker, body in ((0x51, siz), (0x52, cod), (0x5C, qcd)):
        out += bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body
    return out + struct.pack(">HHHIBBH", 0xFF90, 10, 0, 14, 0, 1, 0xFF93) + b"\xff\xd9"


def j2k(stream: bytes, side: int = 16) -> bytes:
    return encapsulated(SMALL, J2K, stream, Rows=side, Columns=side)


def deflated() -> bytes:
    """A data set of a gigabyte of zeros."""
    sound = dicom(SMALL, DEFLATED)
    start = sound.index(DEFLATED.encode()) + len(DEFLATED)
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = b"".join(packing.compress(bytes(2**24)) for _ in range(8)) + packing.flush()
    return sound[:start] + body


def element(tag: int, vr: bytes, length: int) -> bytes:
    return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, length)


def before_pixels(inserted: bytes) -> bytes:
    """A sound file with `inserted` in front of its pixel data."""
    sound = dicom(SMALL)
    place = sound.rindex(b"\xe0\x7f\x10\x00")
    return sound[:place] + inserted + sound[place:]


def nested(depth: int) -> bytes:
    opened = element(0x00420010, b"SQ", 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    return before_pixels(opened * depth)


def many_elements() -> bytes:
    opened = element(0x00420010, b"SQ", 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    return before_pixels(opened + struct.pack("<HH2sH", 0x0042, 1, b"US", 0) * 500_000)


def promised(vr: bytes) -> bytes:
    return before_pixels(element(0x00420010, vr, 0xFFFFFFF0))


def fragments() -> bytes:
    empty = struct.pack("<HHI", 0xFFFE, 0xE000, 0) * 500_000
    sound = encapsulated(SMALL, J2K, bytes(2))
    place = sound.rindex(b"\xfe\xff\xdd\xe0")
    return sound[:place] + empty + sound[place:]


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a PNG of 60,000 × 60,000": (huge_png, "too-large"),
    "a PNG of 16,384 × 16,384": (wide_png, "too-large"),
    "a PNG of 64 million pixels that holds none": (short_png, "corrupt"),
    "a PNG whose pixels inflate to 128 MiB": (inflating_png, "corrupt"),
    "a PNG of 200,000 chunks": (chunked_png, "too-large"),
    "a JPEG of 60,000 × 60,000": (huge_jpeg, "too-large"),
    "a JPEG of 64 million pixels in 90 scans": (scanned_jpeg, "too-large"),
    "a JPEG of a million comments": (segmented_jpeg, "too-large"),
    "JPEG 2000 of 60,000 × 60,000": (lambda: j2k(codestream(HUGE, HUGE), HUGE), "too-large"),
    "JPEG 2000 that its header calls small": (lambda: j2k(codestream(4_096, 4_096)), "corrupt"),
    "JPEG 2000 of 64 million tiles": (lambda: j2k(codestream(8_192, 1), 8_192), "too-large"),
    "JPEG 2000 of 65,535 layers": (
        lambda: j2k(codestream(4_096, 4_096, 65_535, 5, b"\x77" * 6), 4_096),
        "too-large",
    ),
    "JPEG 2000 of one-pixel precincts": (
        lambda: j2k(codestream(4_096, 4_096, 1, 0, b"\0"), 4_096),
        "too-large",
    ),
    "JPEG 2000 of 4 × 4 code blocks": (
        lambda: j2k(codestream(8_192, 8_192, block=0), 8_192),
        "too-large",
    ),
    "a deflated data set of 128 MiB": (deflated, "too-large"),
    "1,000 sequences, each in the one before": (lambda: nested(1_000), "too-large"),
    "half a million elements": (many_elements, "too-large"),
    "a sequence of 4 GiB": (lambda: promised(b"SQ"), "corrupt"),
    "a text of 4 GiB": (lambda: promised(b"UT"), "corrupt"),
    "half a million fragments": (fragments, "too-large"),
}
