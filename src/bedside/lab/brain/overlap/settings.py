"""All that may be set of a calibration."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bedside.lab.brain.settings import Side
from bedside.lab.synthesis.settings import SynthesisSettings
from bedside.package.fields import Frozen


class CalibrationSettings(Frozen):
    """Settings of a calibration.

    Attributes:
        cases: How many heads are drawn.
        seed: Of all that is drawn.
        grid: Voxels of the room in which a head is drawn, to the right, to the front, to the head; a
            field of view is a part of it.
        spacing: Of the grid, mm; the network's.
        closing: As in training: half the width in mm of the widest gap that the mask bridges.
        keep: Folder where heads are kept as they are drawn from; empty computes them each time.
        flag_below: Predicted overlap below which an answer is flagged.
        synthesis: How widely images vary before they are made hard.
    """

    cases: Annotated[int, Field(ge=30, le=100_000)] = 240
    seed: Annotated[int, Field(ge=0)] = 1
    grid: tuple[Side, Side, Side] = (112, 128, 112)
    spacing: Annotated[float, Field(ge=0.5, le=16)] = 2.0
    closing: Annotated[float, Field(ge=0, le=20)] = 4.0
    keep: str = ""
    flag_below: Annotated[float, Field(gt=0, lt=1)] = 0.9
    synthesis: SynthesisSettings = SynthesisSettings(shift=0, cut=0, cut_below=0)
