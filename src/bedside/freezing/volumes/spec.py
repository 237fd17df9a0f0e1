"""What only the author of a volume model knows: `VolumeSpec`, as a TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from bedside.canonical import Json, canonical_bytes
from bedside.errors import LimitExceeded, NotFound, PackageDamaged, UsageError
from bedside.freezing.draft.unanswered import refuse_unanswered
from bedside.freezing.questions import Questions, told
from bedside.freezing.spec import MAX_SPEC_BYTES, Origin, plain_answers
from bedside.freezing.strangers.toml import read_toml
from bedside.freezing.volumes.label_maps import with_likeness
from bedside.package.fields import Frozen, Text
from bedside.package.manifest import DataSet, Evaluation, Languages, Metric, ModelName, Version
from bedside.package.networks import Line
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
        tolerance: Of a volume in mL, relative, and of the mean probability.
        least_dice: Smallest overlap of a class with the recorded one.
    """

    cases: Annotated[int, Field(ge=1, le=32)] = 1
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    shape: tuple[GoldenSide, GoldenSide, GoldenSide] = (48, 56, 52)
    spacing: tuple[VoxelSpacing, VoxelSpacing, VoxelSpacing] = (4.0, 4.0, 4.0)
    tolerance: Annotated[float, Field(gt=0, le=0.01)] = 0.005
    least_dice: Annotated[float, Field(ge=0.9, le=1)] = 0.98


class VolumeSpec(Frozen):
    """Everything that the author of a volume model must state.

    What the model's own files say (operations, windows) may be left out.
    """

    name: ModelName = Field(description="the model's name, such as brain-mask")
    version: Version = Field(description="a semantic version, such as 1.0.0")
    title: Annotated[Text, Field(min_length=1)] = Field(description="what people read, by language")
    licence: Line = Field(description="the licence of the model, such as Apache-2.0")
    intended_use: Annotated[Text, Field(min_length=1)] = Field(
        description="for whom and what the model is meant"
    )
    not_for: Annotated[Text, Field(min_length=1)] = Field(
        description="what it must not be used for"
    )
    claim_level: Literal["demonstration", "research", "investigational", "cleared"] = Field(
        description="demonstration, research, investigational or cleared"
    )
    languages: Languages = ("en",)
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

    @model_validator(mode="after")
    def _speaks_its_languages(self) -> Self:
        for name in ("title", "intended_use", "not_for"):
            if absent := set(self.languages) - set(getattr(self, name)):
                raise ValueError(f"{name} lacks the declared language(s) {sorted(absent)}")
        return self


def make_volume_spec(answers: dict[str, Json]) -> VolumeSpec:
    """Return the spec that `answers` make up, as in TOML.

    Raises:
        UsageError: an answer is missing or does not fit; names each, and says what is asked.
    """
    refuse_unanswered(answers)
    plain = plain_answers(answers)
    try:
        return VolumeSpec.model_validate_json(canonical_bytes(plain))
    except ValidationError as problem:
        raise UsageError(
            told(problem, plain, _questions(), _names()),
            advice=f"{PAGE} has a spec with every answer.",
        ) from problem


def read_volume_spec(path: Path) -> VolumeSpec:
    """Return the spec written in a TOML file.

    Raises:
        NotFound: no such file.
        LimitExceeded: larger than `MAX_SPEC_BYTES`, or nested too deep.
        UsageError: not TOML, or an answer is missing or does not fit.
    """
    if not path.is_file():
        raise NotFound(
            f"There is no spec at {str(path)!r}.", advice="Give the path of a TOML file."
        )
    if path.stat().st_size > MAX_SPEC_BYTES:
        raise LimitExceeded(f"The spec {path.name} is larger than {MAX_SPEC_BYTES} bytes.")
    answers = read_toml(path.read_bytes(), path.name)
    return make_volume_spec(with_likeness(answers, path.parent))


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
