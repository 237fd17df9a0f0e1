"""Stored numbers to what they mean: the modality transform, and the windows of the header.

VOI LUT Sequences (tables instead of windows) are not applied: `unused` says so where there is
nothing else. Source: DICOM PS3.3, sections C.11.1 and C.11.2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.dicom.codecs import Frame
from bedside.imaging.dicom.header import Header
from bedside.imaging.dicom.layout import Layout
from bedside.imaging.dicom.palette import lookup_table
from bedside.imaging.picture import Curve
from bedside.imaging.refusals import corrupt

_INTERCEPT, _SLOPE, _MODALITY_LUT = 0x00281052, 0x00281053, 0x00283000
_CENTRE, _WIDTH, _FUNCTION = 0x00281050, 0x00281051, 0x00281056
_DESCRIPTOR, _DATA, _VOI_LUT = 0x00283002, 0x00283006, 0x00283010
_PADDING, _PADDING_LIMIT = 0x00280120, 0x00280121
_FUNCTIONS: Final[Mapping[str, Curve]] = MappingProxyType(
    {"LINEAR": "linear", "LINEAR_EXACT": "linear", "SIGMOID": "sigmoid"}
)
_LARGEST, _SMALLEST = 3e38, 1e-30
_WHOLE: Final = 2**22
"""An intercept that 16 bits may be added to without leaving what binary32 holds exactly."""

MOST_WINDOWS: Final = 32


@dataclass(frozen=True, slots=True)
class Windowing:
    """What a header says of brightness.

    Attributes:
        windows: (centre, width) of each window for `curve`.
        curve: The function that they are made for.
        unused: What it says instead where its first window cannot be used; else empty.
    """

    windows: tuple[tuple[float, float], ...] = ()
    curve: Curve = "linear"
    unused: str = ""


def padding(frame: Frame, header: Header, layout: Layout) -> NDArray[np.bool_] | None:
    """Return where the stored values are padding; None where none is.

    Source: PS3.3, section C.7.5.1.1.2 (Pixel Padding Value and Pixel Padding Range Limit).

    Raises:
        PictureRefused: there is not one value, or a limit and no value.
    """
    ends = [header.shorts(tag, signed=layout.signed) for tag in (_PADDING, _PADDING_LIMIT)]
    if not any(ends):
        return None
    if len(ends[0]) != 1 or len(ends[1]) > 1:
        raise corrupt(f"its padding has {len(ends[0])} values and {len(ends[1])} limits")
    low, high = min(ends[0] + ends[1]), max(ends[0] + ends[1])
    found: NDArray[np.bool_] = (frame >= low) & (frame <= high)
    return found if found.any() else None


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


def whole_offset(header: Header) -> float | None:
    """Return the intercept of a rescale whose arithmetic binary32 does exactly; None otherwise.

    So it is where nothing but a whole number is added, as in most CT; 0 where there is no rescale.

    Raises:
        PictureRefused: slope or intercept is no number, or one of them is missing.
    """
    slope, intercept = header.decimals(_SLOPE), header.decimals(_INTERCEPT)
    if _MODALITY_LUT in header:
        return None
    if not slope and not intercept:
        return 0.0
    plain = slope == (1.0,) and len(intercept) == 1 and abs(intercept[0]) < _WHOLE
    return intercept[0] if plain and intercept[0] == int(intercept[0]) else None


def windowing(header: Header) -> Windowing:
    """Return the header's windows as the functions LINEAR or SIGMOID take them.

    LINEAR_EXACT is carried over exactly: `(x - c) / w + 0.5` is LINEAR with `c + 0.5` and `w + 1`.
    Windows are kept up to the first that cannot be used: the first is the one that counts.

    Raises:
        PictureRefused: there are not as many centres as widths, or too many.
    """
    centres, widths = header.decimals(_CENTRE), header.decimals(_WIDTH)
    function = header.code(_FUNCTION) or "LINEAR"
    if len(centres) != len(widths) or len(centres) > MOST_WINDOWS:
        raise corrupt(f"it has {len(centres)} window centres and {len(widths)} window widths")
    if not centres:
        return Windowing(unused="a VOI LUT Sequence and no window" if _VOI_LUT in header else "")
    if function not in _FUNCTIONS:
        return Windowing(unused=f"the VOI LUT Function {function[:20]!r}")
    shift = (0.5, 1.0) if function == "LINEAR_EXACT" else (0.0, 0.0)
    pairs = list[tuple[float, float]]()
    for centre, width in zip(centres, widths, strict=True):
        pair = (centre + shift[0], width + shift[1])
        allowed = width >= 1 if function == "LINEAR" else width > 0
        if not (allowed and _holds(pair)):
            break
        pairs.append(pair)
    unused = "" if pairs else f"a first window of centre {centres[0]:g} and width {widths[0]:g}"
    return Windowing(tuple(pairs), _FUNCTIONS[function], unused)


def _holds(pair: tuple[float, float]) -> bool:
    """Whether binary32 holds both, and a width that is not 0."""
    return max(map(abs, pair)) <= _LARGEST and abs(pair[1]) >= _SMALLEST


def _rescaled(header: Header, stored: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `stored * slope + intercept`. Source: section C.11.1.1.2."""
    slope, intercept = header.decimals(_SLOPE), header.decimals(_INTERCEPT)
    if not slope and not intercept:
        return stored
    if not slope or not intercept:
        there, missing = ("Slope", "Intercept") if slope else ("Intercept", "Slope")
        raise corrupt(f"it has a Rescale {there} and no Rescale {missing}")
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
