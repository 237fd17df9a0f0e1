"""A JPEG 2000 codestream's own header, held against the DICOM header and against bounds.

OpenJPEG takes memory for every tile, layer, precinct and code block that a header promises,
so each is counted here, in every header of every tile-part, before it sees a byte.
Sources: ITU-T T.800, annex A; ITU-T T.814 (HTJ2K), annex A.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bedside.imaging.jpeg import PADDING
from bedside.imaging.refusals import corrupt, too_large

MOST_TILES: Final = 4_096
MOST_TILE_PARTS: Final = 8_192
MOST_SEGMENTS: Final = 16_384
MOST_PACKETS: Final = 2**22
"""Layers × components × resolutions × precincts; a radiograph in one tile has some dozens."""

MOST_BLOCKS: Final = 2**19
"""Code blocks; 64 × 64 samples each are usual, which makes 16,384 of the largest picture."""

_START: Final = b"\xff\x4f"
_SIZ, _COD, _COC, _SOT, _SOD, _EOC = 0xFF51, 0xFF52, 0xFF53, 0xFF90, 0xFF93, 0xFFD9


@dataclass(frozen=True, slots=True)
class Siz:
    """The image and tile size segment. Source: T.800, section A.5.1.

    Attributes:
        rows: Rows of the image.
        columns: Columns of the image.
        components: Number of components.
        precision: Bits of each, all alike.
        signed: Whether they are signed.
        tile_rows: Rows of a tile, at most those of the image.
        tile_columns: The same for its columns.
        tiles: How many there are.
    """

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool
    tile_rows: int
    tile_columns: int
    tiles: int


def check_codestream(data: bytes) -> Siz:
    """Return the size that a JPEG 2000 codestream promises, after a walk to its end.

    Args:
        data: The codestream; padding may follow its end, as DICOM pads fragments.

    Raises:
        PictureRefused: damaged or cut, or it asks for more than the bounds above.
    """
    if data[:4] != _START + b"\xff\x51":
        raise corrupt("its JPEG 2000 codestream does not begin with a size")
    siz: Siz | None = None
    for count, (marker, body) in enumerate(_segments(data)):
        if count > MOST_SEGMENTS:
            raise too_large(f"more than {MOST_SEGMENTS} JPEG 2000 segments", f"{MOST_SEGMENTS}")
        if marker == _SIZ:
            if siz is not None:
                raise corrupt("its JPEG 2000 codestream has two sizes")
            siz = _siz(body)
        elif siz is not None and marker == _COD:
            _check_coding(siz, body[1:5], body[5:], defined=bool(body[:1] and body[0] & 1))
        elif siz is not None and marker == _COC:
            wide = 2 if siz.components > 256 else 1
            _check_coding(
                siz, None, body[wide + 1 :], defined=bool(body[wide : wide + 1] and body[wide] & 1)
            )
    assert siz is not None  # noqa: S101 - the first segment was looked at above
    return siz


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the segments of the main header and of every tile-part header, up to the end."""
    position, part, parts = 2, None, 0
    while True:
        marker, length = _unpacked(">HH", data[position : position + 4].ljust(4, b"\0"), 0)
        if marker == _EOC:
            break
        if marker == _SOD:
            if part is None:
                raise corrupt("its JPEG 2000 data begin outside a tile")
            position, part = part, None
            continue
        if length < 2 or position + 2 + length > len(data):
            raise corrupt(f"a JPEG 2000 segment at byte {position} ends behind the file")
        if marker == _SOT:
            parts += 1
            part = _tile_part_end(data, position)
            if parts > MOST_TILE_PARTS:
                raise too_large(f"more than {MOST_TILE_PARTS} tile-parts", f"{MOST_TILE_PARTS}")
        yield marker, data[position + 4 : position + 2 + length]
        position += 2 + length
    if part is not None or not parts or data[position + 2 :].strip(PADDING):
        raise corrupt("its JPEG 2000 codestream ends inside a tile, or something follows its end")


def _tile_part_end(data: bytes, position: int) -> int:
    """Return where the tile-part that begins at `position` ends. Source: section A.4.2."""
    _, length, _, size = _unpacked(">HHHI", data, position)
    end = position + size if size else len(data.rstrip(PADDING)) - 2
    if length != 10 or not position + 14 <= end <= len(data) - 2:
        raise corrupt(f"a JPEG 2000 tile of {size} bytes ends behind the file: it was cut")
    return end


def _siz(body: bytes) -> Siz:
    _, x1, y1, x0, y0, width, height, tile_x, tile_y, count = _unpacked(">H8IH", body, 0)
    components = (
        [_unpacked(">BBB", body, 36 + 3 * place) for place in range(count)] if count <= 4 else []
    )
    if x1 <= x0 or y1 <= y0 or not width or not height or tile_x > x0 or tile_y > y0:
        raise corrupt("its JPEG 2000 size makes no sense")
    if not components or len(set(components)) != 1 or components[0][1:] != (1, 1):
        raise corrupt(f"its JPEG 2000 components differ, or are {count}")
    tiles = -(-(x1 - tile_x) // width) * -(-(y1 - tile_y) // height)
    if tiles > MOST_TILES:
        raise too_large(f"{tiles} JPEG 2000 tiles", f"{MOST_TILES}")
    depth = components[0][0]
    return Siz(
        rows=y1 - y0, columns=x1 - x0, components=count, precision=(depth & 0x7F) + 1,
        signed=bool(depth & 0x80), tile_rows=min(height, y1 - y0),
        tile_columns=min(width, x1 - x0), tiles=tiles,
    )  # fmt: skip


def _check_coding(siz: Siz, general: bytes | None, coding: bytes, *, defined: bool) -> None:
    """Count what a coding style promises. Source: sections A.6.1 and A.6.2."""
    layers = 1 if general is None else _unpacked(">BHB", general, 0)[1]
    levels, block_columns, block_rows = _unpacked(">BBB", coding, 0)
    if levels > 32 or block_columns > 8 or block_rows > 8 or block_columns + block_rows > 8:
        raise corrupt("its JPEG 2000 coding style makes no sense")
    sizes = coding[5 : 6 + levels] if defined else bytes([0xFF]) * (levels + 1)
    if len(sizes) != levels + 1:
        raise corrupt("its JPEG 2000 precincts are cut")
    most = 0
    for level, size in zip(range(levels, -1, -1), sizes, strict=True):
        across = _ceil_shift(_ceil_shift(siz.tile_columns, level), size & 0x0F) + 1
        down = _ceil_shift(_ceil_shift(siz.tile_rows, level), size >> 4) + 1
        most = max(most, across * down)
    packets = layers * siz.components * (levels + 1) * most
    if packets > MOST_PACKETS:
        raise too_large(f"{packets} JPEG 2000 packets in a tile", f"{MOST_PACKETS}")
    # a code block is no larger than half its precinct; section B.7
    smallest = min(
        min(size & 0x0F, block_columns + 3) + min(size >> 4, block_rows + 3) for size in sizes
    )
    blocks = siz.components * (siz.tile_rows * siz.tile_columns >> max(smallest - 2, 0))
    if blocks > MOST_BLOCKS:
        raise too_large(f"{blocks} JPEG 2000 code blocks", f"{MOST_BLOCKS}")


def _ceil_shift(value: int, bits: int) -> int:
    return -(-value >> bits)


def _unpacked(form: str, data: bytes, position: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(form, data, position)
    except struct.error as problem:
        raise corrupt("its JPEG 2000 codestream is cut") from problem
