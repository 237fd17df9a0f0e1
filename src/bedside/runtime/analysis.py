"""What a model says of one volume, and what goes with the volume into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.measuring.measurement import Measurement
from bedside.imaging.volume import Affine, VolumeFacts
from bedside.runtime.flags import Flag
from bedside.runtime.progress import Stage

Measured: TypeAlias = Mapping[str, tuple[Measurement, ...]]
"""By the label of a class."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What the sender says beside the files; None where nothing is said.

    Attributes:
        modality: A DICOM code, such as MR.
        body_part: A DICOM code, such as HEAD.
    """

    modality: str | None = None
    body_part: str | None = None


UNSTATED: Final = Stated()
"""Nothing is said beside the files."""


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """One answer to one volume.

    Attributes:
        labels: Values of the classes, uint8 along (i, j, k) of the volume as it was read; None
            where the output is a number.
        probability: float32, that a voxel is no background, on the same grid.
        affine: Voxel indices of both to mm, RAS+: the volume's own.
        facts: What the files say of the volume, with what was stated where they say nothing.
        values: mL of each class but the background, by its label; or the number by its name.
        unit: Of the values: `mL`, or the number's.
        measurements: What was measured of each class, by its label.
        flags: What a reader of the answer must know.
        out_of_domain: 0 for a volume that looks exactly like those of the domain, 1 for one that
            has nothing of them, up to 2 for its opposite; None where the package declares no likeness.
        seconds: How long each stage took, by the clock.
        expected: mL that the probabilities of each class but the background sum to on the network's
            grid, by its label; empty where the output is a number.
        predicted_overlap: Dice with the whole of what is sought that is to be expected; None where
            the package declares nothing of it.
    """

    labels: NDArray[np.uint8] | None
    probability: NDArray[np.float32] | None
    affine: Affine
    facts: VolumeFacts
    values: Mapping[str, float]
    unit: str
    measurements: Measured
    flags: tuple[Flag, ...]
    out_of_domain: float | None
    seconds: Mapping[Stage, float]
    expected: Mapping[str, float] = field(default_factory=dict)
    predicted_overlap: float | None = None
