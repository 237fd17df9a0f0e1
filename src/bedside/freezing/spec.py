"""What only the author knows, and a package must say: `Spec`, in Python or as a TOML file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, ValidationError, field_validator, model_validator

from bedside.canonical import Json, canonical_bytes
from bedside.clock import read_timestamp, timestamp
from bedside.errors import LimitExceeded, NotFound, PackageDamaged, UsageError
from bedside.freezing.draft.unanswered import refuse_unanswered
from bedside.freezing.explanation_answers import (
    ContributionAnswers,
    ExplanationAnswers,
    OcclusionAnswers,
)
from bedside.freezing.image_answers import ImageAnswers, LikenessAnswers
from bedside.freezing.network_answers import NetworkAnswers, misfit
from bedside.freezing.questions import Questions, told
from bedside.freezing.strangers.toml import read_toml
from bedside.package.fields import (
    CategoryField,
    Frozen,
    InputField,
    NumberField,
    Text,
    UnitConversion,
)
from bedside.package.images import Intensity, SideRange
from bedside.package.manifest import (
    DataSet,
    Evaluation,
    Languages,
    Metric,
    ModelName,
    Timestamp,
    Version,
)
from bedside.package.networks import Digest, Line
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

MAX_SPEC_BYTES = 2 * 2**20
"""As large as the manifest that a spec turns into may be."""

NativeClass: TypeAlias = str | int | bool


class Origin(Frozen):
    """Who trained the model, when, with which code, on which data."""

    trained_by: Line = Field(description="the person or team that trained the model")
    trained_at: Timestamp = Field(description="when, like 2026-11-21T08:00:00Z")
    code: Line = Field(description="commit or other exact name of the training code")
    data: tuple[DataSet, ...] = Field(
        min_length=1,
        description="the training data: name, digest, rows, licence, consent_basis, origin",
    )
    split: Line = Field(description="how the data was split into training, validation and test")
    seed: int | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Training parameters beside those of the estimator, which are recorded by themselves."""
    run_record: Digest | None = None
    parent: Digest | None = None

    @field_validator("trained_at", mode="before")
    @classmethod
    def _with_microseconds(cls, value: object) -> object:
        try:
            return timestamp(read_timestamp(value)) if isinstance(value, str) else value
        except UsageError as problem:
            raise ValueError(str(problem)) from problem


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


class Spec(Frozen):
    """Everything that the author must state; the rest is read from the fitted model.

    `native_classes[i]` is the model's own name (`classes_[i]`) of `output.classes[i]`. It may be
    left out where both are the same text.
    """

    name: ModelName = Field(description="the model's name, such as breast-cancer")
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
    def _speaks_its_languages(self) -> Self:
        for name in ("title", "intended_use", "not_for"):
            if absent := set(self.languages) - set(getattr(self, name)):
                raise ValueError(f"{name} lacks the declared language(s) {sorted(absent)}")
        if self.native_classes and isinstance(self.output, NumberOutput):
            raise ValueError("native_classes are for classifiers; this output is a number")
        return self


def make_spec(answers: dict[str, Json]) -> Spec:
    """Return the spec that `answers` make up; lists, texts, numbers and times as in TOML.

    Raises:
        UsageError: an answer is missing or does not fit; names each, and says what is asked.
    """
    refuse_unanswered(answers)
    plain = plain_answers(answers)
    try:
        return Spec.model_validate_json(canonical_bytes(plain))
    except ValidationError as problem:
        raise UsageError(
            told(problem, plain, _questions(), _names()),
            advice="docs/how-to/freeze-scikit-learn.md has a spec with every answer.",
        ) from problem


def read_spec(path: Path | str) -> Spec:
    """Return the spec written in a TOML file.

    Raises:
        NotFound: no such file.
        LimitExceeded: larger than `MAX_SPEC_BYTES`, or nested too deep.
        UsageError: not TOML, or an answer is missing or does not fit.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFound(
            f"There is no spec at {str(path)!r}.", advice="Give the path of a TOML file."
        )
    if path.stat().st_size > MAX_SPEC_BYTES:
        raise LimitExceeded(f"The spec {path.name} is larger than {MAX_SPEC_BYTES} bytes.")
    return make_spec(read_toml(path.read_bytes(), path.name))


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


def plain_answers(value: Json, place: str = "") -> Json:
    """Return answers of a TOML file as JSON: times as text, everything else as it is.

    Raises:
        UsageError: names the place of a value that a spec cannot hold.
    """
    match value:
        case dict():
            dot = "." if place else ""
            return {str(k): plain_answers(inner, f"{place}{dot}{k}") for k, inner in value.items()}
        case list() | tuple():
            return [plain_answers(inner, f"{place}[{i}]") for i, inner in enumerate(value)]
        case datetime():
            if value.tzinfo is None:
                raise UsageError(
                    f"{place}: the time {value.isoformat()} has no zone.",
                    advice="Add Z or an offset like +09:00.",
                )
            return timestamp(value)
        case date() | time():
            missing = "time" if isinstance(value, date) else "date"
            raise UsageError(
                f"{place}: {value} has no {missing}.",
                advice="Write it like 2026-11-21T08:00:00Z.",
            )
        case float() if not math.isfinite(value):
            raise UsageError(f"{place} is {value}.", advice="Give a finite number.")
        case None | str() | bool() | int() | float():
            return value
    raise UsageError(
        f"{place or 'The spec'} is a {type(value).__name__}.",
        advice="Give text, a number, true or false, a list or a table.",
    )
