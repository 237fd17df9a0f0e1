"""What only the author of a volume model knows: `VolumeSpec`, as a TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from bedside.canonical import Json
from bedside.errors import PackageDamaged
from bedside.freezing.authors_words import AuthorsWords, Origin
from bedside.freezing.questions import Questions
from bedside.freezing.spec_file import Asked, answers_in, fitted
from bedside.freezing.volumes.label_maps import with_likeness
from bedside.package.fields import Frozen
from bedside.package.manifest import DataSet, Evaluation, Metric
from bedside.package.outputs import NumberOutput, Threshold
from bedside.package.segmentation import MillilitreRange, SegmentationOutput, SegmentedClass
from bedside.package.volume_models import Inference
from bedside.package.volume_operations import VolumeOperation, VoxelSpacing, check_order
from bedside.package.volumes import VolumeDomain, VolumeInput, VolumeLikeness

PAGE: Final = "docs/how-to/freeze-meshnet.md"
"""Where a spec with every answer stands."""

GoldenSide = Annotated[int, Field(ge=8, le=96)]


class VolumeAnswers(VolumeDomain):
    """The `[volume]` of a spec: the declared domain of the volumes."""

    likeness: VolumeLikeness | None = None

    def declared(self) -> VolumeInput:
        """Return the domain as the manifest says it."""
        named = {name: getattr(self, name) for name in VolumeDomain.model_fields}
        return VolumeInput(**named, likeness=self.likeness)


class VolumeComparison(Frozen):
    """How native and frozen model are compared.

    Attributes:
        tolerance: Largest accepted difference, as a share of the largest value compared.
        seed: Of what is drawn for it.
    """

    tolerance: Annotated[float, Field(gt=0, le=0.01)] = 1e-4
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


class VolumeGolden(Frozen):
    """How golden cases are made: of drawn heads, which are nobody's.

    Attributes:
        cases: How many; each is analysed whenever the package is loaded.
        seed: Of the first drawing.
        shape: Voxels of a drawing along i, j, k.
        spacing: mm.
        tolerance: Of a volume in mL and of a number, relative; of the mean probability, absolute.
        least_dice: Smallest overlap of a class with the recorded one.
    """

    cases: Annotated[int, Field(ge=1, le=32)] = 1
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    shape: tuple[GoldenSide, GoldenSide, GoldenSide] = (48, 56, 52)
    spacing: tuple[VoxelSpacing, VoxelSpacing, VoxelSpacing] = (4.0, 4.0, 4.0)
    tolerance: Annotated[float, Field(gt=0, le=0.01)] = 0.005
    least_dice: Annotated[float, Field(ge=0.9, le=1)] = 0.98


class VolumeSpec(AuthorsWords):
    """Everything that the author of a volume model must state.

    What the model's own files say (operations, windows) may be left out.
    """

    volume: VolumeAnswers = Field(
        description="which files, modalities, body parts, spacings, fields of view and sizes"
    )
    preprocessing: Annotated[
        tuple[Annotated[VolumeOperation, Field(discriminator="op")], ...], Field(max_length=16)
    ] = ()
    inference: Inference | None = None
    output: Annotated[SegmentationOutput | NumberOutput, Field(discriminator="kind")] = Field(
        description="kind segmentation with classes, or kind number with a unit"
    )
    origin: Origin = Field(description="who trained it, when, with which code, on which data")
    evaluation: Evaluation = Field(description="test data and metrics with confidence intervals")
    comparison: VolumeComparison = VolumeComparison()
    golden: VolumeGolden = VolumeGolden()
    threads: Annotated[int, Field(ge=1, le=64)] = 2
    """Of the network's arithmetic, wherever the package runs."""

    @model_validator(mode="after")
    def _operations_are_in_order(self) -> Self:
        try:
            check_order(self.preprocessing)
        except PackageDamaged as problem:
            raise ValueError(f"preprocessing: {problem.message}") from problem
        return self


def make_volume_spec(answers: dict[str, Json]) -> VolumeSpec:
    """Return the spec that `answers` make up, as in TOML.

    Raises:
        UsageError: an answer is missing or does not fit; names each, and says what is asked.
    """
    return fitted(VolumeSpec, answers, Asked(_questions(), _names(), PAGE))


def read_volume_spec(path: Path) -> VolumeSpec:
    """Return the spec written in a TOML file.

    Raises:
        NotFound: no such file.
        LimitExceeded: larger than `MAX_SPEC_BYTES`, or nested too deep.
        UsageError: not TOML, or an answer is missing or does not fit.
    """
    return make_volume_spec(with_likeness(answers_in(path), path.parent))


def _questions() -> Questions:
    """Return what is asked at each place of a spec that has a question of its own."""
    asked: dict[tuple[int | str, ...], str] = {}
    for name, field in VolumeSpec.model_fields.items():
        asked[name,] = field.description or ""
    for name, field in Origin.model_fields.items():
        asked["origin", name] = field.description or ""
    return asked


def _names() -> list[str]:
    """Return every name that a spec may hold, at any depth."""
    models = (
        *(VolumeSpec, VolumeAnswers, VolumeComparison, VolumeGolden, Origin, DataSet),
        *(Evaluation, Metric, SegmentationOutput, SegmentedClass, MillilitreRange, Threshold),
        *(NumberOutput, VolumeLikeness),
    )
    return sorted({name for model in models for name in model.model_fields})
