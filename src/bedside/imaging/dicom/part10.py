"""A DICOM file: preamble, file meta information, data set. Source: DICOM PS3.10, section 7.1."""

from __future__ import annotations

import struct
import zlib
from typing import Final

from bedside.imaging.dicom.elements import EXPLICIT, MOST_ELEMENTS, Element, Walk
from bedside.imaging.dicom.header import Header
from bedside.imaging.dicom.syntaxes import TransferSyntax, transfer_syntax
from bedside.imaging.inflate import RAW, inflated_size
from bedside.imaging.picture import PictureLimits
from bedside.imaging.refusals import corrupt, not_a_picture, too_large

_PREFIX: Final = b"DICM"
_PREAMBLE: Final = 128
_META: Final = 0x0002
_MEDIA_STORAGE_CLASS: Final = 0x00020002
_TRANSFER_SYNTAX: Final = 0x00020010
_PIXELS: Final = 0x7FE0
_STORAGE: Final = "1.2.840.10008.5.1.4.1.1"
_NO_PICTURES: Final = {
    f"{_STORAGE}.9": "a waveform",
    f"{_STORAGE}.11": "a presentation state",
    f"{_STORAGE}.30": "a parametric map",
    f"{_STORAGE}.66": "a segmentation or registration",
    f"{_STORAGE}.88": "a structured report",
    f"{_STORAGE}.104": "an encapsulated document",
    f"{_STORAGE}.481.2": "a radiotherapy dose",
    f"{_STORAGE}.481.3": "a radiotherapy structure set",
    f"{_STORAGE}.481.5": "a radiotherapy plan",
    "1.2.840.10008.1.3.10": "a directory of files",
}
"""Objects that may have pixels and are no pictures. Source: PS3.6, table A-1."""


def is_dicom(data: bytes) -> bool:
    """Return whether the prefix stands where a DICOM file has it."""
    return data[_PREAMBLE : _PREAMBLE + len(_PREFIX)] == _PREFIX


def open_file(
    data: bytes, limits: PictureLimits, most_elements: int = MOST_ELEMENTS
) -> tuple[Header, TransferSyntax]:
    """Return the data set of a DICOM file, walked through to its end, and how it is written.

    Args:
        data: The whole file.
        limits: How much it may hold beside its pixels, and inflate to.
        most_elements: How many data elements it may have, nested ones too.

    Raises:
        PictureRefused: damaged, too large, or in a transfer syntax that is not read here.
    """
    start = _PREAMBLE + len(_PREFIX)
    walk = Walk(data, most_elements)
    meta = {one.tag: one for one in walk.elements(start, len(data), EXPLICIT, group=_META)}
    header = Header(data, EXPLICIT, meta, walk)
    check_class(header.uid(_MEDIA_STORAGE_CLASS))
    uid = header.uid(_TRANSFER_SYNTAX)
    if uid is None:
        raise corrupt("its file meta information says no transfer syntax")
    syntax = transfer_syntax(uid)
    body = max((element.end for element in meta.values()), default=start)
    if syntax.deflated:
        data, body = _inflated(data[body:], limits), 0
        walk = Walk(data, most_elements)
    elements = {one.tag: one for one in walk.elements(body, len(data), syntax.data_set)}
    _check_header_bytes(elements, body, limits, behind=syntax.deflated)
    return Header(data, syntax.data_set, elements, walk), syntax


def check_class(sop_class: str | None) -> None:
    """Check that objects of that SOP Class UID are pictures.

    Raises:
        PictureRefused: they are masks, doses or documents (`not-a-picture`).
    """
    for start, name in _NO_PICTURES.items():
        if sop_class is not None and f"{sop_class}.".startswith(f"{start}."):
            raise not_a_picture(f"This DICOM object is {name} ({sop_class})")


def _inflated(stream: bytes, limits: PictureLimits) -> bytes:
    """Return a deflated data set. Source: PS3.5, section A.5.

    It is counted first and inflated then, so that it never takes more memory than it has bytes.
    """
    size, rest = inflated_size(stream, limits.file_bytes, RAW)
    if size > limits.file_bytes:
        raise too_large(
            f"a data set that inflates to more than {limits.file_bytes} bytes",
            f"{limits.file_bytes}",
        )
    data = zlib.decompress(stream[: len(stream) - len(rest)], RAW, size)
    gzip_end = struct.pack("<II", zlib.crc32(data), size)  # GDCM writes it
    if rest.rstrip(b"\0") not in (b"", gzip_end.rstrip(b"\0")):
        raise corrupt("something follows its deflated data set")
    return data


def _check_header_bytes(
    elements: dict[int, Element], start: int, limits: PictureLimits, *, behind: bool
) -> None:
    """Check how much there is beside the pixels.

    Some makers keep megabytes of their own behind the pixels, and nobody reads them. They are
    counted (`behind`) where they were deflated, for then whoever sent them did not send as much.
    """
    last = max((one.end for one in elements.values() if one.tag >> 16 < _PIXELS), default=start)
    size = last - start
    if behind:
        size += sum(one.end - one.start for one in elements.values() if one.tag >> 16 > _PIXELS)
    if size > limits.header_bytes:
        raise too_large(f"{size} bytes beside its pixels", f"{limits.header_bytes}")
