"""What names a DICOM object, told from its header alone: of a picture that nobody will look at."""

from __future__ import annotations

from typing import Final

from bedside.errors import PictureRefused
from bedside.imaging.dicom.part10 import is_dicom, open_file
from bedside.imaging.picture import PictureLimits

_SOP_INSTANCE: Final = 0x00080018
_USUAL: Final = PictureLimits()


def sop_instance_of(data: bytes) -> str | None:
    """Return the SOP Instance UID of a DICOM file, or None where it has none or cannot be read.

    Source: DICOM PS3.3, section C.12.1 (SOP Common).
    """
    if not is_dicom(data):
        return None
    try:
        header, _ = open_file(data, _USUAL)
        return header.uid(_SOP_INSTANCE)
    except PictureRefused:
        return None
