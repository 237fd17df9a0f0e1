"""What is known of each case after the network has answered it, the way it is served."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.canonical import Json
from bedside.imaging.grid import Grid
from bedside.lab.brain.overlap.cases import HardCase, HardCases, Hardship
from bedside.package.segmentation import SegmentationOutput
from bedside.package.volume_operations import VolumeOperation
from bedside.runtime.overlap import doubts_of
from bedside.runtime.progress import silent
from bedside.runtime.segmentation import WayBack, activated, refined, restored
from bedside.runtime.volume_preprocess import VolumePreprocess

Infer: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""What was prepared, (1, i, j, k), to scores, (channels, i, j, k)."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is served.

    Attributes:
        operations: What is done before it.
        output: What its numbers mean.
    """

    operations: tuple[VolumeOperation, ...]
    output: SegmentationOutput


@dataclass(frozen=True, slots=True)
class Answered:
    """One case, answered.

    Attributes:
        doubts: By name.
        overlap: Dice with the whole brain, also where the field of view cut it away.
        hardship: What had been done to it.
        severity: From 0 to 1.
        patient: Whose head.
    """

    doubts: dict[str, float]
    overlap: float
    hardship: Hardship
    severity: float
    patient: str

    def told(self) -> dict[str, Json]:
        """Return it as JSON, to six digits."""
        return {
            "patient": self.patient,
            "hardship": self.hardship,
            "severity": round(self.severity, 4),
            "overlap": round(self.overlap, 6),
            "doubts": {name: float(f"{value:.6g}") for name, value in self.doubts.items()},
        }


def answered(cases: HardCases, recipe: Recipe, infer: Infer) -> Iterator[Answered | None]:
    """Yield each case as it is answered; None where nothing was found, of which nothing is learnt."""
    prepare = VolumePreprocess(recipe.operations)
    for number in range(len(cases)):
        yield _answered(cases[number], recipe.output, prepare, infer)


def _answered(
    case: HardCase, output: SegmentationOutput, prepare: VolumePreprocess, infer: Infer
) -> Answered | None:
    volume = case.volume
    prepared = prepare(volume)
    probabilities = activated(infer(prepared.tensor), output.activation)
    way = WayBack(prepared.affine, Grid(volume.shape, np.array(volume.affine)))
    found = doubts_of(prepared.tensor[0], probabilities, way, output)
    if not found:
        return None
    labels = restored(probabilities, way, output, silent).labels
    mask = refined(labels, output, volume.voxel_millilitres, silent) > 0
    both = int(np.count_nonzero(mask & case.truth))
    overlap = 2 * both / (int(np.count_nonzero(mask)) + case.brain)
    return Answered(found, overlap, case.hardship, case.severity, case.patient)
