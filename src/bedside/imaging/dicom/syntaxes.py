"""The transfer syntaxes that are read here, and the words for those that are not.

Source: DICOM PS3.5, section 10 and annex A; PS3.6, table A-1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from bedside.errors import PictureRefused
from bedside.imaging.dicom.elements import EXPLICIT, IMPLICIT, Syntax

Coding: TypeAlias = Literal["native", "rle", "jpeg", "jpeg-lossless", "jpeg-ls", "jpeg-2000"]


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """How a file is written, and how its pixels are.

    Attributes:
        uid: Its unique identifier.
        name: Its name in PS3.6.
        coding: How the pixels are written.
        data_set: How the data set is written.
        deflated: Whether the data set is deflated as a whole.
    """

    uid: str
    name: str
    coding: Coding = "native"
    data_set: Syntax = EXPLICIT
    deflated: bool = False


_KNOWN: Final = (
    TransferSyntax("1.2.840.10008.1.2", "Implicit VR Little Endian", data_set=IMPLICIT),
    TransferSyntax("1.2.840.10008.1.2.1", "Explicit VR Little Endian"),
    TransferSyntax("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", deflated=True),
    TransferSyntax(
        "1.2.840.10008.1.2.2",
        "Explicit VR Big Endian",
        data_set=Syntax(implicit=False, big_endian=True),
    ),
    TransferSyntax("1.2.840.10008.1.2.4.50", "JPEG Baseline (Process 1)", "jpeg"),
    TransferSyntax("1.2.840.10008.1.2.4.51", "JPEG Extended (Process 2 and 4)", "jpeg"),
    TransferSyntax("1.2.840.10008.1.2.4.57", "JPEG Lossless (Process 14)", "jpeg-lossless"),
    TransferSyntax("1.2.840.10008.1.2.4.70", "JPEG Lossless (Process 14, SV1)", "jpeg-lossless"),
    TransferSyntax("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", "jpeg-ls"),
    TransferSyntax("1.2.840.10008.1.2.4.81", "JPEG-LS Lossy (Near-Lossless)", "jpeg-ls"),
    TransferSyntax("1.2.840.10008.1.2.4.90", "JPEG 2000 (Lossless Only)", "jpeg-2000"),
    TransferSyntax("1.2.840.10008.1.2.4.91", "JPEG 2000", "jpeg-2000"),
    TransferSyntax(
        "1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 (Lossless Only)", "jpeg-2000"
    ),
    TransferSyntax(
        "1.2.840.10008.1.2.4.202",
        "High-Throughput JPEG 2000 with RPCL (Lossless Only)",
        "jpeg-2000",
    ),
    TransferSyntax("1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000", "jpeg-2000"),
    TransferSyntax("1.2.840.10008.1.2.5", "RLE Lossless", "rle"),
)

_NAMED: Final = {
    "1.2.840.10008.1.2.8.1": "Deflated Image Frame Compression",
    "1.2.840.10008.1.2.1.98": "Encapsulated Uncompressed Explicit VR Little Endian",
    "1.2.840.10008.1.2.4.92": "JPEG 2000 Part 2 Multi-component (Lossless Only)",
    "1.2.840.10008.1.2.4.93": "JPEG 2000 Part 2 Multi-component",
    "1.2.840.10008.1.2.4.94": "JPIP Referenced",
    "1.2.840.10008.1.2.4.95": "JPIP Referenced Deflate",
    "1.2.840.10008.1.2.4.100": "MPEG2 Main Profile",
    "1.2.840.10008.1.2.4.102": "MPEG-4 AVC/H.264",
    "1.2.840.10008.1.2.4.107": "HEVC/H.265",
    "1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
    "1.2.840.10008.1.2.4.111": "JPEG XL JPEG Recompression",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
}

CONVERT: Final = (
    "Convert it, for instance with `dcmdjpeg`, `gdcmconv --raw` or the PACS' export, "
    "to Explicit VR Little Endian."
)


def transfer_syntax(uid: str) -> TransferSyntax:
    """Return the transfer syntax of that identifier.

    Raises:
        PictureRefused: it is not read here (`no-codec`); the message names it.
    """
    for known in _KNOWN:
        if known.uid == uid:
            return known
    raise no_codec(f"{_NAMED.get(uid, 'unknown to this version')}, {uid}")


def no_codec(which: str) -> PictureRefused:
    """Return the refusal of pixels that nothing here can decode."""
    return PictureRefused(
        "no-codec", f"Nothing here decodes the transfer syntax {which}.", advice=CONVERT
    )
