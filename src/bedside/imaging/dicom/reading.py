"""A single-frame DICOM object to a picture, with its meaning: values, polarity, windows, facts.

Refused: pixels that are not square, and a presentation LUT shape that contradicts the photometric
interpretation. Padding is told from the picture (`Picture.padding`), and a VOI LUT Sequence without
a window is named (`Picture.unused`). Not applied, and so not meant: overlays, shutters, ICC profiles,
and the orientation of the patient.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from bedside.imaging.colour import without_colour
from bedside.imaging.dicom.codecs import Frame
from bedside.imaging.dicom.elements import PIXEL_DATA
from bedside.imaging.dicom.header import Header
from bedside.imaging.dicom.layout import GREY, Layout, layout_of
from bedside.imaging.dicom.part10 import check_class, open_file
from bedside.imaging.dicom.pixels import stored_pixels
from bedside.imaging.dicom.syntaxes import TransferSyntax
from bedside.imaging.dicom.values import modality_values, padding, windowing
from bedside.imaging.picture import Facts, Picture, PictureLimits
from bedside.imaging.refusals import not_a_picture, unsupported

_SOP_CLASS, _SOP_INSTANCE, _MODALITY = 0x00080016, 0x00080018, 0x00080060
_BODY_PART, _VIEW, _STUDY, _SERIES = 0x00180015, 0x00185101, 0x0020000D, 0x0020000E
_LATERALITY, _IMAGE_LATERALITY = 0x00200060, 0x00200062
_FLOATS: Final = (0x7FE00008, 0x7FE00009)


def read_dicom(data: bytes, limits: PictureLimits) -> Picture:
    """Return the picture in a DICOM file.

    Raises:
        PictureRefused: it cannot be read safely and exactly; `code` says why.
    """
    header, syntax = open_file(data, limits)
    check_class(header.uid(_SOP_CLASS))
    if any(tag in header for tag in _FLOATS):
        raise unsupported("The pixels are floating-point numbers", "Export them as whole numbers.")
    if PIXEL_DATA not in header:
        raise not_a_picture("This DICOM object has no pixels")
    layout = layout_of(header, limits)
    frame, highest = stored_pixels(header, syntax, layout, limits)
    facts = _facts(header, layout, syntax)
    if layout.photometric not in GREY:
        return _coloured(frame, highest, facts)
    values, lowest, top = modality_values(frame, header, layout)
    negative = layout.photometric == "MONOCHROME1"
    said = windowing(header)
    return Picture(
        values, lowest, top, negative, said.windows, facts, said.curve, said.unused,
        padding(frame, header, layout),
    )  # fmt: skip


def _coloured(frame: Frame, highest: int, facts: Facts) -> Picture:
    """Return a picture of RGB values; rescale and windows have no meaning for colour."""
    values = np.ascontiguousarray(without_colour(frame), dtype=np.float32)
    return Picture(values, 0.0, float(highest), negative=False, windows=(), facts=facts)


def _facts(header: Header, layout: Layout, syntax: TransferSyntax) -> Facts:
    return Facts(
        medium="dicom",
        rows=layout.rows,
        columns=layout.columns,
        modality=header.code(_MODALITY),
        body_part=header.code(_BODY_PART),
        view=header.code(_VIEW),
        laterality=header.code(_IMAGE_LATERALITY) or header.code(_LATERALITY),
        sop_instance=header.uid(_SOP_INSTANCE),
        study=header.uid(_STUDY),
        series=header.uid(_SERIES),
        bits=layout.stored,
        syntax=syntax.name,
    )
