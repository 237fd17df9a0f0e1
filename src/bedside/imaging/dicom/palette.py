"""PALETTE COLOR: indices to red, green and blue. Source: DICOM PS3.3, section C.7.6.3.1.5 and .6."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.dicom.codecs import Frame
from bedside.imaging.dicom.elements import told
from bedside.imaging.dicom.header import Header
from bedside.imaging.refusals import corrupt, unsupported

_DESCRIPTORS: Final = (0x00281101, 0x00281102, 0x00281103)
_TABLES: Final = (0x00281201, 0x00281202, 0x00281203)
_SEGMENTED: Final = (0x00281221, 0x00281222, 0x00281223)


def looked_up(indices: Frame, header: Header) -> tuple[Frame, int]:
    """Return rows × columns × 3, and the largest value that a table entry can have.

    Indices below the first entry get that, indices behind the last entry get the last.

    Raises:
        PictureRefused: a table is missing, cut, segmented, or they have different depths.
    """
    if any(tag in header for tag in _SEGMENTED):
        raise unsupported("The palette is segmented", "Export it with plain palettes, or as RGB.")
    channels, depths = [], set[int]()
    for descriptor, tag in zip(_DESCRIPTORS, _TABLES, strict=True):
        table, first, bits = lookup_table(header, descriptor, tag)
        depths.add(bits)
        places = np.clip(indices.astype(np.int64) - first, 0, len(table) - 1)
        channels.append(table[places])
    if len(depths) != 1:
        raise corrupt(f"its palettes have {sorted(depths)} bits")
    return np.stack(channels, axis=2), 2 ** depths.pop() - 1


def lookup_table(
    header: Header, descriptor: int, data: int, *, signed: bool = False
) -> tuple[NDArray[np.uint16], int, int]:
    """Return a lookup table's entries, the first value that it maps, and its bits (8 to 16).

    Args:
        header: Where both elements stand.
        descriptor: The tag of its three numbers.
        data: The tag of its entries.
        signed: Whether the values that it maps are signed.

    Raises:
        PictureRefused: the descriptor makes no sense, or the entries do not fit it.
    """
    numbers = header.shorts(descriptor)
    if len(numbers) != 3:
        raise corrupt(f"the table descriptor {told(descriptor)} has {len(numbers)} values, not 3")
    count, first, bits = numbers[0] or 2**16, numbers[1], numbers[2]
    if signed and first >= 2**15:
        first -= 2**16
    if not 8 <= bits <= 16:
        raise corrupt(f"the table {told(data)} has entries of {bits} bits")
    raw = header.raw(data, 2**17 + 2)
    if len(raw) in (2 * count, 2 * count + 2):
        entries = np.frombuffer(raw[: 2 * count], f"{header.syntax.order}u2").astype(np.uint16)
    elif bits == 8 and len(raw) == count + count % 2:
        entries = np.frombuffer(raw[:count], np.uint8).astype(np.uint16)
    else:
        raise corrupt(f"the table {told(data)} has {len(raw)} bytes for {count} entries")
    if int(entries.max()) >= 2**bits:
        raise corrupt(f"the table {told(data)} has an entry {entries.max()} in {bits} bits")
    return entries, first, bits
