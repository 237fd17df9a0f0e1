"""Which way is up: the orientation tag of Exif, for PNG and JPEG alike.

Only the first directory's tag 0x0112 is read; nothing else of Exif is looked at.
Source: CIPA DC-008 (Exif 2.32), sections 4.5.2 and 4.6.4 A.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.refusals import corrupt

UPRIGHT: Final = 1
_TAG: Final = 0x0112
_SHORT: Final = 3


def exif_orientation(block: bytes) -> int:
    """Return the orientation, 1 to 8, that an Exif block (a TIFF header) states; 1 without one.

    Raises:
        PictureRefused: the block or the tag makes no sense: which way is up cannot be known.
    """
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        raise corrupt("its Exif block has no byte order, so that which way is up is not known")
    try:
        magic, start = struct.unpack_from(f"{order}HI", block, 2)
        (count,) = struct.unpack_from(f"{order}H", block, start)
        entries = [
            struct.unpack_from(f"{order}HHIH", block, start + 2 + 12 * place)
            for place in range(count)
        ]
    except struct.error as problem:
        raise corrupt("its Exif block ends too early") from problem
    if magic != 42:
        raise corrupt(f"its Exif block has the number {magic} where 42 must stand")
    found = [entry for entry in entries if entry[0] == _TAG]
    if not found:
        return UPRIGHT
    _, kind, length, value = found[0]
    if len(found) > 1 or kind != _SHORT or length != 1 or not 1 <= value <= 8:
        raise corrupt(f"its Exif orientation is {value} (type {kind}); it must be one of 1 to 8")
    return int(value)


def upright(pixels: NDArray[np.generic], orientation: int) -> NDArray[np.generic]:
    """Return rows × columns (× channels) turned so that row 0 is the top, column 0 the left."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)  # the stored rows run along the picture's columns
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
