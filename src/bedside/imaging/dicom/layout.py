"""What the Image Pixel module says of the pixels, checked before any of them is looked at.

Source: DICOM PS3.3, section C.7.6.3; PS3.5, section 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bedside.imaging.dicom.header import Header
from bedside.imaging.picture import PictureLimits
from bedside.imaging.refusals import check_size, corrupt, several_frames, unsupported

_SAMPLES, _PHOTOMETRIC, _PLANAR, _FRAMES = 0x00280002, 0x00280004, 0x00280006, 0x00280008
_ROWS, _COLUMNS, _ALLOCATED, _STORED = 0x00280010, 0x00280011, 0x00280100, 0x00280101
_HIGH_BIT, _REPRESENTATION = 0x00280102, 0x00280103
_SHAPE: Final = 0x20500020
_SIDES: Final[Mapping[int, str]] = MappingProxyType(
    {
        0x00181164: "Imager Pixel Spacing",
        0x00182010: "Nominal Scanned Pixel Spacing",
        0x00280030: "Pixel Spacing",
        0x00280034: "Pixel Aspect Ratio",
    }
)
_UNEQUAL: Final = 0.01
"""Detectors' two spacings agree to a thousandth; where they do not, shapes are stretched."""

_FUNCTIONAL_GROUPS: Final = (0x52009229, 0x52009230)

GREY: Final = ("MONOCHROME1", "MONOCHROME2")
PALETTE: Final = "PALETTE COLOR"
COLOUR: Final = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_EXPORT: Final = "Export a single frame, grey with 8 or 16 bits or RGB with 8."


@dataclass(frozen=True, slots=True)
class Layout:
    """How the pixels are laid out.

    Attributes:
        rows: Number of rows.
        columns: Number of columns.
        samples: Values of a pixel: 1 or 3.
        photometric: What they mean, such as MONOCHROME1.
        planar: Whether the samples stand plane by plane.
        allocated: Bits that a sample takes: 8 or 16.
        stored: Bits that mean something.
        high_bit: Place of the highest of them.
        signed: Whether they are two's complement.
    """

    rows: int
    columns: int
    samples: int
    photometric: str
    planar: bool
    allocated: int
    stored: int
    high_bit: int
    signed: bool

    @property
    def lowest(self) -> int:
        """The smallest value that can be stored."""
        return -(1 << self.stored - 1) if self.signed else 0

    @property
    def highest(self) -> int:
        """The largest value that can be stored."""
        return (1 << self.stored - 1) - 1 if self.signed else (1 << self.stored) - 1


def layout_of(header: Header, limits: PictureLimits) -> Layout:
    """Return the layout of a single frame's pixels.

    Raises:
        PictureRefused: several frames, too many pixels, contradictions, or a kind that is not read.
    """
    _check_single(header)
    _check_square(header)
    return frame_layout(header, limits)


def frame_layout(header: Header, limits: PictureLimits) -> Layout:
    """Return the layout of each frame's pixels, however many there are and whatever their sides.

    Raises:
        PictureRefused: too many pixels in a frame, contradictions, or a kind that is not read.
    """
    rows, columns = header.short(_ROWS, "Rows"), header.short(_COLUMNS, "Columns")
    samples = header.short(_SAMPLES, "Samples per Pixel")
    photometric = header.code(_PHOTOMETRIC) or ""
    expected = 3 if photometric in COLOUR else 1
    if photometric not in (*GREY, PALETTE, *COLOUR):
        raise unsupported(f"The photometric interpretation is {photometric!r}", _EXPORT)
    if samples != expected:
        raise corrupt(f"it has {samples} samples per pixel, and {photometric} has {expected}")
    representation = header.short(_REPRESENTATION, "Pixel Representation")
    if representation not in (0, 1):
        raise corrupt(f"its Pixel Representation is {representation}, which is neither 0 nor 1")
    _check_shape(header, photometric)
    check_size(rows, columns, 3 if photometric == PALETTE else samples, limits)
    layout = Layout(
        rows, columns, samples, photometric,
        bool(header.shorts(_PLANAR)[:1] == (1,)) and samples > 1,
        header.short(_ALLOCATED, "Bits Allocated"), header.short(_STORED, "Bits Stored"),
        header.short(_HIGH_BIT, "High Bit"), representation == 1,
    )  # fmt: skip
    _check_bits(layout)
    return layout


def _check_single(header: Header) -> None:
    frames = header.integer(_FRAMES)
    if frames is not None and frames > 1:
        raise several_frames(f"The DICOM object has {frames} frames")
    if frames is not None and frames < 1:
        raise corrupt(f"it says that it has {frames} frames")
    if any(tag in header for tag in _FUNCTIONAL_GROUPS):
        raise unsupported(
            "The DICOM object keeps its rescale and windows in functional groups (an enhanced object)",
            _EXPORT,
        )


def _check_square(header: Header) -> None:
    """Refuse pixels that are higher than wide. Source: PS3.3, sections C.7.6.3.1.7 and 10.7.1.3."""
    for tag, name in _SIDES.items():
        sides = header.decimals(tag)
        if sides and len(sides) != 2:
            raise corrupt(f"its {name} has {len(sides)} values where two must stand")
        if sides and abs(sides[0] - sides[1]) > _UNEQUAL * max(map(abs, sides)):
            raise unsupported(
                f"The pixels are not square: its {name} is {sides[0]:g} by {sides[1]:g}",
                "Export it with square pixels.",
            )


def _check_shape(header: Header, photometric: str) -> None:
    """Refuse a polarity that is said twice, differently. Source: PS3.3, section C.8.11.3.1.

    IDENTITY beside MONOCHROME1 is common and means what MONOCHROME1 means.
    """
    shape = header.code(_SHAPE)
    if photometric not in GREY or shape in (None, "IDENTITY"):
        return
    if shape != "INVERSE" or photometric != "MONOCHROME1":
        raise unsupported(
            f"The photometric interpretation is {photometric}, and the presentation LUT shape "
            f"{shape[:20]!r}: which values are bright cannot be told",
            "Export it as MONOCHROME2 with the presentation LUT shape IDENTITY.",
        )


def _check_bits(layout: Layout) -> None:
    told = f"{layout.allocated} bits allocated, {layout.stored} stored, high bit {layout.high_bit}"
    if layout.allocated not in (8, 16):
        raise unsupported(f"The pixels have {told}", _EXPORT)
    if not 1 <= layout.stored <= layout.high_bit + 1 <= layout.allocated:
        raise corrupt(f"its pixels have {told}, which cannot be")
    if layout.photometric not in GREY and layout.signed:
        raise corrupt(f"its {layout.photometric} pixels are signed")
    if layout.photometric.startswith("YBR") and (layout.stored, layout.allocated) != (8, 8):
        raise unsupported(f"The {layout.photometric} pixels have {told}", _EXPORT)
