"""A smallest DICOM file around 8-bit pixels, for golden cases of models that read DICOM.

Explicit VR Little Endian, uncompressed, no patient, no date: the same pixels give the same bytes.
Source: DICOM PS3.10, section 7 (file meta information); PS3.5, section 7.1 (data elements).
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_LONG = frozenset({"OB", "OW"})


@dataclass(frozen=True, slots=True)
class Header:
    """What the file says of its pixels.

    Attributes:
        modality: Such as DX.
        body_part: Such as CHEST; None leaves it out.
        view: Such as PA; None leaves it out.
        negative: Whether larger values are darker (MONOCHROME1).
        slope: Rescale slope.
        intercept: Rescale intercept.
    """

    modality: str
    body_part: str | None = None
    view: str | None = None
    negative: bool = False
    slope: float = 1.0
    intercept: float = 0.0


def dicom_bytes(pixels: NDArray[np.uint8], header: Header) -> bytes:
    """Return `pixels`, rows × columns or rows × columns × 3, as a DICOM file."""
    stored = np.ascontiguousarray(255 - pixels if header.negative else pixels)
    colour = pixels.ndim == 3
    seen = hashlib.sha256(stored.tobytes() + repr(header).encode()).digest()
    uid = f"2.25.{int.from_bytes(seen[:15], 'big')}"
    grey = "MONOCHROME1" if header.negative else "MONOCHROME2"
    parts = [
        _element(0x0008, 0x0016, "UI", _SECONDARY_CAPTURE),
        _element(0x0008, 0x0018, "UI", uid),
        _element(0x0008, 0x0060, "CS", header.modality),
        _element(0x0018, 0x0015, "CS", header.body_part or "") if header.body_part else b"",
        _element(0x0018, 0x5101, "CS", header.view or "") if header.view else b"",
        _element(0x0028, 0x0002, "US", 3 if colour else 1),
        _element(0x0028, 0x0004, "CS", "RGB" if colour else grey),
        _element(0x0028, 0x0006, "US", 0) if colour else b"",
        _element(0x0028, 0x0010, "US", pixels.shape[0]),
        _element(0x0028, 0x0011, "US", pixels.shape[1]),
        _element(0x0028, 0x0100, "US", 8),
        _element(0x0028, 0x0101, "US", 8),
        _element(0x0028, 0x0102, "US", 7),
        _element(0x0028, 0x0103, "US", 0),
    ]
    if not colour and (header.slope, header.intercept) != (1.0, 0.0):
        parts.append(_element(0x0028, 0x1052, "DS", f"{header.intercept:.10g}"))
        parts.append(_element(0x0028, 0x1053, "DS", f"{header.slope:.10g}"))
    parts.append(_element(0x7FE0, 0x0010, "OB", stored.tobytes()))
    return _meta(uid) + b"".join(parts)


def _meta(uid: str) -> bytes:
    rest = (
        _element(0x0002, 0x0001, "OB", b"\x00\x01")
        + _element(0x0002, 0x0002, "UI", _SECONDARY_CAPTURE)
        + _element(0x0002, 0x0003, "UI", uid)
        + _element(0x0002, 0x0010, "UI", _EXPLICIT_LITTLE_ENDIAN)
        + _element(0x0002, 0x0012, "UI", "2.25.302043790172249692526321623266752743501")
    )
    length = struct.pack("<HH2sHI", 0x0002, 0x0000, b"UL", 4, len(rest))
    return b"\x00" * 128 + b"DICM" + length + rest


def _element(group: int, number: int, kind: str, value: str | int | bytes) -> bytes:
    match value:
        case int():
            data = struct.pack("<H", value)
        case str():
            data = value.encode("ascii")
        case bytes():
            data = value
    if len(data) % 2:
        data += b"\x00" if kind in {"UI", "OB"} else b" "
    head = struct.pack("<HH", group, number) + kind.encode("ascii")
    size = struct.pack("<HI", 0, len(data)) if kind in _LONG else struct.pack("<H", len(data))
    return head + size + data
