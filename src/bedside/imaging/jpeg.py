"""Takes a JPEG stream apart before anything decodes it; for files, and for frames inside DICOM.

Markers are walked to the end of the image, so that a stream that was cut, doubled or appended to
is noticed; `jpeg_scans` looks at what the scans bring. The decoder gets tables, frame and scans, and
nothing else: no Exif, no profile, no comments. Values that were damaged inside a scan cannot all be
noticed: JPEG has no checksum.
Sources: ITU-T T.81 (JPEG), annex B; ITU-T T.87 (JPEG-LS), annex C.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field, replace
from typing import Final

from bedside.imaging.jpeg_scans import Coverage, filled
from bedside.imaging.picture import PictureLimits
from bedside.imaging.refusals import check_size, corrupt, too_large

START: Final = b"\xff\xd8"

PADDING: Final = b"\0\xff"
"""What encoders append to make a fragment's length even; the standard says zero."""

MOST_SEGMENTS: Final = 4_096
MOST_SCANS: Final = 100
"""A progressive file has about ten; a file with thousands is made to cost time."""

MOST_SCANNED: Final = 2**30
"""Most pixels × scans: the largest picture, progressive, in sixteen scans."""

_LOSSLESS, _RESTARTS = 0xC3, 0xDD
_END, _SCAN, _LINES, _JFIF, _EXIF, _ADOBE, _COMMENT = 0xD9, 0xDA, 0xDC, 0xE0, 0xE1, 0xEE, 0xFE
_ALONE: Final = frozenset((0x01, 0xD8, *range(0xD0, 0xD8)))
_FRAMES: Final = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
JPEG_LS: Final = 0xF7
_NEXT: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""The next marker after entropy-coded bytes. Source: T.81, section B.1.1.5."""

_NEXT_LS: Final = re.compile(rb"\xff[\x80-\xfe]")
"""The same for JPEG-LS, which stuffs bits instead of bytes. Source: T.87, section A.1."""


@dataclass(frozen=True, slots=True)
class JpegFrame:
    """What the frame header (SOF) says.

    Attributes:
        process: The marker's second byte: 0xC0 baseline, 0xC1 extended, 0xC2 progressive,
            0xC3 lossless, 0xF7 JPEG-LS.
        precision: Bits of a sample.
        rows: Number of lines.
        columns: Samples of a line.
        components: Identifiers of the components.
    """

    process: int
    precision: int
    rows: int
    columns: int
    components: tuple[int, ...]


@dataclass(slots=True)
class _Walk:
    """What was found on the way through the markers."""

    frame: JpegFrame | None = None
    coverage: Coverage | None = None
    scans: int = 0
    segments: int = 0
    interval: int = 0
    beside: int = 0
    jfif: bool = False
    adobe: int | None = None
    exif: list[bytes] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=lambda: [START])
    coded: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class JpegStream:
    """A JPEG stream whose structure is sound.

    Attributes:
        frame: What its frame header says.
        jfif: Whether it says that it is JFIF, which means YCbCr where it has three components.
        adobe: Adobe's colour transform (0 none, 1 YCbCr, 2 YCCK), or None.
        exif: The Exif block (a TIFF header and what follows), or None.
        pieces: Tables, frame and scans from start to end of image; no APPn, no comment.
        coded: Places in `pieces` of the scans' entropy-coded bytes.
        interval: Units from one restart to the next; 0 where there are none.
    """

    frame: JpegFrame
    jfif: bool
    adobe: int | None
    exif: bytes | None
    pieces: tuple[bytes, ...]
    coded: frozenset[int]
    interval: int

    @property
    def stripped(self) -> bytes:
        """The stream that a decoder gets."""
        return b"".join(self.pieces)

    def refilled(self) -> JpegStream:
        """Return the stream with other bits wherever its entropy-coded bytes may be too few."""
        restarts = None
        if self.frame.process == _LOSSLESS:  # a sample is a unit; T.81, section H.1.2
            units = self.frame.rows * self.frame.columns
            restarts = -(-units // self.interval) - 1 if self.interval else 0
        pieces = (
            filled(piece, restarts) if place in self.coded else piece
            for place, piece in enumerate(self.pieces)
        )
        return replace(self, pieces=tuple(pieces))

    def with_transform(self, transform: int) -> bytes:
        """Return the stream with an Adobe marker that says the colour transform (0 or 1)."""
        marker = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform])
        return b"".join((START, marker, *self.pieces[1:]))


def take_apart(data: bytes, limits: PictureLimits, *, padded: bool = False) -> JpegStream:
    """Return what a JPEG stream holds, undecoded; `data` begins with START.

    Args:
        data: The file, or a frame of DICOM pixel data.
        limits: How many pixels it may have, and what may stand beside them.
        padded: Whether PADDING may follow the end, as in DICOM fragments.

    Raises:
        PictureRefused: damaged, or more pixels, segments, scans or bytes beside them than allowed.
    """
    walk, position = _Walk(), len(START)
    while True:
        position, marker = _marker(data, position)
        if marker == _END:
            break
        position = _segment(walk, data, position, marker)
        if walk.segments > MOST_SEGMENTS or walk.scans > MOST_SCANS:
            raise too_large(
                f"{walk.segments} segments and {walk.scans} scans",
                f"{MOST_SEGMENTS} and {MOST_SCANS}",
            )
        if walk.beside > limits.header_bytes:
            raise too_large(
                f"more than {limits.header_bytes} bytes beside its pixels", f"{limits.header_bytes}"
            )
    rest = data[position:]
    if rest and not (padded and not rest.strip(PADDING)):
        raise corrupt(f"{len(rest)} bytes follow the JPEG's end")
    if walk.frame is None or walk.coverage is None or not walk.scans:
        raise corrupt("it has no JPEG frame, or no scan")
    walk.coverage.check()
    rows, columns = walk.frame.rows, walk.frame.columns
    check_size(rows, columns, len(walk.frame.components), limits)
    if walk.scans * rows * columns > MOST_SCANNED:
        raise too_large(
            f"{walk.scans} scans of {rows} × {columns} pixels",
            f"{MOST_SCANNED} pixels in all scans",
        )
    if len(walk.exif) > 1:
        raise corrupt(f"it has {len(walk.exif)} Exif blocks")
    return JpegStream(
        walk.frame, walk.jfif, walk.adobe, walk.exif[0] if walk.exif else None,
        (*walk.kept, b"\xff\xd9"), frozenset(walk.coded), walk.interval,
    )  # fmt: skip


def _marker(data: bytes, position: int) -> tuple[int, int]:
    """Return the place after the marker that must stand at `position`, and its second byte."""
    if data[position : position + 1] != b"\xff":
        raise corrupt(f"a JPEG marker is missing at byte {position}, or the file was cut")
    while data[position : position + 1] == b"\xff":
        position += 1
    if position >= len(data):
        raise corrupt("it ends before the JPEG's end")
    return position + 1, data[position]


def _segment(walk: _Walk, data: bytes, position: int, marker: int) -> int:
    """Take the segment after `marker` up, and return the place of the next marker."""
    if marker in _ALONE or marker == 0:
        raise corrupt(f"the JPEG marker FF{marker:02X} stands where a segment must begin")
    if marker == _LINES:
        raise corrupt("its JPEG says the number of lines after its first scan")
    if position + 2 > len(data):
        raise corrupt("it ends before the JPEG's end")
    length = int.from_bytes(data[position : position + 2], "big")
    end = position + length
    if length < 2 or end > len(data):
        raise corrupt(
            f"a JPEG segment at byte {position} says it has {length} bytes, and the file ends before"
        )
    body = data[position + 2 : end]
    walk.segments += 1
    if marker == _SCAN:
        walk.kept.append(data[position - 2 : end])
        return _scan(walk, data, end, body)
    if marker == _RESTARTS:
        walk.interval = int.from_bytes(body, "big")
    elif marker in _FRAMES:
        _frame(walk, marker, body)
    elif 0xE0 <= marker <= 0xEF or marker == _COMMENT:
        walk.beside += length
        _application(walk, marker, body)
        return end
    walk.kept.append(data[position - 2 : end])
    return end


def _frame(walk: _Walk, marker: int, body: bytes) -> None:
    if walk.frame is not None:
        raise corrupt("it has two JPEG frames")
    if len(body) < 6 or len(body) != 6 + 3 * body[5]:
        raise corrupt(f"its JPEG frame header has {len(body)} bytes")
    precision, rows, columns, count = struct.unpack_from(">BHHB", body)
    components = tuple(body[6 + 3 * place] for place in range(count))
    if len(set(components)) != count:
        raise corrupt(f"its JPEG components are {list(components)}")
    walk.frame = JpegFrame(marker, precision, rows, columns, components)
    walk.coverage = Coverage(components, marker)


def _scan(walk: _Walk, data: bytes, position: int, header: bytes) -> int:
    """Return where the marker after a scan's entropy-coded bytes stands."""
    if walk.frame is None or walk.coverage is None:
        raise corrupt("a JPEG scan stands before its frame")
    walk.scans += 1
    walk.coverage.add(header)
    search = _NEXT_LS if walk.frame.process == JPEG_LS else _NEXT
    found = search.search(data, position)
    if found is None:
        raise corrupt("it ends before the JPEG's end")
    walk.coded.append(len(walk.kept))
    walk.kept.append(data[position : found.start()])
    return found.start()


def _application(walk: _Walk, marker: int, body: bytes) -> None:
    if marker == _JFIF and body[:5] == b"JFIF\0":
        walk.jfif = True
    elif marker == _EXIF and body[:6] == b"Exif\0\0":
        walk.exif.append(body[6:])
    elif marker == _ADOBE and body[:5] == b"Adobe" and len(body) >= 12:
        walk.adobe = body[11]
