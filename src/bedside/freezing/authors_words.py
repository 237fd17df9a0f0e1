"""What the author of any model must say: its words, and where it comes from."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from bedside.clock import read_timestamp, timestamp
from bedside.errors import UsageError
from bedside.package.fields import Frozen, Text
from bedside.package.manifest import DataSet, Languages, ModelName, Timestamp, Version
from bedside.package.networks import Digest, Line


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


class AuthorsWords(Frozen):
    """What a spec says in words, whatever its model reads; in every declared language."""

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

    @model_validator(mode="after")
    def _speaks_its_languages(self) -> Self:
        for name in ("title", "intended_use", "not_for"):
            if absent := set(self.languages) - set(getattr(self, name)):
                raise ValueError(f"{name} lacks the declared language(s) {sorted(absent)}")
        return self
