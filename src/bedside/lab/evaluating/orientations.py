"""Whether a package finds the same mask however the file stores its voxels."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bedside.imaging.axes import CODES, orientation_of, reoriented, turn_between, turned
from bedside.imaging.grid import Placed
from bedside.imaging.measuring.agreement import overlap
from bedside.imaging.volume_writing import nifti_bytes
from bedside.lab.evaluating.analysed import REFUSALS, Found, Segmenter
from bedside.runtime.analysis import Stated

LEAST: Final = 0.99
"""Dice with the mask of the image as it came, below which the orientation matters too much."""


@dataclass(frozen=True, slots=True)
class Turned:
    """The same image, stored along other axes.

    Attributes:
        code: Where its axes point, such as LIA.
        dice: Of both masks, voxel for voxel; None where the image so stored was refused.
    """

    code: str
    dice: float | None

    @property
    def alike(self) -> bool:
        """Whether the mask is the same, as near as makes no difference."""
        return self.dice is not None and self.dice >= LEAST


def other_orientations(code: str, count: int) -> Iterator[str]:
    """Yield up to 47 codes other than `code`, spread over all that there are, the same each time."""
    others = [one for one in sorted(CODES) if one != code]
    for place in range(min(count, len(others))):
        yield others[place * len(others) // count if count < len(others) else place]


def turned_alike(
    segmenter: Segmenter, found: Found, stated: Stated, count: int
) -> tuple[Turned, ...]:
    """Store an image along other axes, as files, and return how alike the masks are.

    Args:
        segmenter: The package.
        found: The image, and the mask as it came.
        stated: What is said beside the files.
        count: How many other orientations.
    """
    placed, own = Placed.of(found.volume), orientation_of(found.volume.affine)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "turned.nii"
        for code in other_orientations(own, count):
            other = reoriented(placed, code)
            data = nifti_bytes(
                other.values, other.affine, frame=found.volume.facts.frame, compressed=False
            )
            path.write_bytes(data)
            try:
                mask = segmenter.analyse(path, stated).mask
            except REFUSALS:
                results.append(Turned(code, None))
                continue
            back = turned(mask.astype(np.float32), turn_between(code, own)) > 0.5
            results.append(Turned(code, overlap(back, found.mask).dice))
    return tuple(results)
