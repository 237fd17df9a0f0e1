"""Takes a PNG file apart before anything decodes it.

Every chunk's length, order and checksum is looked at; the pixels' stream is inflated in pieces and
must give exactly what the header promises. The decoder gets the header, palette and pixels, and
nothing else: no text, no profile, no Exif. What colour management would do (gAMA, iCCP, sRGB,
cICP) is not done: values are those stored. Source: W3C PNG, third edition.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.inflate import WITH_HEADER, inflated_size
from bedside.imaging.picture import PictureLimits
from bedside.imaging.refusals import check_size, corrupt, several_frames, too_large, unsupported

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

MOST_CHUNKS: Final = 65_536
"""64 MiB in chunks of 1 KiB; writers use 8 KiB or more."""

PALETTE: Final = 3
_DEPTHS: Final = {0: (1, 2, 4, 8, 16), 2: (8, 16), PALETTE: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_CHANNELS: Final = {0: 1, 2: 3, PALETTE: 1, 4: 2, 6: 4}
_ADAM7: Final = (
    (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1),
)  # fmt: skip
"""First row, first column, row step, column step of each pass. Source: section 8.1."""

_CRITICAL: Final = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_ANIMATION: Final = (b"acTL", b"fcTL", b"fdAT")
SAVE_AGAIN: Final = "Save it as a grey PNG of 8 or 16 bits, or RGB of 8, without transparency."


@dataclass(frozen=True, slots=True, eq=False)
class PngFile:
    """A PNG file that is sound, with what only the pixels need.

    Attributes:
        rows: Number of rows.
        columns: Number of columns.
        depth: Bits of a sample: 1, 2, 4, 8 or 16.
        colour_type: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha.
        palette: uint8, colours × 3; no colours without a palette.
        transparency: Alpha of the palette's first colours.
        exif: The Exif block, or None.
        stripped: The file with header, palette and pixels only.
    """

    rows: int
    columns: int
    depth: int
    colour_type: int
    palette: NDArray[np.uint8]
    transparency: bytes
    exif: bytes | None
    stripped: bytes


def take_apart(data: bytes, limits: PictureLimits) -> PngFile:
    """Return what a PNG file holds, undecoded; `data` begins with the signature.

    Raises:
        PictureRefused: damaged, too large, animated, or of a kind that is not read here.
    """
    chunks = list(_chunks(data, limits))
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13:
        raise corrupt("it does not begin with a PNG header of 13 bytes")
    columns, rows, depth, colour_type, method, filters, interlaced = struct.unpack(
        ">IIBBBBB", chunks[0][1]
    )
    if depth not in _DEPTHS.get(colour_type, ()) or method or filters or interlaced > 1:
        raise corrupt(
            f"PNG knows no colour type {colour_type} of {depth} bits, compression {method}, filter {filters}, interlacing {interlaced}"
        )
    check_size(rows, columns, 3 if colour_type in (2, PALETTE, 6) else 1, limits)
    found = _Found(chunks)
    _check_supported(depth, colour_type, found)
    pixels = b"".join(found.all(b"IDAT"))
    expected = _raw_size(rows, columns, depth * _CHANNELS[colour_type], interlaced=bool(interlaced))
    _check_inflates_to(pixels, expected)
    kept = [(name, body) for name, body in chunks if name in (b"IHDR", b"PLTE")]
    stripped = SIGNATURE + b"".join(
        chunk(*one) for one in (*kept, (b"IDAT", pixels), (b"IEND", b""))
    )
    return PngFile(
        rows, columns, depth, colour_type, np.frombuffer(found.one(b"PLTE"), dtype=np.uint8).reshape(-1, 3), found.one(b"tRNS"),
        found.one(b"eXIf") or None, stripped,
    )  # fmt: skip


class _Found:
    """Chunks by name."""

    def __init__(self, chunks: list[tuple[bytes, bytes]]) -> None:
        self._chunks = chunks

    @property
    def names(self) -> set[bytes]:
        return {name for name, _ in self._chunks}

    def in_one_piece(self, name: bytes) -> bool:
        """Whether there are such chunks, and none of another name between them."""
        places = [place for place, (found, _) in enumerate(self._chunks) if found == name]
        return bool(places) and places[-1] - places[0] + 1 == len(places)

    def all(self, name: bytes) -> list[bytes]:
        return [body for found, body in self._chunks if found == name]

    def one(self, name: bytes) -> bytes:
        bodies = self.all(name)
        if len(bodies) > 1:
            raise corrupt(f"it has {len(bodies)} chunks {name.decode()}")
        return bodies[0] if bodies else b""


def _chunks(data: bytes, limits: PictureLimits) -> Iterator[tuple[bytes, bytes]]:
    """Yield (name, body) of every chunk in order, each with the right checksum, up to IEND."""
    position, beside, count = len(SIGNATURE), 0, 0
    while True:
        if position + 12 > len(data):
            raise corrupt("it ends before the PNG's end")
        length, name = struct.unpack_from(">I4s", data, position)
        if not name.isalpha() or length > len(data) - position - 12:
            raise corrupt(
                f"a chunk at byte {position} says it has {length} bytes, and the file ends before"
            )
        body = data[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, position + 8 + length)
        if zlib.crc32(body, zlib.crc32(name)) != checksum:
            raise corrupt(
                f"the chunk {name.decode()} at byte {position} does not match its checksum"
            )
        position += 12 + length
        count, beside = count + 1, beside + (0 if name == b"IDAT" else length)
        if count > MOST_CHUNKS:
            raise too_large(f"more than {MOST_CHUNKS} chunks", f"{MOST_CHUNKS}")
        if beside > limits.header_bytes:
            raise too_large(
                f"more than {limits.header_bytes} bytes beside its pixels", f"{limits.header_bytes}"
            )
        yield name, body
        if name == b"IEND":
            break
    if position != len(data):
        raise corrupt(f"{len(data) - position} bytes follow the PNG's end")


def _check_supported(depth: int, colour_type: int, found: _Found) -> None:
    """Check that the chunks are those of one picture, of a kind that is read here."""
    for name in found.names:
        if name in _ANIMATION:
            raise several_frames(f"The PNG is animated (it has a chunk {name.decode()})")
        if name[:1].isupper() and name not in _CRITICAL:
            raise unsupported(
                f"The PNG has a chunk {name.decode()} that no standard knows", SAVE_AGAIN
            )
    if not found.in_one_piece(b"IDAT"):
        raise corrupt("its pixels are missing, or not in one piece")
    palette = len(found.one(b"PLTE"))
    if colour_type == PALETTE and (palette % 3 or not 3 <= palette <= 3 * 2**depth):
        raise corrupt(f"its palette has {palette} bytes")
    if colour_type == PALETTE and len(found.one(b"tRNS")) > palette // 3:
        raise corrupt("its palette has fewer colours than transparencies")
    if depth == 16 and colour_type:
        raise unsupported("The PNG has 16 bits and colour or transparency", SAVE_AGAIN)
    if colour_type in (0, 2) and found.all(b"tRNS"):
        raise unsupported("The PNG says that one of its values is transparent", SAVE_AGAIN)


def _raw_size(rows: int, columns: int, bits: int, *, interlaced: bool) -> int:
    """Return how many bytes the filtered rows have. Source: sections 7.2 and 8.1."""
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    total = 0
    for first_row, first_column, row_step, column_step in passes:
        height = -(-(rows - first_row) // row_step)
        width = -(-(columns - first_column) // column_step)
        if height > 0 and width > 0:
            total += height * (1 + -(-width * bits // 8))
    return total


def _check_inflates_to(stream: bytes, expected: int) -> None:
    size, rest = inflated_size(stream, expected, WITH_HEADER)
    if size > expected:
        raise corrupt(
            f"its pixels inflate to more than the {expected} bytes that its header promises"
        )
    if size != expected or rest:
        raise corrupt(f"its pixels are {size} bytes, and its header promises {expected}")


def chunk(name: bytes, body: bytes) -> bytes:
    """Return one chunk with its length and checksum. Source: section 5.3."""
    checksum = zlib.crc32(body, zlib.crc32(name))
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)
