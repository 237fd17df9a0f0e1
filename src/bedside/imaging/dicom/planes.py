"""What a DICOM header says of one plane of a volume, and what the planes of a stack must share.

A classic object holds one plane, and its facts stand at the top of its header. An enhanced object
holds many, and they stand in its functional groups (`enhanced`).
Source: DICOM PS3.3, sections C.7.6.2 (Image Plane), C.7.6.3, C.7.3.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from bedside.imaging.dicom.describing import imaging_words
from bedside.imaging.dicom.header import Header

POSITION, ORIENTATION, SPACING = 0x00200032, 0x00200037, 0x00280030
IMAGE_TYPE, ECHO_TIME, BODY_PART = 0x00080008, 0x00180081, 0x00180015
B_VALUE: Final = 0x00189087
_TIME, _ECHO_NUMBERS, _INSTANCE = 0x00200100, 0x00180086, 0x00080018
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
class Origin:
    """What all planes of a stack have in common, apart from geometry.

    Attributes:
        study: Study Instance UID, None where there is none; so too below.
        series: Series Instance UID.
        frame_of_reference: Frame of Reference UID.
        modality: Such as MR.
        kinds: Image Type, or Frame Type.
        echo: Echo time in ms, to six digits, and in an enhanced object the stack too.
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
    echo: tuple[str, ...]
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
        moment: What else tells one volume of a series from the next: temporal position, echo
            number, diffusion b-value; an empty text for what the header does not say.
        instance: SOP Instance UID of its file; None where there is none.
    """

    file: int
    frame: int
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing: tuple[float, ...]
    moment: tuple[str, ...] = ()
    instance: str | None = None

    @property
    def is_placed(self) -> bool:
        """Whether the header says where it lies."""
        return (len(self.position), len(self.orientation), len(self.spacing)) == (3, 6, 2)


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
        echo=digits(header.decimals(ECHO_TIME)),
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
        moment_of(header, header.texts(_TIME), header),
        instance_of(header),
    )


def moment_of(
    header: Header, time: Sequence[str], diffusion: Header | None
) -> tuple[str, str, str]:
    """Return temporal position, echo number and diffusion b-value; empty for what is not said.

    Args:
        header: The object's.
        time: Its temporal position, or the frame's.
        diffusion: Where the b-value stands, if anywhere.
    """
    weight = digits(diffusion.doubles(B_VALUE)) if diffusion else ()
    return " ".join(time), " ".join(header.texts(_ECHO_NUMBERS)), " ".join(weight)


def digits(numbers: Sequence[float]) -> tuple[str, ...]:
    """Return numbers to six digits, so that 4.2 and 4.20 are one."""
    return tuple(f"{one:g}" for one in numbers)


def instance_of(header: Header) -> str | None:
    """Return SOP Instance UID."""
    return header.uid(_INSTANCE)


def region_of(header: Header) -> str | None:
    """Return the body part that an Anatomic Region Sequence codes; None for one not known here."""
    return next((part for part in _regions(header) if part), None)


def _regions(header: Header) -> Iterator[str | None]:
    for item in header.items(_REGION):
        yield _REGIONS.get(item.code(_CODE) or "")
