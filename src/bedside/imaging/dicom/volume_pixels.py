"""The pixels of many planes, each decoded as single pictures are, gathered in one volume.

Source: DICOM PS3.3, sections C.7.6.3.1.8 (offset tables) and C.11.1; PS3.5, annex A.4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.dicom.codecs import Frame
from bedside.imaging.dicom.elements import PIXEL_DATA, Element
from bedside.imaging.dicom.header import Header
from bedside.imaging.dicom.layout import Layout, frame_layout
from bedside.imaging.dicom.pixels import stored_pixels
from bedside.imaging.dicom.syntaxes import TransferSyntax
from bedside.imaging.dicom.values import modality_values, padding, whole_offset
from bedside.imaging.picture import PictureLimits
from bedside.imaging.refusals import corrupt, not_a_picture, unsupported

_FLOATS: Final = (0x7FE00008, 0x7FE00009)
_EXTENDED_OFFSETS: Final = 0x7FE00001
_MOST_OFFSETS: Final = 2**16


def volume_layout(header: Header, limits: PictureLimits) -> Layout:
    """Return how the frames are laid out, which must be grey values as they were measured.

    Raises:
        PictureRefused: colour, floating-point numbers, MONOCHROME1, or no pixels.
    """
    if any(tag in header for tag in _FLOATS):
        raise unsupported("The pixels are floating-point numbers", "Export them as whole numbers.")
    if PIXEL_DATA not in header:
        raise not_a_picture("This DICOM object has no pixels")
    layout = frame_layout(header, limits)
    if layout.photometric != "MONOCHROME2":
        raise unsupported(
            f"The slices are {layout.photometric}; slices that were measured are MONOCHROME2",
            "Send the original series of the scanner, no pictures made of it.",
        )
    return layout


def frames(
    header: Header, syntax: TransferSyntax, layout: Layout, count: int, wanted: Sequence[int]
) -> Iterator[Header]:
    """Yield for each wanted frame a header whose pixel data is that frame alone.

    Args:
        header: The object's header.
        syntax: How it is written.
        layout: How each frame is laid out.
        count: How many frames it has.
        wanted: Their numbers, from 0.

    Raises:
        PictureRefused: the pixel data are not as many frames.
    """
    element = header.elements[PIXEL_DATA]
    if element.fragments is None:
        parts = _native(element, layout, count)
    else:
        parts = _encapsulated(header, element, count)
    for frame in wanted:
        only = {**header.elements, PIXEL_DATA: parts[frame]}
        yield replace(header, elements=only)


def decoded(header: Header, syntax: TransferSyntax, layout: Layout, limits: PictureLimits) -> Frame:
    """Return one frame's stored numbers, rows × columns.

    Raises:
        PictureRefused: damaged, contradictory, or nothing here decodes it.
    """
    return stored_pixels(header, syntax, layout, limits)[0]


def put(
    place: NDArray[np.float32], frame: Frame, header: Header, rescale: Header, layout: Layout
) -> int:
    """Write a frame's values after rescale to `place`, NaN where they are padding.

    Args:
        place: Rows × columns; written.
        frame: Its stored numbers.
        header: Where the padding value stands.
        rescale: Where the rescale stands.
        layout: What the stored numbers may be.

    Returns:
        How many pixels are padding.

    Raises:
        PictureRefused: rescale or padding make no sense.
    """
    offset = whole_offset(rescale)
    if offset is None:
        place[...] = modality_values(frame, rescale, layout)[0]
    else:
        np.add(frame, np.float32(offset), out=place, dtype=np.float32, casting="unsafe")
    padded = padding(frame, header, layout)
    if padded is None:
        return 0
    place[padded] = np.nan  # until the lowest value of all others is known
    return int(padded.sum())


def _native(element: Element, layout: Layout, count: int) -> list[Element]:
    size = layout.rows * layout.columns * layout.allocated // 8
    found = element.end - element.start
    if found not in (size * count, size * count + size * count % 2):
        raise corrupt(f"its pixels have {found} bytes, and {count} frames of {size} are promised")
    starts = range(element.start, element.start + size * count, size)
    return [replace(element, start=start, end=start + size) for start in starts]


def _encapsulated(header: Header, element: Element, count: int) -> list[Element]:
    table, *fragments = element.fragments or ((element.start, element.start),)
    if count == 1:
        groups = [fragments]
    elif len(fragments) == count:
        groups = [[fragment] for fragment in fragments]
    else:
        groups = _grouped(header, table, fragments, count)
    start = element.start
    nothing = (start, start)  # in the place of the offset table, which spoke of all frames
    return [replace(element, fragments=(nothing, *group)) for group in groups]


def _grouped(
    header: Header, table: tuple[int, int], fragments: list[tuple[int, int]], count: int
) -> list[list[tuple[int, int]]]:
    """Return the fragments of each frame, as an offset table says."""
    starts = [start - 8 for start, _ in fragments]
    first = starts[0] if starts else 0
    offsets = _offsets(header, table)
    places = {start - first: number for number, start in enumerate(starts)}
    if len(offsets) != count or offsets[0] or any(offset not in places for offset in offsets):
        raise corrupt(
            f"its {count} frames are in {len(fragments)} fragments, and no offset table says which"
        )
    edges = [*(places[offset] for offset in offsets), len(fragments)]
    if sorted(set(edges)) != edges:
        raise corrupt("its offset table does not ascend")
    return [fragments[low:high] for low, high in pairwise(edges)]


def _offsets(header: Header, table: tuple[int, int]) -> tuple[int, ...]:
    extended = header.raw(_EXTENDED_OFFSETS, _MOST_OFFSETS)
    if extended:
        form, data = "Q", extended
    else:
        form, data = "I", header.data[table[0] : min(table[1], table[0] + _MOST_OFFSETS)]
    size = struct.calcsize(form)
    return struct.unpack(f"<{len(data) // size}{form}", data[: len(data) // size * size])
