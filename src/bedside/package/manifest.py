"""The manifest: everything that decides a frozen model's answer, and where it came from.

A tree of frozen values. Reading one checks all of it; a name that is not declared here is
refused. `docs/spec/package.md` is the full text.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from bedside.canonical import canonical_bytes, read_json
from bedside.clock import read_timestamp, timestamp
from bedside.errors import LimitExceeded, PackageDamaged, UsageError
from bedside.package.antspynet import AntspynetModel
from bedside.package.explanation import Explanation
from bedside.package.fields import Frozen, Language, TabularInput, Text, absent
from bedside.package.images import ImageInput
from bedside.package.networks import Digest, EntryName, ImageModel, Line, Model
from bedside.package.outputs import BinaryOutput, MulticlassOutput, NumberOutput, Output
from bedside.package.preprocessing import AnyOperation
from bedside.package.reading import read_canonical
from bedside.package.segmentation import SegmentationOutput
from bedside.package.volume_models import VolumeModel
from bedside.package.volumes import VolumeInput

FORMAT_VERSION = 1
MAX_MANIFEST_BYTES = 8 * 2**20
"""A manifest of 4,096 fields with descriptions in two languages stays below this."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = r"(?:0|[1-9][0-9]{0,8})"
_IDENTIFIER = r"(?:0|[1-9][0-9]{0,39}|(?=[0-9A-Za-z-]{1,40}(?:\.|\Z))[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_IDENTIFIER}(?:\.{_IDENTIFIER}){{0,5}})?"
)


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name[:80]!r} must be lower-case letters, digits and -, such as 'my-model'"
        )
    return name


def _checked_version(version: str) -> str:
    if not _VERSION.fullmatch(version):
        raise ValueError(f"{version[:80]!r} must be like 1.0.0 or 1.0.0-rc.1 (semver.org)")
    return version


def _checked_time(text: str) -> str:
    try:
        written = timestamp(read_timestamp(text))
    except (UsageError, OverflowError) as problem:  # the first hours of year 1, in another zone
        raise ValueError(f"{text[:80]!r} is not a time") from problem
    if written != text:
        raise ValueError(f"{text[:80]!r} must be written {written}")
    return text


def _different_languages(languages: tuple[Language, ...]) -> tuple[Language, ...]:
    if len(set(languages)) != len(languages):
        raise ValueError(f"a language stands twice in {list(languages)}")
    return languages


ModelName: TypeAlias = Annotated[str, AfterValidator(_checked_name)]
Version: TypeAlias = Annotated[str, AfterValidator(_checked_version)]
"""A semantic version without build metadata. Source: semver.org 2.0.0."""
Timestamp: TypeAlias = Annotated[str, AfterValidator(_checked_time)]
"""A moment that exists, in UTC with microseconds, in the one spelling of `clock.timestamp`."""
Languages: TypeAlias = Annotated[
    tuple[Language, ...], Field(min_length=1), AfterValidator(_different_languages)
]


class Entry(Frozen):
    """Size in bytes and digest of one entry of the archive."""

    size: Annotated[int, Field(ge=0)]
    digest: Digest


def _kind_of_model(value: object) -> str:
    def has(name: str) -> bool:
        return name in value if isinstance(value, dict) else hasattr(value, name)

    kinds = (("engine", "library"), ("inference", "volume"), ("shape", "image"))
    return next((kind for name, kind in kinds if has(name)), "tabular")


AnyModel: TypeAlias = Annotated[
    Annotated[Model, Tag("tabular")]
    | Annotated[ImageModel, Tag("image")]
    | Annotated[VolumeModel, Tag("volume")]
    | Annotated[AntspynetModel, Tag("library")],
    Discriminator(_kind_of_model),
]

AnyOutput: TypeAlias = Annotated[
    BinaryOutput | MulticlassOutput | NumberOutput | SegmentationOutput,
    Field(discriminator="kind"),
]


class Conditions(Frozen):
    """Under what the package was verified, and what a runtime must keep to."""

    runtime: Line
    """Accepted versions of ONNX Runtime, as a version specifier (PEP 440)."""
    verified_with: dict[str, Line]
    """The libraries, with versions, that gave the golden answers."""
    graph_optimisation: Literal["disabled", "basic", "extended", "all"]
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    processor: Line
    """Architecture, x86_64 or aarch64; other spellings of these two mean the same."""


class DataSet(Frozen):
    """Data that a number in this package rests on."""

    name: Line
    digest: Digest
    rows: Annotated[int, Field(ge=1)]
    licence: Line
    consent_basis: Line
    origin: Line


class Difference(Frozen):
    """Native model against frozen model, on the comparison data."""

    rows: Annotated[int, Field(ge=1)]
    largest: Annotated[float, Field(ge=0)]
    tolerance: Annotated[float, Field(gt=0)]
    labels_that_differ: Literal[0] = 0

    @model_validator(mode="after")
    def _is_within_its_tolerance(self) -> Self:
        if self.largest > self.tolerance:
            raise ValueError(
                f"the largest difference {self.largest} is above the tolerance {self.tolerance}"
            )
        return self


