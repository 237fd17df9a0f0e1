"""Grey values of tissues: like a known kind of sequence, or by chance alone.

The kinds are rules of thumb of how bright a tissue is, 0 to 1; each image departs from them. What
is learned from chance alone holds for contrasts that nobody listed (Billot et al., Medical Image
Analysis 2023; Hoopes et al., NeuroImage 2022).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.settings import SynthesisSettings
from bedside.lab.synthesis.tissues import Tissue

_SEQUENCES: Final = MappingProxyType(
    {
        "T1": ".80 .55 .15 .17 .80 .55 .68 .60 .72 .76 .54 .60 .45 .35 .22 "
        ".30 .02 .20 .60 .48 .45 .85 .74 .35 .08 .75 .60",
        "MPRAGE": ".85 .50 .08 .10 .84 .50 .70 .58 .76 .78 .48 .58 .40 .45 .16 "
        ".25 .02 .12 .55 .42 .40 .80 .76 .45 .04 .70 .60",
        "T2": ".38 .55 .95 .92 .38 .55 .48 .50 .40 .42 .56 .50 .75 .30 .92 "
        ".25 .02 .92 .50 .28 .70 .55 .42 .35 .05 .48 .40",
        "PD": ".58 .75 .80 .80 .58 .74 .68 .72 .62 .62 .75 .70 .85 .40 .80 "
        ".40 .03 .80 .65 .50 .75 .75 .60 .45 .10 .60 .58",
        "FLAIR": ".50 .66 .10 .16 .50 .66 .58 .62 .52 .52 .70 .60 .95 .30 .15 "
        ".30 .02 .12 .55 .40 .70 .65 .52 .35 .06 .50 .48",
        "STIR": ".45 .65 .90 .88 .45 .65 .58 .60 .48 .48 .66 .60 .85 .25 .88 "
        ".30 .02 .90 .30 .35 .80 .20 .46 .35 .05 .15 .42",
    }
)
"""Grey values of `Tissue` from 1 on, in its order."""

_ALIKE: Final = (
    (Tissue.WHITE, Tissue.CEREBELLAR_WHITE, Tissue.STEM, Tissue.CORD, Tissue.NERVE),
    (Tissue.GREY, Tissue.CEREBELLAR_GREY, Tissue.HIPPOCAMPUS, Tissue.DEEP_GREY, Tissue.STRIATUM),
    (Tissue.VENTRICLE, Tissue.SULCAL_FLUID, Tissue.OUTER_FLUID, Tissue.EYE),
    (Tissue.SOFT, Tissue.MUSCLE, Tissue.MUCOSA),
    (Tissue.SKIN, Tissue.MARROW),
    (Tissue.AIR, Tissue.NOTHING),
)
"""Tissues that often look alike, also where the contrast follows no known sequence."""

_DRIFT: Final = 0.08
"""Standard deviation of a tissue's departure from its sequence."""

_MERGED: Final = 0.7
"""Share of images in which a group of `_ALIKE` is one grey value, a little apart."""


def grey_values(chance: Chance, settings: SynthesisSettings) -> NDArray[np.float32]:
    """Return a grey value, about 0 to 1, for each `Tissue`."""
    known = chance.happens(settings.sequences)
    values = _like_a_sequence(chance) if known else _by_chance(chance)
    if chance.happens(0.35):  # the fluid around the brain is thin: what shows may be the meninges
        values[Tissue.OUTER_FLUID] = chance.between(0, 1)
    if chance.happens(0.5):
        values[Tissue.DURA] = values[Tissue.BONE] if chance.happens(0.4) else chance.between(0, 1)
    if chance.happens(0.2):  # bone and air are often one
        values[Tissue.BONE] = values[Tissue.NOTHING]
    return np.clip(values, 0.0, 1.3).astype(np.float32)


def sequence(name: str) -> NDArray[np.float64]:
    """Return the typical grey value of each `Tissue` in a sequence, 0 to 1; nothing is 0.

    Raises:
        KeyError: there is no such sequence.
    """
    return np.array([0.0, *map(float, _SEQUENCES[name].split())])


def _like_a_sequence(chance: Chance) -> NDArray[np.float64]:
    names = list(_SEQUENCES)
    values = sequence(names[chance.whole(0, len(names))])
    if chance.happens(0.3):  # between two: half-weighted sequences, other scanners
        other = sequence(names[chance.whole(0, len(names))])
        share = chance.between(0, 0.5)
        values = (1 - share) * values + share * other
    drift = _DRIFT * chance.between(0.2, 1.5)
    values[1:] += chance.numbers.normal(0, drift, len(values) - 1)
    values = np.maximum(values, 0) ** chance.between(0.7, 1.5)
    outside = slice(Tissue.EYE, len(values))
    values[outside] *= chance.between(0.5, 1.4)  # coils and fat suppression
    return values


def _by_chance(chance: Chance) -> NDArray[np.float64]:
    values = chance.numbers.uniform(0, 1, len(Tissue))
    values[Tissue.NOTHING] = 0.0 if chance.happens(0.85) else chance.between(0, 0.5)
    for group in _ALIKE:
        if chance.happens(_MERGED):
            value = values[group[-1]]
            values[list(group)] = value + chance.numbers.normal(0, 0.03, len(group))
    if chance.happens(0.7):
        values[Tissue.AIR] = values[Tissue.NOTHING]
    return values
