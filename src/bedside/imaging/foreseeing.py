"""How many voxels a file promises, from its first bytes alone: what an analysis is admitted by.

Nothing is read for it but a header, and nothing is decided by it but how much memory is set aside;
whoever then reads the volume holds it to the promise (`VolumeLimits.voxels`).
"""

from __future__ import annotations

import zlib
from typing import Final

from bedside.errors import BedsideError
from bedside.imaging import zip_entries
from bedside.imaging.dicom.elements import EXPLICIT, Walk
from bedside.imaging.dicom.header import Header
from bedside.imaging.dicom.part10 import is_dicom
from bedside.imaging.dicom.syntaxes import transfer_syntax
from bedside.imaging.nifti.gzip_stream import GZIP, WITH_GZIP
from bedside.imaging.nifti.header import LONGEST, header_of
from bedside.imaging.nifti.reading import looks_like_nifti
from bedside.imaging.volume import VolumeLimits

START_BYTES: Final = 64 * 1024
"""So much of a file is looked at; the image module of a DICOM header lies within."""

_BEFORE_META: Final = 132
_META: Final = 0x0002
_STORED, _TRANSFER_SYNTAX = 0x00020002, 0x00020010
_DIRECTORY: Final = "1.2.840.10008.1.3.10"
"""Of a DICOMDIR, which has no pixels (DICOM PS3.10, section 8)."""

_FRAMES, _ROWS, _COLUMNS = 0x00280008, 0x00280010, 0x00280011
_MOST_ELEMENTS: Final = 2_000
_ANY: Final = VolumeLimits()


def voxels_promised(start: bytes) -> int | None:
    """Return how many voxels a file promises; None where its first bytes do not tell.

    A zip does not tell, and neither does what is no volume.

    Args:
        start: The first `START_BYTES` of the file; all of it where it is shorter.
    """
    try:
        if looks_like_nifti(start):
            return header_of(_inflated(start), _ANY).voxels
        return _of_dicom(start) if is_dicom(start) else None
    except (BedsideError, zlib.error, ValueError):
        return None  # whoever reads it says what is wrong with it


def voxels_among(start: bytes) -> int | None:
    """Return how many voxels one file of several adds: `voxels_promised`, and 0 of what is no volume.

    A description beside slices adds none; what a zip holds is not told.

    Args:
        start: As there.
    """
    may_be = is_dicom(start) or looks_like_nifti(start) or start[:4] in zip_entries.STARTS
    return voxels_promised(start) if may_be else 0


def _inflated(start: bytes) -> bytes:
    if not start.startswith(GZIP):
        return start[:LONGEST]
    return zlib.decompressobj(WITH_GZIP).decompress(start, LONGEST)


def _of_dicom(start: bytes) -> int | None:
    """Return rows × columns × frames; the data set's beginning is walked through as far as these."""
    walk = Walk(start, _MOST_ELEMENTS)
    meta = {one.tag: one for one in walk.elements(_BEFORE_META, len(start), EXPLICIT, group=_META)}
    about = Header(start, EXPLICIT, meta, walk)
    if _STORED in about and about.uid(_STORED) == _DIRECTORY:
        return 0
    uid = about.uid(_TRANSFER_SYNTAX)
    if uid is None or (syntax := transfer_syntax(uid)).deflated:
        return None
    found = {}
    for one in walk.elements(max(each.end for each in meta.values()), len(start), syntax.data_set):
        found[one.tag] = one
        if one.tag >= _COLUMNS:
            break
    header = Header(start, syntax.data_set, found, walk)
    frames = header.integer(_FRAMES) if _FRAMES in header else 1
    if frames is None or frames < 1:
        return None
    return header.short(_ROWS, "Rows") * header.short(_COLUMNS, "Columns") * frames
