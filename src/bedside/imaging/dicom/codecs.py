"""One compressed frame to whole numbers: each coding's codestream is checked, then decoded.

JPEG by Pillow, JPEG lossless and JPEG-LS by GDCM (through pydicom), JPEG 2000 and HTJ2K by
OpenJPEG, RLE by Pillow's PackBits. A codestream that says something else than the DICOM header
about rows, columns, samples, bits or sign is refused before any of them sees it.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bedside.imaging import jpeg
from bedside.imaging.dicom.codestream import check_codestream
from bedside.imaging.dicom.layout import Layout
from bedside.imaging.dicom.syntaxes import TransferSyntax, no_codec
from bedside.imaging.picture import PictureLimits
from bedside.imaging.raster import check_same, decoded_jpeg, is_ycc, packbits
from bedside.imaging.refusals import corrupt

Frame = NDArray[Any]
"""Whole numbers, rows × columns, or rows × columns × samples."""

_RLE_HEADER: Final = 64
_PROCESSES: Final = {
    "jpeg": (0xC0, 0xC1),
    "jpeg-lossless": (0xC3,),
    "jpeg-ls": (jpeg.JPEG_LS,),
}


def decode_frame(
    codestream: bytes, syntax: TransferSyntax, layout: Layout, limits: PictureLimits
) -> tuple[Frame, bool]:
    """Return a frame's whole numbers, and whether colour is RGB already.

    Args:
        codestream: All fragments of the frame, joined.
        syntax: A transfer syntax of the JPEG family.
        layout: What the DICOM header says.
        limits: How large the frame's own headers may be.

    Raises:
        PictureRefused: damaged, contradictory, too large, or a process that nothing here decodes.
    """
    if layout.high_bit != layout.stored - 1:
        raise corrupt(
            f"its compressed pixels have {layout.stored} bits, and the high bit {layout.high_bit}"
        )
    if syntax.coding == "jpeg-2000":
        return _jpeg_2000(codestream, layout), layout.photometric in ("RGB", "YBR_ICT", "YBR_RCT")
    stream = jpeg.take_apart(codestream, limits, padded=True)
    said = stream.frame
    _check_agreement(layout, said.rows, said.columns, len(said.components), said.precision)
    if said.process not in _PROCESSES[syntax.coding]:
        raise corrupt(
            f"its pixels are JPEG process FF{said.process:02X}, which {syntax.name} is not"
        )
    if syntax.coding == "jpeg":
        return _baseline(stream, syntax, layout), True
    frame = _by_gdcm(stream, syntax, layout)
    if syntax.coding == "jpeg-lossless":
        check_same(frame, _by_gdcm(stream.refilled(), syntax, layout))
    return frame, False


def _check_agreement(
    layout: Layout, rows: int, columns: int, components: int, precision: int
) -> None:
    said = (layout.rows, layout.columns, layout.samples)
    if (rows, columns, components) != said:
        raise corrupt(
            f"its header says {layout.rows} × {layout.columns} pixels of {layout.samples} sample(s), "
            f"its compressed pixels are {rows} × {columns} of {components}"
        )
    if precision > layout.allocated:
        raise corrupt(
            f"its compressed pixels have {precision} bits, and its header allocates {layout.allocated}"
        )


def _baseline(stream: jpeg.JpegStream, syntax: TransferSyntax, layout: Layout) -> Frame:
    """Return grey values, or RGB. Source: PS3.5, section 8.2.1."""
    if stream.frame.precision != 8:
        raise no_codec(f"{syntax.name} with {stream.frame.precision} bits")
    ycc = layout.photometric != "RGB"
    if layout.samples == 3 and (stream.jfif or stream.adobe is not None) and is_ycc(stream) != ycc:
        raise corrupt(f"its header says {layout.photometric}, and its JPEG stream says otherwise")
    return decoded_jpeg(stream, int(ycc))


def _jpeg_2000(codestream: bytes, layout: Layout) -> Frame:
    from openjpeg.utils import decode  # noqa: PLC0415 - paid for where such a picture comes

    siz = check_codestream(codestream)
    _check_agreement(layout, siz.rows, siz.columns, siz.components, siz.precision)
    if siz.signed != layout.signed:
        raise corrupt("its header and its JPEG 2000 codestream disagree whether pixels are signed")
    try:
        frame: Frame = decode(codestream, j2k_format=0)
    except (RuntimeError, ValueError, MemoryError) as problem:
        raise corrupt(f"its JPEG 2000 codestream cannot be decoded ({problem})") from problem
    return frame


def _by_gdcm(stream: jpeg.JpegStream, syntax: TransferSyntax, layout: Layout) -> Frame:
    from pydicom.pixels.decoders.base import get_decoder  # noqa: PLC0415 - paid for where such a picture comes

    if (stream.frame.precision > 8) is not (layout.allocated == 16):
        raise corrupt(
            f"its compressed pixels have {stream.frame.precision} bits, its header allocates {layout.allocated}"
        )
    try:
        frame, _ = get_decoder(syntax.uid).as_array(
            _encapsulated(stream.stripped),
            index=0,
            raw=True,
            decoding_plugin="gdcm",
            **_options(layout),
        )
    except (RuntimeError, ValueError, NotImplementedError, AttributeError, TypeError) as problem:
        raise corrupt(f"its {syntax.name} pixels cannot be decoded ({problem})") from problem
    return frame


def _options(layout: Layout) -> dict[str, Any]:
    return {
        "rows": layout.rows,
        "columns": layout.columns,
        "samples_per_pixel": layout.samples,
        "photometric_interpretation": layout.photometric,
        "planar_configuration": 0,
        "bits_allocated": layout.allocated,
        "bits_stored": layout.stored,
        "pixel_representation": int(layout.signed),
        "number_of_frames": 1,
        "pixel_keyword": "PixelData",
    }


def _encapsulated(frame: bytes) -> bytes:
    """Return one frame as one fragment behind an empty offset table. Source: PS3.5, annex A.4."""
    padded = frame + b"\0" * (len(frame) % 2)
    item, end = struct.pack("<HHI", 0xFFFE, 0xE000, 0), struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return item + item[:4] + struct.pack("<I", len(padded)) + padded + end


def run_lengths(data: bytes, layout: Layout) -> Frame:
    """Return a run-length encoded frame's whole samples, unused bits included.

    Source: DICOM PS3.5, annex G.

    Raises:
        PictureRefused: its header or a segment is not what the layout demands.
    """
    count = layout.samples * layout.allocated // 8
    if len(data) < _RLE_HEADER:
        raise corrupt("its run-length header is cut")
    stated, *offsets = struct.unpack_from("<16I", data)
    starts = offsets[:count]
    if (
        stated != count
        or starts != sorted(set(starts))
        or starts[0] != _RLE_HEADER
        or starts[-1] > len(data)
    ):
        raise corrupt(
            f"its run-length header says {stated} segments at {starts}; there must be {count}"
        )
    ends = (*starts[1:], len(data))
    planes: list[Frame] = [
        packbits(data[start:end], layout.rows, layout.columns)
        for start, end in zip(starts, ends, strict=True)
    ]
    if layout.allocated == 16:
        planes = [  # the most significant byte comes first; section G.2
            high.astype(np.uint16) << 8 | low
            for high, low in zip(planes[::2], planes[1::2], strict=True)
        ]
    return planes[0] if layout.samples == 1 else np.stack(planes, axis=2)
