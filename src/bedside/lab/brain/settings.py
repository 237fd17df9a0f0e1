"""All that may be set of a training of brain extraction."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from bedside.lab.brain.network import NetworkSettings
from bedside.lab.synthesis.heads import MARGIN
from bedside.lab.synthesis.settings import SynthesisSettings
from bedside.lab.training.settings import Precision, Settings

Side = Annotated[int, Field(ge=16, le=512)]


class BrainSettings(Settings):
    """Settings of `bedside lab train brain-extraction`.

    Attributes:
        data: Manifest of label maps (role `labels`, 1 mm).
        validation_patients: Who is held out; none draws a fifth of them.
        keep: Folder where heads are kept as they are drawn from; empty computes them each time.
        grid: Voxels of a case, to the right, to the front, to the head.
        spacing: Of the grid, mm.
        closing: Half the width in mm of the widest gap between tissues that the mask bridges.
        validation_cases: How many heads are drawn for validation.
        network: How large the network is.
        synthesis: How widely images vary.
    """

    steps: Annotated[int, Field(ge=1)] = 20_000
    lr: Annotated[float, Field(gt=0)] = 2e-3
    precision: Precision = "bfloat16"
    workers: Annotated[int, Field(ge=0, le=256)] = 1
    data: str = ""
    validation_patients: tuple[str, ...] = ()
    keep: str = ""
    grid: tuple[Side, Side, Side] = (96, 112, 96)
    spacing: Annotated[float, Field(ge=0.5, le=4)] = 2.0
    closing: Annotated[float, Field(ge=0, le=MARGIN)] = 4.0
    validation_cases: Annotated[int, Field(ge=1)] = 24
    network: NetworkSettings = NetworkSettings()
    synthesis: SynthesisSettings = SynthesisSettings()

    @model_validator(mode="after")
    def _grid_fits_the_network(self) -> Self:
        multiple = self.network.multiple
        if any(side % multiple for side in self.grid):
            raise ValueError(f"the sides of the grid {self.grid} must be multiples of {multiple}")
        return self
