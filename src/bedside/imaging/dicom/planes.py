"""What a DICOM header says of one plane of a volume, and what the planes of a stack must share.

A classic object holds one plane, and its facts stand at the top of its header. An enhanced object
holds many, and they stand in its functional groups (`enhanced`).
Source: DICOM PS3.3, sections C.7.6.2 (Image Plane), C.7.6.3, C.7.3.1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from bedside.imaging.dicom.describing import imaging_words
from bedside.imaging.dicom.header import Header

POSITION, ORIENTATION, SPACING = 0x00200032, 0x00200037, 0x00280030
IMAGE_TYPE, BODY_PART, SOP_INSTANCE, B_VALUE = 0x00080008, 0x00180015, 0x00080018, 0x00189087
_ECHO_TIME, _ECHO, _TIME = 0x00180081, 0x00180086, 0x00200100
FRAMES: Final = 0x00280008
FUNCTIONAL_GROUPS: Final = (0x52009229, 0x52009230)
_STUDY, _SERIES, _FRAME_OF_REFERENCE = 0x0020000D, 0x0020000E, 0x00200052
_MODALITY, _ROWS, _COLUMNS, _PHOTOMETRIC = 0x00080060, 0x00280010, 0x00280011, 0x00280004
_DESCRIPTION, _PROTOCOL = 0x0008103E, 0x00181030
_REGION, _CODE = 0x00082218, 0x00080100

_REGIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "T-A0100": "BRAIN", "12738006": "BRAIN",
        "T-D1100": "HEAD", "69536005": "HEAD",
        "T-D1600": "NECK", "45048000": "NECK",
        "T-D1000": "HEADNECK", "774007": "HEADNECK",
        "T-D3000": "CHEST", "51185008": "CHEST",
        "T-D4000": "ABDOMEN", "113345001": "ABDOMEN", "818981001": "ABDOMEN",
        "T-D6000": "PELVIS", "12921003": "PELVIS", "816092008": "PELVIS",
    }
)  # fmt: skip
"""Codes of an anatomic region as Body Part Examined says it. Source: PS3.16, table L-1."""


_SURVEYS: Final = frozenset(
    ("loc", "localizer", "scano", "scanogram", "scout", "survey", "topogram")
)


@dataclass(frozen=True, slots=True)
class Weighting:
    """What an image is, apart from another of the same place: its echo, time and diffusion.

    Each is empty where the header does not say it. Numbers are rounded to thousandths and written
    in one way, so that 4.2 is 4.20; what is no number stays, and is never told: it may be a name.

    Attributes:
        echo_time: Milliseconds.
        echo: Number of the echo.
        time: Temporal position.
        b_value: s/mm².
        stack: Stack of an enhanced object, as it calls it.
    """

    echo_time: tuple[str, ...] = ()
    echo: tuple[str, ...] = ()
    time: tuple[str, ...] = ()
    b_value: tuple[str, ...] = ()
    stack: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[tuple[str, ...], ...]:
        """What it is sorted by."""
        return self.echo_time, self.echo, self.time, self.b_value, self.stack

    def told(self) -> str:
        """Return its numbers in words; empty where the header says none."""
        named = (
            (self.echo_time, "echo time {} ms"),
            (self.echo, "echo {}"),
            (self.time, "time {}"),
            (self.b_value, "b {}"),
        )
        return ", ".join(
            words.format(values[0])
            for values, words in named
            if len(values) == 1 and _is_number(values[0])
        )


def written_alike(numbers: Iterable[str | float]) -> tuple[str, ...]:
    """Return numbers rounded to thousandths, each written in one way; what is none as it is."""
    return tuple(f"{round(float(one), 3):.12g}" if _is_number(one) else str(one) for one in numbers)


def _is_number(one: str | float) -> bool:
    try:
        return math.isfinite(float(one))
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Origin:
    """What all planes of a stack have in common, apart from geometry.

    Attributes:
        study: Study Instance UID, None where there is none; so too below.
        series: Series Instance UID.
        frame_of_reference: Frame of Reference UID.
        modality: Such as MR.
        kinds: Image Type, or Frame Type.
        weighting: Echo, time and diffusion.
        rows: Number of rows.
        columns: Number of columns.
        photometric: Photometric Interpretation.
        whole: For an enhanced object its place in the file set: it is a series of its own.
        body_part: Body Part Examined, or what the anatomic region's code says; it may differ.
        words: What the description says of imaging, and nothing else; it may differ.
    """

    study: str | None
    series: str | None
    frame_of_reference: str | None
    modality: str | None
    kinds: tuple[str, ...]
    weighting: Weighting
    rows: int
    columns: int
    photometric: str | None
    whole: int | None = None
    body_part: str | None = field(default=None, compare=False)
    words: str = field(default="", compare=False)

    @property
    def is_localizer(self) -> bool:
        """Whether it is a survey for planning: by Image Type, or by its description.

        Source: sections C.8.2.1.1.1 and C.8.3.1.1.1; some makers only write it into the description.
        """
        return "LOCALIZER" in self.kinds or not _SURVEYS.isdisjoint(self.words.split())

    @property
    def is_mosaic(self) -> bool:
        """Whether each image is a sheet of many planes, as Siemens stores some."""
        return "MOSAIC" in self.kinds


@dataclass(frozen=True, slots=True)
class Plane:
    """One plane.

    Attributes:
        file: Its file's place in the set.
        frame: Its number in the file, from 0.
        position: Centre of the first pixel, LPS mm; empty where the header does not say it.
        orientation: Directions of a row and of a column, LPS; empty where it is not said.
        spacing: Between rows and between columns, mm; empty where it is not said.
        instance: SOP Instance UID of its file; None where there is none.
        frames: Frames of its file, where that does not say where each of them lies.
    """

    file: int
    frame: int
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing: tuple[float, ...]
    instance: str | None = None
    frames: int = 1

    @property
    def is_placed(self) -> bool:
        """Whether the header says where it lies."""
        return (len(self.position), len(self.orientation), len(self.spacing)) == (3, 6, 2)

    @property
    def key(self) -> tuple[tuple[float, ...], ...]:
        """What it is sorted by: where it lies, and not what its file is called."""
        return self.orientation, self.spacing, self.position


def origin_of(header: Header) -> Origin:
    """Return what a classic object's header says of its origin.

    Raises:
        PictureRefused: an element holds what it may not.
    """
    return Origin(
        study=header.uid(_STUDY),
        series=header.uid(_SERIES),
        frame_of_reference=header.uid(_FRAME_OF_REFERENCE),
        modality=header.code(_MODALITY),
        kinds=tuple(one.upper() for one in header.texts(IMAGE_TYPE)),
        weighting=Weighting(
            echo_time=written_alike(header.texts(_ECHO_TIME)),
            echo=written_alike(header.texts(_ECHO)),
            time=written_alike(header.texts(_TIME)),
            b_value=written_alike(header.doubles(B_VALUE)),
        ),
        rows=header.short(_ROWS, "Rows"),
        columns=header.short(_COLUMNS, "Columns"),
        photometric=header.code(_PHOTOMETRIC),
        body_part=header.code(BODY_PART) or region_of(header),
        words=imaging_words(header.raw(_DESCRIPTION), header.raw(_PROTOCOL)),
    )


def plane_of(header: Header, file: int) -> Plane:
    """Return the plane of a classic object.

    Raises:
        PictureRefused: an element holds what is no number.
    """
    return Plane(
        file,
        0,
        header.decimals(POSITION),
        header.decimals(ORIENTATION),
        header.decimals(SPACING),
        header.uid(SOP_INSTANCE),
    )


def region_of(header: Header) -> str | None:
    """Return the body part that an Anatomic Region Sequence codes; None for one not known here."""
    return next((part for part in _regions(header) if part), None)


def _regions(header: Header) -> Iterator[str | None]:
    for item in header.items(_REGION):
        yield _REGIONS.get(item.code(_CODE) or "")
