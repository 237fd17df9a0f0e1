"""The heads of the golden cases: drawn, nobody's, and each of another kind.

Coarse voxels keep the package small; a field of view that is hardly larger than the head keeps its
replay quick.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bedside.canonical import Json
from bedside.imaging.axes import reoriented
from bedside.imaging.grid import Placed, Shape, Triple
from bedside.imaging.phantoms import (
    FLUID_SHELL,
    T1_WEIGHTED,
    Brightness,
    drawn_brain,
    drawn_head,
)
from bedside.imaging.volume_writing import nifti_bytes
from bedside.runtime.analysis import Stated
from bedside.runtime.volume_rows import volume_row

T2_WEIGHTED: Final = Brightness((380.0, 40.0, 720.0, 430.0, 330.0, 740.0), 260.0)
FLAIR: Final = Brightness((420.0, 50.0, 70.0, 560.0, 450.0, 60.0), 220.0)

SIZE: Final = 0.9
"""Of the drawn head, which is a large man's; a smaller one is replayed more quickly."""

MR_HEAD: Final = Stated(modality="MR", body_part="HEAD")


@dataclass(frozen=True, slots=True)
class GoldenHead:
    """How one of them is drawn.

    Attributes:
        note: What it is, in the package.
        shape: Voxels to the right, to the front, to the head.
        spacing: mm, before the head is made smaller.
        seed: Of the drawing.
        brightness: Of its tissues.
        shown: First and last share of the planes from foot to head that are in the picture.
        stored: Orientation in which the file stores it.
    """

    note: str
    shape: Shape
    spacing: Triple
    seed: int
    brightness: Brightness = T1_WEIGHTED
    shown: tuple[float, float] = (0.0, 1.0)
    stored: str = "RAS"

    def placed(self) -> Placed:
        """Return its values as they are stored."""
        head = drawn_head(self.shape, self.spacing, self.seed, self.brightness)
        return self._framed(Placed.of(head))

    def brain(self) -> Placed:
        """Return what lies within the drawing's bone (1, else 0), as `placed` lies."""
        mask = drawn_brain(self.shape, self.spacing, self.seed, FLUID_SHELL).astype(np.float32)
        head = drawn_head(self.shape, self.spacing, self.seed, self.brightness)
        return self._framed(Placed(mask, head.affine))

    def file(self) -> bytes:
        """Return its file, the same on every machine."""
        placed = self.placed()
        return nifti_bytes(placed.values, placed.affine, compressed=False)

    def row(self) -> dict[str, Json]:
        """Return it as it is sent."""
        return volume_row(self.file(), MR_HEAD)

    def _framed(self, placed: Placed) -> Placed:
        planes = placed.values.shape[2]
        first, last = (round(share * planes) for share in self.shown)
        affine = placed.affine.copy()
        affine[:3] *= SIZE
        affine[:3, 3] += first * affine[:3, 2]
        return reoriented(Placed(placed.values[:, :, first:last], affine), self.stored)


GOLDEN_HEADS: Final = (
    GoldenHead(
        "drawn head, T1-weighted, cut off below the brain",
        *((32, 40, 44), (5.0, 5.0, 5.0), 11, T1_WEIGHTED, (0.13, 1.0)),
    ),
    GoldenHead(
        "drawn head, T2-weighted, thick slices, stored from front to back",
        *((40, 50, 30), (4.0, 4.0, 7.0), 12, T2_WEIGHTED, (0.13, 1.0)),
        stored="PSL",
    ),
    GoldenHead(
        "drawn head, FLAIR, cut off within the brain, stored from right to left",
        *((36, 44, 44), (5.0, 5.0, 5.0), 13, FLAIR, (0.36, 0.86)),
        stored="LAS",
    ),
)
"""Three contrasts; whole, with thick slices, and cut off; in three orientations."""
