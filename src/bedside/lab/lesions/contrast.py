"""Grey values of images in which lesions are looked for: FLAIR, and now and then another sequence.

In FLAIR fluid is dark, grey matter a little brighter than white, and a lesion about as bright as grey
matter or brighter (J. V. Hajnal et al., J Comput Assist Tomogr 16 (1992) 841).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.lab.lesions.settings import LesionSynthesis
from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.contrast import sequence
from bedside.lab.synthesis.tissues import FLUID, LAYERS, Tissue

_GREY: Final = (
    *(Tissue.GREY, Tissue.CEREBELLAR_GREY, Tissue.HIPPOCAMPUS, Tissue.THALAMUS),
    *(Tissue.STRIATUM, Tissue.DEEP_GREY),
)
_WHITE: Final = (Tissue.WHITE, Tissue.CEREBELLAR_WHITE, Tissue.STEM, Tissue.CORD, Tissue.LESION)
_OTHERS: Final = ("T2", "PD", "T1", "MPRAGE")


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """How bright things are in one image; white matter is about 0.5.

    Attributes:
        values: Of each `Tissue`, float32.
        lesion: Of lesions.
        flair: Whether it is like FLAIR.
    """

    values: NDArray[np.float32]
    lesion: float
    flair: bool

    @property
    def white(self) -> float:
        """Of white matter."""
        return float(self.values[Tissue.WHITE])

    @property
    def grey(self) -> float:
        """Of the cortex."""
        return float(self.values[Tissue.GREY])


def contrast(chance: Chance, settings: LesionSynthesis) -> Contrast:
    """Return how bright tissues and lesions are in one image."""
    flair = chance.happens(settings.flair)
    name = "FLAIR" if flair else _OTHERS[chance.whole(0, len(_OTHERS))]
    values = np.zeros(max(Tissue) + 1)
    known = sequence(name)
    values[: len(known)] = known
    outside = slice(Tissue.DURA, len(values))
    values[outside] *= chance.between(0.4, 1.6)  # coils and fat suppression
    values[1:] *= np.exp(chance.numbers.normal(0, 0.12, len(values) - 1))
    lesion = _like_flair(values, chance, settings) if flair else _otherwise(values, name, chance)
    values[[Tissue.LESION]] = values[Tissue.WHITE]  # what a map has of its own is not told
    values[[*LAYERS, Tissue.LOWER_FLUID]] = values[Tissue.OUTER_FLUID]
    return Contrast(values.clip(0, 2).astype(np.float32), lesion, flair)


def _like_flair(values: NDArray[np.float64], chance: Chance, settings: LesionSynthesis) -> float:
    white, ratio = 0.5, chance.between(1.08, 1.5)

    def about(value: float, many: int) -> NDArray[np.float64]:
        return value * np.exp(chance.numbers.normal(0, 0.04, many))

    values[list(_WHITE)] = about(white, len(_WHITE))
    values[list(_GREY)] = about(white * ratio, len(_GREY))
    values[Tissue.WHITE], values[Tissue.GREY] = white, white * ratio
    values[sorted(FLUID)] = values[Tissue.VENTRICLE] = white * chance.between(0.02, 0.55)
    if chance.happens(0.3):  # the meninges, or what a mask left of them
        values[Tissue.OUTER_FLUID] = white * chance.between(0.3, 1.4)
    above = chance.between(0, 1) ** 1.5
    bright = settings.faint + (settings.bright - settings.faint) * above
    return float(max(1.2 * white, bright * white * ratio))


def _otherwise(values: NDArray[np.float64], name: str, chance: Chance) -> float:
    """Return how bright lesions are between white matter and fluid, or, in T1, grey matter."""
    towards = Tissue.VENTRICLE if name in ("T2", "PD") else Tissue.GREY
    part = chance.between(0.3, 0.8) if towards == Tissue.VENTRICLE else chance.between(0.6, 1.3)
    white = float(values[Tissue.WHITE])
    return white + part * (float(values[towards]) - white)
