"""The head of the golden case: drawn, nobody's, with lesions as bright voxels in its white matter."""

from __future__ import annotations

from typing import Final

from bedside.imaging.grid import Placed
from bedside.lab.brain.golden_heads import FLAIR, GoldenHead

BRIGHT: Final = 760.0
"""Of a lesion; white matter has 450, grey matter 560."""

_LESIONS: Final = ((6, 3, 1), (-6, 2, 0), (5, -4, 2), (5, -5, 2), (-7, -3, -1))
"""Voxels from the middle of the picture, beside the ventricles."""


class LesionedHead(GoldenHead):
    """A drawn head with lesions of one voxel, two of which touch."""

    def placed(self) -> Placed:
        """Return its values as they are stored."""
        placed = GoldenHead.placed(self)
        values = placed.values.copy()
        middle = [side // 2 for side in values.shape]
        for steps in _LESIONS:
            i, j, k = (a + b for a, b in zip(middle, steps, strict=True))
            values[i, j, k] = BRIGHT
        return Placed(values, placed.affine)


GOLDEN: Final = (
    LesionedHead(
        "drawn head, FLAIR, a part of the brain with bright voxels in its white matter",
        shape=(24, 28, 18),
        spacing=(5.0, 5.0, 5.0),
        seed=21,
        brightness=FLAIR,
    ),
)
"""Few voxels, as it is replayed at 1 mm whenever the package is loaded."""
