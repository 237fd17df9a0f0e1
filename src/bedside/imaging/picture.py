"""One 2-D picture as it was read, before any window. (Thin version by the lead; helper A owns it.)"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a picture may take; checked before memory is taken."""

    file_bytes: int = 64 * 2**20
    rows: int = 16_384
    columns: int = 16_384
    pixels: int = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Facts:
    """What the file says of its picture."""

    medium: Literal["png", "jpeg", "dicom"]
    rows: int
    columns: int
    modality: str | None = None
    body_part: str | None = None
    view: str | None = None
    laterality: str | None = None
    sop_instance: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Values and what they mean."""

    values: NDArray[np.float32]
    lowest: float
    highest: float
    negative: bool
    windows: tuple[tuple[float, float], ...]
    facts: Facts
