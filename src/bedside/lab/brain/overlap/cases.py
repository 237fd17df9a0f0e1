"""One case of a calibration: a volume as it would be sent, and where the whole brain truly is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bedside.imaging.volume import Affine, Volume, VolumeFacts
from bedside.lab.brain.overlap.hardening import (
    folded,
    holed,
    noised,
    nothing_like_a_head,
    smeared,
    strange_values,
    stripped,
)
from bedside.lab.brain.overlap.settings import CalibrationSettings
from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.drawing import drawn
from bedside.lab.synthesis.framing import bounds
from bedside.lab.synthesis.heads import Head, read_head

Hardship: TypeAlias = Literal[
    "as-drawn", "cut", "hole", "noise", "contrast", "stripped", "smeared", "several", "no-head"
]

HARDSHIPS: Final[tuple[Hardship, ...]] = get_args(Hardship)

_PLAN: Final[tuple[Hardship, ...]] = (
    "as-drawn", "cut", "hole", "noise", "cut", "contrast", "as-drawn", "cut", "hole", "stripped",
    "smeared", "as-drawn", "several", "hole", "cut", "contrast", "cut", "several", "no-head",
)  # fmt: skip
"""What happens to one case after the other; a prime number of them, so that each head gets all."""

_DEEPEST: Final = 75.0
"""Millimetres of the brain that a field of view may leave out at one side."""

_ROUND: Final = 60.0
"""Millimetres that it may show beyond the brain."""

_FEWEST: Final = 16
"""Voxels of a field of view along each axis."""


@dataclass(frozen=True, slots=True, eq=False)
class HardCase:
    """One case.

    Attributes:
        volume: As it would be read.
        truth: Where the brain is, bool on the volume's grid.
        brain: Voxels of the whole brain, those beyond the field of view included.
        hardship: What was done.
        severity: From 0 to 1.
        patient: Whose label map it was drawn from.
    """

    volume: Volume
    truth: NDArray[np.bool_]
    brain: int
    hardship: Hardship
    severity: float
    patient: str


class HardCases:
    """Cases out of heads; each follows from the seed and its number alone."""

    def __init__(self, paths: Sequence[Path], settings: CalibrationSettings) -> None:
        self._paths = tuple(paths)
        self._settings = settings
        self._heads = dict[int, Head]()

    def __len__(self) -> int:
        """Return how many there are."""
        return self._settings.cases

    def __getitem__(self, number: int) -> HardCase:
        """Return one case.

        Raises:
            IndexError: there is none of that number.
        """
        if not 0 <= number < len(self):
            raise IndexError(number)
        settings = self._settings
        chance = Chance((settings.seed, number), torch.device("cpu"))
        place = number % len(self._paths)
        hardship = _PLAN[number % len(_PLAN)]
        severity = chance.between(0, 1)
        strange = hardship == "contrast" and chance.happens(0.6)
        values = strange_values(chance) if strange else None
        head = self._head(place)
        found = drawn(head, settings.grid, settings.spacing, chance, settings.synthesis, values)
        image, mask = found.image, found.mask
        for one in _several(chance) if hardship == "several" else (hardship,):
            if not strange:
                image, mask = _harder(image, mask, one, settings.spacing, chance, severity)
        deep = severity if hardship == "cut" else 0.35 * severity * chance.happens(0.25)
        image, mask, brain = _seen(image, mask, settings.spacing, chance, float(deep))
        return HardCase(
            volume=_volume(image, settings.spacing),
            truth=(mask > 0.5).numpy(),
            brain=brain,
            hardship=hardship,
            severity=severity,
            patient=self._paths[place].name,
        )

    def _head(self, place: int) -> Head:
        if place not in self._heads:
            keep = Path(self._settings.keep) if self._settings.keep else None
            self._heads[place] = read_head(self._paths[place], self._settings.closing, keep)
        return self._heads[place]


def _several(chance: Chance) -> list[Hardship]:
    others: list[Hardship] = ["hole", "noise", "smeared", "contrast", "stripped"]
    return [others[place] for place in sorted(chance.numbers.permutation(len(others))[:2])]


def _harder(
    image: Tensor, mask: Tensor, hardship: Hardship, spacing: float, chance: Chance, severity: float
) -> tuple[Tensor, Tensor]:
    match hardship:
        case "noise":
            image = noised(image, chance, severity)
        case "smeared":
            image = smeared(image, spacing, chance, severity)
        case "contrast":
            image = folded(image, chance, severity)
        case "hole":
            image = holed(image, mask, spacing, chance, severity)
        case "stripped":
            image = stripped(image, mask, spacing, chance, severity)
        case "no-head":
            image, mask = nothing_like_a_head(image, spacing, chance), torch.zeros_like(mask)
        case _:
            pass
    return image, mask


def _seen(
    image: Tensor, mask: Tensor, spacing: float, chance: Chance, deep: float
) -> tuple[Tensor, Tensor, int]:
    """Return image and mask in a field of view, and the voxels of the whole brain.

    It ends beyond the brain; with `deep` above 0, at one or two sides inside of it. What is not
    shown is cut off, or stays as zeros.
    """
    ends, brain = bounds(mask), int((mask > 0.5).sum())
    cut = set[tuple[int, int]]()
    if deep > 0:
        sides = [(2, 0), (2, 0), (2, 1), (2, 1), (0, 0), (0, 1), (1, 0), (1, 1)]
        cut = {sides[chance.whole(0, len(sides))] for _ in range(chance.whole(1, 3))}
    shown = list[slice]()
    for axis, (first, last) in enumerate(ends):
        near, far = (
            chance.between(0, deep) * _DEEPEST if (axis, end) in cut else -chance.between(3, _ROUND)
            for end in (0, 1)
        )
        low = round(first + near / spacing)
        high = round(last + 1 - far / spacing)
        low = min(max(low, 0), mask.shape[axis] - _FEWEST)
        shown.append(slice(low, min(max(high, low + _FEWEST), mask.shape[axis])))
    i, j, k = shown
    if cut and chance.happens(0.4):
        view = torch.zeros_like(mask)
        view[i, j, k] = 1
        return image * view, mask * view, brain
    return image[i, j, k], mask[i, j, k], brain


def _volume(image: Tensor, spacing: float) -> Volume:
    affine: Affine = np.diag([spacing, spacing, spacing, 1.0])
    facts = VolumeFacts("nifti", "", modality="MR")
    return Volume(np.ascontiguousarray(image.numpy(), dtype=np.float32), affine, facts)
