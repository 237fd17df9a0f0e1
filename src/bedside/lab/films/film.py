"""A drawn chest film: which patient, which film of theirs, whether it shows an opacity, its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.lab.films.bones import drawn_broad_bones, drawn_slim_bones
from bedside.lab.films.exposure import bordered, exposed, lettered
from bedside.lab.films.grid import Grid, Plane, Pose, doubled
from bedside.lab.films.patient import Patient
from bedside.lab.films.shadows import Opacity, drawn_distractors, drawn_opacity
from bedside.lab.films.tissue import drawn_tissue
from bedside.lab.films.vessels import drawn_vessels

SMALLEST, LARGEST = 64, 2048
"""Rows of a film, and columns."""

BITS = (8, 12, 16)
"""Bits that a pixel may be stored in."""


@dataclass(frozen=True, slots=True)
class Film:
    """A postero-anterior chest film of a patient who does not exist.

    Attributes:
        patient: Names the patient; films of one patient belong in one split.
        number: Which film of this patient, from 0.
        grey: Rows × columns, 0 (black) to 1 (white).
        opacity: What was put into the lungs, on every second pixel; or None.
    """

    patient: int
    number: int
    grey: Plane
    opacity: Opacity | None

    def stored(self, bits: int = 8, *, negative: bool = False) -> NDArray[np.uint8 | np.uint16]:
        """Return the pixels as a file holds them: 0 to 2^bits − 1, black first.

        Args:
            bits: 8, 12 or 16.
            negative: As DICOM's MONOCHROME1: 0 is white.

        Raises:
            UsageError: another number of bits.
        """
        if bits not in BITS:
            raise UsageError(f"A film of {bits} bits.", advice=f"Choose one of {BITS}.")
        highest = 2**bits - 1
        grey = 1 - self.grey if negative else self.grey
        whole = np.rint(grey.astype(np.float64) * highest)
        return np.asarray(whole, dtype=np.uint8 if bits == 8 else np.uint16)


def make_film(
    patient: int, number: int = 0, *, opacity: bool | None = None, side: int = 512
) -> Film:
    """Return a film; the same arguments always give the same one.

    Args:
        patient: Names the patient, 0 or more: build, bones and vessels follow from it.
        number: Which film of this patient, 0 or more: pose, exposure, noise, what else lies on it.
        opacity: Whether there is one; None tosses a coin, which is the patient's and the film's.
        side: Rows and columns: an even number from 64 to 2048.

    Raises:
        UsageError: a negative number, or a side that is odd or out of range.
    """
    if patient < 0 or number < 0:
        raise UsageError(f"Patient {patient}, film {number}: neither may be below 0.")
    if side % 2 or not SMALLEST <= side <= LARGEST:
        raise UsageError(
            f"A film of {side} rows.",
            advice=f"Choose an even number from {SMALLEST} to {LARGEST}.",
        )
    random = np.random.default_rng([patient, 2, number])
    tossed = bool(random.random() < 0.5)
    person, grid = Patient.drawn(patient), Grid(side, Pose.drawn(random))
    shown = None
    if tossed if opacity is None else opacity:
        shown = drawn_opacity(grid.coarse, person, np.random.default_rng([patient, 3, number]))
    thick = _thickness(grid, person, shown, random)
    grey = lettered(bordered(exposed(thick, grid, random), random), random)
    return Film(patient, number, grey, shown)


def _thickness(
    grid: Grid, patient: Patient, opacity: Opacity | None, random: np.random.Generator
) -> Plane:
    """Return what each ray goes through; what has no fine detail is drawn on every second pixel."""
    coarse = grid.coarse
    tissue = drawn_tissue(coarse, patient)
    air = tissue.air * random.uniform(0.56, 0.70)
    if opacity is not None:
        air = air * (1 - opacity.at)
    for grain, most in ((0.25, 0.05), (0.06, 0.05), (0.02, 0.05)):
        air = air * (1 + random.uniform(0.01, most) * coarse.cloud(random, grain))
    inside = tissue.body > 0.02
    smooth = tissue.body - air + drawn_broad_bones(coarse, patient) * inside
    fine = drawn_vessels(grid, patient) * doubled(tissue.outline)
    fine = np.minimum(fine, 0.8 * doubled(air)) + drawn_slim_bones(grid, patient) * doubled(inside)
    thick = doubled(smooth) + fine + drawn_distractors(grid, patient, random)
    return np.asarray(np.clip(thick, 0, None), dtype=np.float32)
