"""What only the author knows, and a package must say: `Spec`, in Python or as a TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Self, TypeAlias

from pydantic import Field, field_validator, model_validator

from bedside.canonical import Json
from bedside.errors import PackageDamaged
from bedside.freezing.authors_words import AuthorsWords, Origin
from bedside.freezing.explanation_answers import (
    ContributionAnswers,
    ExplanationAnswers,
    OcclusionAnswers,
)
from bedside.freezing.image_answers import ImageAnswers, LikenessAnswers
from bedside.freezing.network_answers import NetworkAnswers, misfit
from bedside.freezing.questions import Questions
from bedside.freezing.spec_file import Asked, answers_in, fitted
from bedside.package.fields import (
    CategoryField,
    Frozen,
    InputField,
    NumberField,
    UnitConversion,
)
from bedside.package.images import Intensity, SideRange
from bedside.package.manifest import (
    DataSet,
    Evaluation,
    Metric,
)
from bedside.package.outputs import (
    BinaryOutput,
    IsotonicCalibration,
    MulticlassOutput,
    NumberOutput,
    Output,
    OutputClass,
    PlattCalibration,
    Threshold,
)
from bedside.package.preprocessing import AnyOperation, image_operations, tabular_operations

PAGE: Final = "docs/how-to/freeze-scikit-learn.md"
"""Where a spec with every answer stands."""

NativeClass: TypeAlias = str | int | bool


class ComparisonOptions(Frozen):
    """How native and frozen model are compared."""

    tolerance: Annotated[float, Field(gt=0, le=0.01)] = 1e-5
    """Largest accepted difference: of a probability, or relative for a number."""
    seed: int = 0
    random_rows: Annotated[int, Field(ge=50, le=100_000)] = 200
    data_rows: Annotated[int | None, Field(ge=50, le=1_000_000)] = None
    """The author's rows are compared up to this many, evenly spaced; else 2,000, or 200 pictures."""


class GoldenOptions(Frozen):
    """How golden cases are made."""

    cases: Annotated[int | None, Field(ge=4, le=1_000)] = None
    """How many are made; else 24, or 8 where the input is a picture."""
    seed: int = 0
    tolerance: Annotated[float, Field(gt=0, le=0.01)] = 1e-5
    from_real_rows: bool = False
    """Take real rows of the data into the package; declared in its lineage."""


class Spec(AuthorsWords):
    """Everything that the author must state; the rest is read from the fitted model.

    `native_classes[i]` is the model's own name (`classes_[i]`) of `output.classes[i]`. It may be
    left out where both are the same text.
    """

    fields: tuple[InputField, ...] = ()
    image: ImageAnswers | None = None
    preprocessing: tuple[AnyOperation, ...] = ()
    """What is done before a network; scikit-learn's own steps are read from the fitted pipeline."""
    network: NetworkAnswers | None = None
    explanation: ExplanationAnswers | None = None
    output: Output = Field(description="kind binary, multiclass or number, with classes or unit")
    native_classes: tuple[NativeClass, ...] = ()
    origin: Origin = Field(description="who trained it, when, with which code, on which data")
    evaluation: Evaluation = Field(description="test data and metrics with confidence intervals")
    comparison: ComparisonOptions = ComparisonOptions()
    golden: GoldenOptions = GoldenOptions()

    @field_validator("fields")
    @classmethod
    def _ranges_are_exact(cls, fields: tuple[InputField, ...]) -> tuple[InputField, ...]:
        for field in fields:
            for word in ("minimum", "maximum"):
                bound = getattr(field, word, 0.0)
                if abs(bound) > 2**53:
                    raise ValueError(
                        f"field {field.name!r}: {word} {bound:g} is beyond 2^53; use a larger unit"
                    )
        return fields

    @model_validator(mode="after")
    def _has_one_kind_of_input(self) -> Self:
        if self.image is None and not self.fields:
            raise ValueError(
                "fields is missing (every input field with its unit, range, missing policy or "
                "categories; or [image] where the model reads pictures)"
            )
        if self.image is not None and self.fields:
            raise ValueError("it declares both `fields` and `image`; a model reads one of them")
        try:
            named = tabular_operations if self.image is None else image_operations
            named(self.preprocessing)
        except PackageDamaged as problem:
            raise ValueError(f"preprocessing: {problem.message}") from problem
        return self

    @model_validator(mode="after")
    def _reads_its_network_rightly(self) -> Self:
        if self.network is not None and (why := misfit(self.network, self.output)):
            raise ValueError(f"network: {why}")
        return self

    @model_validator(mode="after")
    def _is_explained_as_its_input_is(self) -> Self:
        wanted = ContributionAnswers if self.image is None else OcclusionAnswers
        if self.explanation is not None and not isinstance(self.explanation, wanted):
            raise ValueError(
                "explanation: rows of fields have the kind contributions, pictures the kind "
                "occlusion"
            )
        return self

    @model_validator(mode="after")
    def _names_native_classes_of_a_classifier(self) -> Self:
        if self.native_classes and isinstance(self.output, NumberOutput):
            raise ValueError("native_classes are for classifiers; this output is a number")
        return self


def make_spec(answers: dict[str, Json]) -> Spec:
    """Return the spec that `answers` make up; lists, texts, numbers and times as in TOML.

    Raises:
        UsageError: an answer is missing or does not fit; names each, and says what is asked.
    """
    return fitted(Spec, answers, Asked(_questions(), _names(), PAGE))


def read_spec(path: Path | str) -> Spec:
    """Return the spec written in a TOML file.

    Raises:
        NotFound: no such file.
        LimitExceeded: larger than `MAX_SPEC_BYTES`, or nested too deep.
        UsageError: not TOML, or an answer is missing or does not fit.
    """
    return make_spec(answers_in(Path(path)))


def with_parameters(spec: Spec, parameters: Mapping[str, Json]) -> Spec:
    """Return `spec` with more to keep in the lineage; what the author states goes before."""
    kept = {**parameters, **spec.origin.parameters}
    origin = spec.origin.model_copy(update={"parameters": kept})
    return spec.model_copy(update={"origin": origin})


def _questions() -> Questions:
    """Return what is asked at each place of a spec that has a question of its own."""
    asked: dict[tuple[int | str, ...], str] = {}
    for name, field in Spec.model_fields.items():
        asked[name,] = field.description or ""
    for place, model in (("origin", Origin), ("network", NetworkAnswers)):
        for name, field in model.model_fields.items():
            asked[place, name] = field.description or ""
    for name, field in LikenessAnswers.model_fields.items():
        asked["image", "likeness", name] = field.description or ""
    return asked


def _names() -> list[str]:
    """Return every name that a spec may hold, at any depth."""
    models = (
        *(Spec, Origin, ComparisonOptions, GoldenOptions, DataSet, Evaluation, Metric),
        *(NumberField, CategoryField, UnitConversion, BinaryOutput, MulticlassOutput),
        *(NumberOutput, OutputClass, Threshold, PlattCalibration, IsotonicCalibration),
        *(ImageAnswers, LikenessAnswers, Intensity, SideRange, NetworkAnswers),
        *(ContributionAnswers, OcclusionAnswers),
    )
    return sorted({name for model in models for name in model.model_fields})
