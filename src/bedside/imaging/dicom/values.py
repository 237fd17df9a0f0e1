"""Stored numbers to what they mean: the modality transform, and the windows of the header.

VOI LUT Sequences (curves instead of windows) are not applied: `windows` is empty where there is
nothing else. Source: DICOM PS3.3, sections C.11.1 and C.11.2.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.dicom.codecs import Frame
from bedside.imaging.dicom.header import Header
from bedside.imaging.dicom.layout import Layout
from bedside.imaging.dicom.palette import lookup_table
from bedside.imaging.refusals import corrupt

_INTERCEPT, _SLOPE, _MODALITY_LUT = 0x00281052, 0x00281053, 0x00283000
_CENTRE, _WIDTH, _FUNCTION = 0x00281050, 0x00281051, 0x00281056
_DESCRIPTOR, _DATA = 0x00283002, 0x00283006

MOST_WINDOWS: Final = 32


def modality_values(
    frame: Frame, header: Header, layout: Layout
) -> tuple[NDArray[np.float32], float, float]:
    """Return modality values, and the lowest and highest that the bits allow.

    Every possible stored number is transformed once, in double precision.

    Raises:
        PictureRefused: rescale and lookup table at once, or one that makes no sense.
    """
    stored = np.arange(layout.lowest, layout.highest + 1, dtype=np.float64)
    table = (
        _lookup(header, layout, stored) if _MODALITY_LUT in header else _rescaled(header, stored)
    )
    with np.errstate(over="ignore"):
        meaning = table.astype(np.float32)
    lowest, highest = float(meaning.min()), float(meaning.max())
    if not (math.isfinite(lowest) and math.isfinite(highest) and lowest < highest):
        raise corrupt(f"its rescale makes values from {lowest} to {highest}")
    places = frame.astype(np.int32) - layout.lowest if layout.lowest else frame
    return meaning[places], lowest, highest


def windows(header: Header) -> tuple[tuple[float, float], ...]:
    """Return (centre, width) of the header's windows, as the function LINEAR takes them.

    LINEAR_EXACT is carried over exactly: `(x - c) / w + 0.5` is LINEAR with `c + 0.5` and `w + 1`.
    SIGMOID cannot be. Where one window cannot be used, none is, so that the first stays the first.
    """
    centres, widths = header.decimals(_CENTRE), header.decimals(_WIDTH)
    function = header.code(_FUNCTION) or "LINEAR"
    exact = function == "LINEAR_EXACT"
    if len(centres) != len(widths) or len(centres) > MOST_WINDOWS:
        raise corrupt(f"it has {len(centres)} window centres and {len(widths)} window widths")
    shift = (0.5, 1.0) if exact else (0.0, 0.0)
    pairs = tuple((c + shift[0], w + shift[1]) for c, w in zip(centres, widths, strict=True))
    usable = all(math.isfinite(c) and math.isfinite(w) and w >= 1 for c, w in pairs)
    return pairs if usable and (exact or function == "LINEAR") else ()


def _rescaled(header: Header, stored: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `stored * slope + intercept`. Source: section C.11.1.1.2."""
    slope, intercept = header.decimals(_SLOPE), header.decimals(_INTERCEPT)
    if not slope and not intercept:
        return stored
    if len(slope) != 1 or len(intercept) != 1 or not slope[0]:
        raise corrupt(f"its rescale slope is {slope}, its intercept {intercept}")
    with np.errstate(over="ignore", invalid="ignore"):
        return stored * slope[0] + intercept[0]


def _lookup(header: Header, layout: Layout, stored: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the Modality LUT makes of each number. Source: section C.11.1.1.1."""
    items = list(header.items(_MODALITY_LUT))
    if len(items) != 1 or _SLOPE in header or _INTERCEPT in header:
        raise corrupt(f"it has {len(items)} modality tables, or one and a rescale")
    entries, first, _ = lookup_table(items[0], _DESCRIPTOR, _DATA, signed=layout.signed)
    places = np.clip(stored - first, 0, len(entries) - 1).astype(np.int64)
    return entries[places].astype(np.float64)
