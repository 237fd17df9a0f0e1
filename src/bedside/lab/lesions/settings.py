"""All that may be set of a training of lesion candidates."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from bedside.lab.brain.network import NetworkSettings
from bedside.lab.synthesis.settings import Extent, Share, SynthesisSettings
from bedside.lab.training.settings import Precision, Settings
from bedside.package.fields import Frozen

Side = Annotated[int, Field(ge=16, le=512)]

HEADS = SynthesisSettings(
    tilt=15.0, shift=6.0, turned=0.0, bending=3.0, bias=0.3, texture=0.08, noise=0.08, thick=0.0
)
"""How the heads around lesions vary; thick slices are drawn with the lesions in them."""


class LesionSynthesis(Frozen):
    """How many lesions there are, how large, where and how bright.

    Attributes:
        none: Share of brains without any lesion.
        typical: Median of the number in a brain that has some.
        spread: Standard deviation of the number's logarithm.
        most: In one brain, confluent ones not counted.
        smallest: Volume of the smallest lesion, mm³.
        largest: Of the largest that is no confluent one, mm³.
        volume: Median of a brain's median volume, mm³.
        volume_spread: Standard deviation of the logarithm of volumes within one brain.
        confluent: Share of brains with lesions that run together around the ventricles.
        flair: Share of images that look like FLAIR; the others like T2, PD or T1.
        faint: Least brightness of a lesion in FLAIR, as a multiple of grey matter's.
        bright: Largest.
        misleading: Share of images with each kind of brightness that is no lesion.
        stripped: Share of images that show the brain alone.
        thick: Share of images with thick slices.
        thickest: mm.
    """

    none: Share = 0.08
    typical: Annotated[float, Field(gt=0)] = 20.0
    spread: Extent = 1.0
    most: Annotated[int, Field(ge=1, le=1_000)] = 80
    smallest: Annotated[float, Field(gt=0)] = 3.0
    largest: Annotated[float, Field(gt=0)] = 4_000.0
    volume: Annotated[float, Field(gt=0)] = 35.0
    volume_spread: Extent = 1.2
    confluent: Share = 0.2
    flair: Share = 0.92
    faint: Annotated[float, Field(gt=0)] = 0.95
    bright: Annotated[float, Field(gt=0)] = 1.6
    misleading: Share = 0.5
    stripped: Share = 0.6
    thick: Share = 0.35
    thickest: Annotated[float, Field(ge=1.2)] = 5.0

    @model_validator(mode="after")
    def _ranges_ascend(self) -> Self:
        if not (self.smallest < self.largest and self.faint < self.bright):
            raise ValueError("smallest must be below largest, and faint below bright")
        return self


class LesionSettings(Settings):
    """Settings of `bedside lab train lesion-candidates`.

    Attributes:
        data: Manifest of label maps (role `labels`, 1 mm).
        validation_patients: Who is held out; none draws a fifth of them.
        keep: Folder where heads are kept as they are drawn from; empty computes them each time.
        grid: Voxels of a case, to the right, to the front, to the head: a part of the head.
        spacing: Of the grid, mm.
        validation_cases: How many parts of heads are drawn for validation.
        network: How large the network is.
        synthesis: How widely heads vary; what it says of contrast and framing is not used.
        lesions: What is drawn into them.
    """

    steps: Annotated[int, Field(ge=1)] = 20_000
    lr: Annotated[float, Field(gt=0)] = 2e-3
    precision: Precision = "bfloat16"
    workers: Annotated[int, Field(ge=0, le=256)] = 1
    data: str = ""
    validation_patients: tuple[str, ...] = ()
    keep: str = ""
    grid: tuple[Side, Side, Side] = (96, 96, 96)
    spacing: Annotated[float, Field(ge=0.5, le=2)] = 1.0
    validation_cases: Annotated[int, Field(ge=1)] = 24
    network: NetworkSettings = NetworkSettings(widths=(24, 40, 64))
    synthesis: SynthesisSettings = HEADS
    lesions: LesionSynthesis = LesionSynthesis()

    @model_validator(mode="after")
    def _grid_fits_the_network(self) -> Self:
        multiple = self.network.multiple
        if any(side % multiple for side in self.grid):
            raise ValueError(f"the sides of the grid {self.grid} must be multiples of {multiple}")
        return self
