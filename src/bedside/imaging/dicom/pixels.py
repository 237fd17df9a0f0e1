"""The one frame of a DICOM object, as whole numbers that its header allows.

Source: DICOM PS3.5, section 8 and annex A.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.colour import rgb_of_ycc
from bedside.imaging.dicom.codecs import Frame, decode_frame, run_lengths
from bedside.imaging.dicom.elements import PIXEL_DATA, Element
from bedside.imaging.dicom.header import Header
from bedside.imaging.dicom.layout import PALETTE, Layout
from bedside.imaging.dicom.palette import looked_up
from bedside.imaging.dicom.syntaxes import TransferSyntax
from bedside.imaging.picture import PictureLimits
from bedside.imaging.refusals import corrupt


def stored_pixels(
    header: Header, syntax: TransferSyntax, layout: Layout, limits: PictureLimits
) -> tuple[Frame, int]:
    """Return whole numbers, and the largest that is possible.

    Returns:
        Grey: rows × columns, from `layout.lowest` to `layout.highest`. Colour: rows × columns × 3
        as RGB, from 0.

    Raises:
        PictureRefused: damaged, contradictory, or nothing here decodes it.
    """
    element = header.elements[PIXEL_DATA]
    if (element.fragments is None) is not (syntax.coding == "native"):
        raise corrupt(f"its pixels are not written as {syntax.name} demands")
    if element.fragments is None:
        frame, is_rgb = _stored_bits(_native(header, element, layout), layout), False
    elif syntax.coding == "rle":
        samples = run_lengths(_joined(header, element), layout)
        frame, is_rgb = _stored_bits(samples, layout), False
    else:
        frame, is_rgb = decode_frame(_joined(header, element), syntax, layout, limits)
        frame = _allowed(frame, layout)
    if layout.photometric == PALETTE:
        return looked_up(frame, header)
    if layout.photometric.startswith("YBR") and not is_rgb:
        frame = rgb_of_ycc(frame)
    return frame, layout.highest


def _joined(header: Header, element: Element) -> bytes:
    """Return the fragments of the only frame as one; the first item is the offset table."""
    fragments = element.fragments or ()
    if len(fragments) < 2 or fragments[0][1] - fragments[0][0] not in (0, 4):
        raise corrupt("its compressed pixels have no fragment, or offsets of several frames")
    return b"".join(header.data[start:end] for start, end in fragments[1:])


def _native(header: Header, element: Element, layout: Layout) -> NDArray[Any]:
    size = layout.rows * layout.columns * layout.samples * layout.allocated // 8
    halved = layout.photometric == "YBR_FULL_422"
    size = size * 2 // 3 if halved else size
    found = element.end - element.start
    if found not in (size, size + size % 2):
        raise corrupt(f"its pixels have {found} bytes, and its header promises {size}")
    order = header.syntax.order
    data = np.frombuffer(header.data, np.uint8, found, element.start)
    if layout.allocated == 8 and header.syntax.big_endian and element.vr == "OW":
        if found % 2:
            raise corrupt(f"its pixels are words, and have {found} bytes")
        data = data.reshape(-1, 2)[:, ::-1].ravel()
    values = data[:size] if layout.allocated == 8 else data[:size].view(f"{order}u2")
    if halved:
        return _without_halving(values, layout)
    if layout.planar:
        return np.moveaxis(values.reshape(3, layout.rows, layout.columns), 0, 2)
    shape = (layout.rows, layout.columns, 3)[: 3 if layout.samples == 3 else 2]
    return values.reshape(shape)


def _without_halving(values: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """Return YBR_FULL of YBR_FULL_422: Y Y Cb Cr for two pixels. Source: PS3.3, C.7.6.3.1.2."""
    if layout.columns % 2 or layout.planar:
        raise corrupt(f"its YBR_FULL_422 pixels have {layout.columns} columns, or stand in planes")
    pairs = values.reshape(layout.rows, layout.columns // 2, 4)
    luma = pairs[..., :2].reshape(layout.rows, layout.columns)
    blue, red = (np.repeat(pairs[..., place], 2, axis=1) for place in (2, 3))
    return np.stack([luma, blue, red], axis=2)


def _stored_bits(frame: Frame, layout: Layout) -> Frame:
    """Return the bits that mean something, with their sign; overlays kept beside are left out."""
    shifted = frame >> (layout.high_bit + 1 - layout.stored)
    bits: Frame = shifted & ((1 << layout.stored) - 1)
    if not layout.signed:
        return bits
    sign = 1 << (layout.stored - 1)
    extended: Frame = (bits.astype(np.int32) ^ sign) - sign
    return extended


def _allowed(frame: Frame, layout: Layout) -> Frame:
    """Return decompressed values, which Bits Stored must allow; signs that are missing are set.

    Raises:
        PictureRefused: it does not allow one, or the frame has another shape.
    """
    shape = (layout.rows, layout.columns, 3)[: 3 if layout.samples == 3 else 2]
    if frame.shape != shape or frame.dtype.kind not in "iu":
        raise corrupt(f"its decompressed pixels are {frame.shape} of {frame.dtype}")
    smallest, largest = int(frame.min()), int(frame.max())
    if layout.lowest <= smallest and largest <= layout.highest:
        return frame
    if layout.signed and smallest >= 0 and largest < 2**layout.stored:
        return _stored_bits(frame, layout)
    raise corrupt(
        f"its decompressed pixels go from {smallest} to {largest}, and {layout.stored} bits do not"
    )
