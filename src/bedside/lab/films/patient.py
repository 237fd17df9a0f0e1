"""What makes one drawn patient unlike another; every film of a patient shows the same one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Patient:
    """The build of a patient, in patient coordinates (`grid`) or relative to the average.

    Attributes:
        number: Names the patient; everything else follows from it.
        stout: Thickness of the soft tissue, 1 on average.
        breadth: Breadth of the rib cage, 1 on average.
        depth: How far down the lungs reach, added to y.
        shoulders: How high the shoulders stand, added to y.
        heart: Size of the heart, 1 on average.
        breasts: Thickness of the breasts' shadows, 0 for none.
        bones: Density of the bones, 1 on average.
        markings: How strongly the vessels are drawn, 1 on average.
    """

    number: int
    stout: float
    breadth: float
    depth: float
    shoulders: float
    heart: float
    breasts: float
    bones: float
    markings: float

    @staticmethod
    def drawn(number: int) -> Patient:
        """Return the patient that `number` names, 0 or more; always the same one."""
        random = np.random.default_rng([number, 0])
        return Patient(
            number=number,
            stout=_near(random, 1.0, 0.13, (0.7, 1.4)),
            breadth=_near(random, 1.0, 0.05, (0.88, 1.12)),
            depth=_near(random, 0.0, 0.07, (-0.18, 0.15)),
            shoulders=_near(random, 0.0, 0.05, (-0.1, 0.1)),
            heart=_near(random, 1.0, 0.13, (0.75, 1.45)),
            breasts=float(random.uniform(0.02, 0.16)) if random.random() < 0.5 else 0.0,
            bones=_near(random, 1.0, 0.18, (0.6, 1.5)),
            markings=_near(random, 1.1, 0.4, (0.4, 2.2)),
        )

    def generator(self, part: int) -> np.random.Generator:
        """Return the random numbers of one part of this patient's body."""
        return np.random.default_rng([self.number, 1, part])


def _near(
    random: np.random.Generator, mean: float, spread: float, limits: tuple[float, float]
) -> float:
    return float(np.clip(random.normal(mean, spread), *limits))
