"""The tissues that are told apart, and which label of a map is which of them.

FreeSurfer numbers brain structures below 500 (FreeSurferColorLUT); the numbers from 500 up, and
those of lab2im, are of what lies around the brain. Left and right are one tissue.
"""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError


class Tissue(IntEnum):
    """What one voxel is; the value is how it is stored."""

    NOTHING = 0
    WHITE = 1
    GREY = 2
    VENTRICLE = 3
    SULCAL_FLUID = 4
    CEREBELLAR_WHITE = 5
    CEREBELLAR_GREY = 6
    THALAMUS = 7
    STRIATUM = 8
    PALLIDUM = 9
    STEM = 10
    HIPPOCAMPUS = 11
    DEEP_GREY = 12
    LESION = 13
    VESSEL = 14
    OUTER_FLUID = 15
    DURA = 16
    AIR = 17
    EYE = 18
    SOFT = 19
    MUSCLE = 20
    MUCOSA = 21
    SKIN = 22
    CORD = 23
    VEIN = 24
    BONE = 25
    MARROW = 26
    NERVE = 27
    FLUID_1 = 28
    FLUID_2 = 29
    FLUID_3 = 30
    FLUID_4 = 31
    FLUID_5 = 32
    LOWER_FLUID = 33


_LABELS: Final = MappingProxyType(
    {
        Tissue.WHITE: (2, 41, 85),
        Tissue.GREY: (3, 42),
        Tissue.VENTRICLE: (4, 5, 14, 15, 43, 44, 72),
        Tissue.SULCAL_FLUID: (24,),
        Tissue.CEREBELLAR_WHITE: (7, 46),
        Tissue.CEREBELLAR_GREY: (8, 47),
        Tissue.THALAMUS: (9, 10, 48, 49),
        Tissue.STRIATUM: (11, 12, 26, 50, 51, 58),
        Tissue.PALLIDUM: (13, 52),
        Tissue.STEM: (16, 28, 60),
        Tissue.HIPPOCAMPUS: (17, 18, 53, 54),
        Tissue.DEEP_GREY: (136, 137, 163, 164),
        Tissue.LESION: (25, 57, 77),
        Tissue.VESSEL: (30, 31, 62, 63),
        Tissue.AIR: (502,),
        Tissue.EYE: (506, 259),
        Tissue.SOFT: (507, 258),
        Tissue.MUSCLE: (508,),
        Tissue.MUCOSA: (509,),
        Tissue.SKIN: (511,),
        Tissue.CORD: (512,),
        Tissue.VEIN: (514,),
        Tissue.BONE: (515, 165),
        Tissue.MARROW: (516,),
        Tissue.NERVE: (530,),
    }
)
"""The rest is in no map: `heads` tells it from SULCAL_FLUID, and DURA from BONE, by where it lies."""

BRAIN: Final = frozenset(range(Tissue.WHITE, Tissue.OUTER_FLUID)) - {Tissue.SULCAL_FLUID}
"""What is brain whatever the definition of a mask: tissue, ventricles and vessels within."""

LAYERS: Final = (Tissue.FLUID_1, Tissue.FLUID_2, Tissue.FLUID_3, Tissue.FLUID_4, Tissue.FLUID_5)
"""Outer fluid at most 1, 2, 3, 4 and 5 mm from the brain; what is farther is OUTER_FLUID."""

INNER_FLUID: Final = frozenset({Tissue.OUTER_FLUID, *LAYERS})
"""Fluid around the brain that belongs to its mask; LOWER_FLUID, around the cord or by itself, does not."""

FLUID: Final = frozenset({Tissue.SULCAL_FLUID, Tissue.LOWER_FLUID, Tissue.DURA}) | INNER_FLUID
"""What lies between brain and skull."""


def tissues_of(labels: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return the tissue of every voxel of a label map.

    Raises:
        UsageError: a label is in no table; names it.
    """
    table = np.full(1024, 255, dtype=np.uint8)
    table[0] = Tissue.NOTHING
    for tissue, numbers in _LABELS.items():
        table[list(numbers)] = tissue
    if labels.min() < 0 or labels.max() >= len(table):
        raise UsageError(f"Labels from {labels.min()} to {labels.max()} are of no known table.")
    tissues: NDArray[np.uint8] = table[labels]
    if tissues.max() == 255:
        unknown = sorted(set(labels[tissues == 255].tolist()))
        raise UsageError(
            f"The labels {unknown[:10]} are in no table of tissues.",
            advice="Add them to bedside.lab.synthesis.tissues, with the tissue that they are.",
        )
    return tissues
