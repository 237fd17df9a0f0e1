"""One 2-D picture as it was read, what its file says of it, and how large it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError

Medium: TypeAlias = Literal["png", "jpeg", "dicom"]

Curve: TypeAlias = Literal["linear", "sigmoid"]

MOST_PIXELS: Final = 64 * 2**20
"""8,192 × 8,192: four times the largest radiograph; 256 MiB as grey values."""

MOST_FILE_BYTES: Final = 64 * 2**20
"""A radiograph of 4,096 × 4,096 pixels with 16 bits, uncompressed, has half of this."""

MOST_SIDE: Final = 16_384
"""More rows or columns than any detector has."""

MOST_HEADER_BYTES: Final = 8 * 2**20
"""All that stands before or beside the pixels; an ordinary radiograph has some kilobytes."""


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """How large a picture may be; everything here is checked before memory is taken.

    Attributes:
        file_bytes: Largest file, and most that a deflated DICOM data set may inflate to.
        rows: Most rows.
        columns: Most columns.
        pixels: Most values: rows × columns, times 3 where the picture has colour.
        header_bytes: Most bytes that are not pixels.
    """

    file_bytes: int = MOST_FILE_BYTES
    rows: int = MOST_SIDE
    columns: int = MOST_SIDE
    pixels: int = MOST_PIXELS
    header_bytes: int = MOST_HEADER_BYTES

    def __post_init__(self) -> None:
        for name in ("file_bytes", "rows", "columns", "pixels", "header_bytes"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if self.pixels > MOST_PIXELS:
            raise UsageError(f"pixels is {self.pixels}; no picture has more than {MOST_PIXELS}.")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a picture's file says of it; None where it says nothing. PNG and JPEG say little.

    Attributes:
        medium: Kind of file, told from its bytes.
        rows: Number of rows of the upright picture.
        columns: Number of columns of the upright picture.
        modality: DICOM Modality (0008,0060), such as DX; code strings are in capitals.
        body_part: Body Part Examined (0018,0015), such as CHEST.
        view: View Position (0018,5101), such as PA.
        laterality: Image Laterality (0020,0062), or else Laterality (0020,0060).
        sop_instance: SOP Instance UID; None also where it is no valid UID, as for the two below.
        study: Study Instance UID.
        series: Series Instance UID.
        bits: Bits that a value has: Bits Stored, or the file's own depth.
        syntax: How the pixels were written, in words: `PNG`, `JPEG`, or the DICOM transfer syntax.
    """

    medium: Medium
    rows: int
    columns: int
    modality: str | None = None
    body_part: str | None = None
    view: str | None = None
    laterality: str | None = None
    sop_instance: str | None = None
    study: str | None = None
    series: str | None = None
    bits: int = 8
    syntax: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture, upright, in the values that its file means; read-only.

    Attributes:
        values: float32. Grey: rows × columns, DICOM modality values (PS3.3, C.11.1: after
            rescale), or the stored values. Colour: rows × columns × 3, red, green, blue. A
            picture whose three channels are equal everywhere is grey.
        lowest: Smallest value that the bits (and the rescale) allow; 0 for PNG and JPEG.
        highest: Largest one; 255 for 8 bits, 65,535 for a PNG with 16.
        negative: MONOCHROME1: the larger a value, the darker. Only `grey` turns it over.
        windows: (centre, width) of the DICOM header in `values`' units, for `curve`: those that
            stand before the first that cannot be used; empty where there is none.
        facts: What the file says.
        curve: What the windows are made for: LINEAR or SIGMOID (PS3.3, C.11.2.1.2 and .3).
        unused: What the header says of brightness where its first window cannot be used, such as
            a table in its place; empty where it says nothing, or `windows` has it.
        padding: Rows × columns, True where the header says that no picture was taken (Pixel
            Padding Value); None where there is no such pixel.
    """

    values: NDArray[np.float32]
    lowest: float
    highest: float
    negative: bool
    windows: tuple[tuple[float, float], ...]
    facts: Facts
    curve: Curve = "linear"
    unused: str = ""
    padding: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        self.values.flags.writeable = False

    @property
    def is_colour(self) -> bool:
        """Whether it has red, green and blue."""
        return self.values.ndim == 3
