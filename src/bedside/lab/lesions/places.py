"""Where in a brain white-matter lesions lie: a spatial prior by anatomy.

Lesions of multiple sclerosis and of small vessels lie in white matter, most of them around the
ventricles, some under the cortex, few in deep grey matter, stem and cerebellum (M. Filippi et al.,
Brain 142 (2019) 1858; J. M. Wardlaw et al., Lancet Neurol 12 (2013) 822). The prior is a product of such rules of thumb, and each brain departs from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.heads import MASKED, Head
from bedside.lab.synthesis.tissues import FLUID, Tissue

COARSE: Final = 2
"""Distances are computed on every second voxel of a head."""

STEPS: Final = 4
"""A distance is kept in quarters of a millimetre, at most 255 of them."""

WHITE: Final = 1
DEEP: Final = 2
HIND: Final = 3
GREY: Final = 4
OPEN: Final = 5
"""Fluid of ventricles and sulci. With 0, all else, the kinds of place that are told apart."""

Field: TypeAlias = NDArray[np.float32]
Kinds: TypeAlias = NDArray[np.uint8]

_KINDS: Final = (
    (WHITE, (Tissue.WHITE, Tissue.LESION)),
    (DEEP, (Tissue.THALAMUS, Tissue.STRIATUM, Tissue.PALLIDUM, Tissue.DEEP_GREY)),
    (HIND, (Tissue.STEM, Tissue.CEREBELLAR_WHITE)),
    (GREY, (Tissue.GREY, Tissue.CEREBELLAR_GREY, Tissue.HIPPOCAMPUS)),
    (OPEN, (Tissue.VENTRICLE, *FLUID)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """A head on every second voxel.

    Attributes:
        kinds: Kind of place, (i, j, k).
        ventricle: Distance to a ventricle, quarters of mm.
        cortex: Distance to the cortex, quarters of mm.
    """

    kinds: Kinds
    ventricle: NDArray[np.uint8]
    cortex: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Habit:
    """How one brain's lesions are spread; densities relative to one another.

    Attributes:
        around: At a ventricle.
        reach: mm at which that has fallen to a third.
        under: Under the cortex.
        white: Anywhere in white matter.
        deep: In deep grey matter.
        hind: In stem and white matter of the cerebellum.
    """

    around: float
    reach: float
    under: float
    white: float
    deep: float
    hind: float


def kinds_of(coded: NDArray[np.uint8]) -> Kinds:
    """Return the kind of place of every voxel of a head."""
    table = np.zeros(2 * MASKED, dtype=np.uint8)
    for kind, tissues in _KINDS:
        table[list(tissues)] = kind
    table[MASKED:] = table[:MASKED]
    kinds: Kinds = table[coded]
    return kinds


def places_of(head: Head) -> Places:
    """Return what the prior rests on."""
    coded = head.coded[::COARSE, ::COARSE, ::COARSE]
    tissue = coded % MASKED
    return Places(kinds_of(coded), _away(tissue == Tissue.VENTRICLE), _away(tissue == Tissue.GREY))


def habit(chance: Chance) -> Habit:
    """Return how the lesions of one brain are spread."""

    def about(typical: float) -> float:
        return typical * float(chance.numbers.lognormal(0.0, 0.5))

    return Habit(
        around=about(1.0),
        reach=about(5.0),
        under=about(0.2),
        white=about(0.12),
        deep=about(0.03),
        hind=about(0.03),
    )


def density(places: Places, spread: Habit) -> Field:
    """Return how often a lesion's middle lies in a voxel, relative to others, (i, j, k) from 0 up."""
    near = np.exp(np.arange(256, dtype=np.float32) / (-STEPS * spread.reach))
    under = np.exp(np.arange(256, dtype=np.float32) / (-STEPS * 2.0))
    found: Field = spread.around * near[places.ventricle]
    found += spread.under * under[places.cortex]
    found += np.float32(spread.white)
    share = np.zeros(OPEN + 1, dtype=np.float32)
    share[[WHITE, DEEP, HIND]] = 1.0, spread.deep, spread.hind
    found *= share[places.kinds]
    return found


def _away(from_what: NDArray[np.bool_]) -> NDArray[np.uint8]:
    if not from_what.any():
        return np.full(from_what.shape, 255, dtype=np.uint8)
    away = ndimage.distance_transform_edt(~from_what, sampling=COARSE) * STEPS
    steps: NDArray[np.uint8] = np.minimum(away, 255).astype(np.uint8)
    return steps