class Lineage(Frozen):
    """Who made the model, when, from what, and how; and what freezing changed."""

    trained_by: Line
    trained_at: Timestamp
    frozen_at: Timestamp
    frozen_with: Line
    """Name and version of the software that froze it."""
    code: Line
    """Commit or other exact name of the training code."""
    algorithm: Line
    """The native estimator, such as `sklearn.linear_model.LogisticRegression`."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    seed: int | None = None
    data: Annotated[tuple[DataSet, ...], Field(min_length=1)]
    split: Line
    environment: dict[str, Line] = Field(default_factory=dict)
    run_record: Digest | None = None
    parent: Digest | None = None
    """Digest of the manifest of the package that this one replaces."""
    difference: Difference
    golden_from_real_rows: bool = False


class Metric(Frozen):
    """An estimate with its confidence interval and the method of both."""

    name: Line
    value: float
    lower: float
    upper: float
    confidence: Annotated[float, Field(gt=0, lt=1)]
    method: Line
    subgroup: Line | None = None
    n: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _interval_holds_the_value(self) -> Self:
        if not self.lower <= self.value <= self.upper:
            raise ValueError(
                f"metric {self.name!r}: the value {self.value} is not within its interval from "
                f"{self.lower} to {self.upper}"
            )
        return self


class Evaluation(Frozen):
    """How good it is, on what."""

    data: DataSet
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1)]
    notes: Text = Field(default_factory=dict)


class Golden(Frozen):
    """Where the golden cases lie, and how near a replayed score must come to the recorded one."""

    entry: EntryName
    cases: Annotated[int, Field(ge=1, le=10_000)]
    tolerance: Annotated[float, Field(gt=0, le=0.01)]
    least_dice: Annotated[float | None, Field(ge=0.5, le=1, exclude_if=absent)] = None
    """Smallest overlap of each class with the recorded labels; only, and always, of segmentations."""


class Manifest(Frozen):
    """All of `manifest.json`."""

    format_version: Literal[1]
    name: ModelName
    version: Version
    title: Annotated[Text, Field(min_length=1)]
    licence: Line
    intended_use: Annotated[Text, Field(min_length=1)]
    not_for: Annotated[Text, Field(min_length=1)]
    claim_level: Literal["demonstration", "research", "investigational", "cleared"]
    languages: Languages
    input: Annotated[TabularInput | ImageInput | VolumeInput, Field(discriminator="kind")]
    preprocessing: tuple[AnyOperation, ...]
    model: AnyModel
    postprocessing: AnyOutput
    explanation: Annotated[Explanation | None, Field(exclude_if=absent)] = None
    """How an answer is explained; came after the first packages, so it is left out when absent."""
    conditions: Conditions
    lineage: Lineage
    evaluation: Evaluation
    golden: Golden
    entries: Annotated[dict[EntryName, Entry], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_its_entries(self) -> Self:
        entries = [self.golden.entry]
        if not isinstance(self.model, AntspynetModel):
            entries.append(self.model.entry)
        for name in entries:
            if name not in self.entries:
                raise ValueError(f"the entry {name!r} is named but not listed in `entries`")
        for texts in (self.title, self.intended_use, self.not_for):
            if missing := set(self.languages) - set(texts):
                raise ValueError(f"a text lacks the declared language(s) {sorted(missing)}")
        return self

    @property
    def ref(self) -> str:
        """`name@version`, the way people and the registry say it."""
        return f"{self.name}@{self.version}"

    @property
    def row_output(self) -> Output:
        """The output of a model that answers rows.

        Raises:
            UsageError: this model labels the voxels of a volume.
        """
        if isinstance(self.postprocessing, SegmentationOutput):
            raise self.no_rows()
        return self.postprocessing

    @property
    def row_input(self) -> TabularInput | ImageInput:
        """The input of a model that answers rows.

        Raises:
            UsageError: this model takes volumes.
        """
        if isinstance(self.input, VolumeInput):
            raise self.no_rows()
        return self.input

    def no_rows(self) -> UsageError:
        """Return what is told whoever asks a model of volumes for a prediction."""
        return UsageError(
            f"{self.ref} analyses volumes; it answers no rows.",
            advice=f"Use `bedside analyse`, or POST /v1/models/{self.name}/analyses.",
        )


def write_manifest(manifest: Manifest) -> bytes:
    """Return the canonical bytes of `manifest` (RFC 8785); absent optional values are `null`."""
    return canonical_bytes(manifest.model_dump(mode="json"))


def read_manifest(data: bytes) -> Manifest:
    """Parse and check a manifest.

    Raises:
        PackageDamaged: not canonical JSON, or not a manifest; names the first faults.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        raise PackageDamaged(f"The manifest has {len(data)} bytes; at most {MAX_MANIFEST_BYTES}.")
    try:
        value = read_json(data)
    except (UsageError, LimitExceeded) as problem:
        raise PackageDamaged(f"The manifest cannot be read: {problem.message}") from problem
    version = value.get("format_version") if isinstance(value, dict) else None
    if version != FORMAT_VERSION:
        raise PackageDamaged(
            f"Format version {str(version)[:40]!r} is not known; this Bedside reads {FORMAT_VERSION}.",
            advice="Update Bedside, or freeze the model again.",
        )
    return read_canonical(Manifest, data, "The manifest")
