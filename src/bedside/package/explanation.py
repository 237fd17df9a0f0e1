"""How an answer is explained: declared in the manifest, so that everybody gets the same why.

`runtime.explain` computes what is declared here; `docs/spec/package.md`, section 12, defines it.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from bedside.errors import PackageDamaged
from bedside.package.fields import CategoryField, Frozen, InputField, NumberField, TabularInput
from bedside.package.images import ImageInput
from bedside.package.outputs import NumberOutput, Output

MAX_PASSES: Final = 32_768
"""Inputs that the network may compute for one explanation; bounds its time."""

FEWEST_PERMUTATIONS: Final = 4
"""Two antithetic pairs: with fewer, no standard error could be told."""

MAX_SEED: Final = 2**53 - 1
"""The largest whole number that canonical JSON keeps."""

Scale: TypeAlias = Literal["logit", "probability", "value"]
Clip: TypeAlias = Annotated[float, Field(ge=1e-12, le=0.1)]
Reference: TypeAlias = dict[
    Annotated[str, Field(min_length=1, max_length=200)],
    int | float | Annotated[str, Field(max_length=200)] | None,
]
"""Field name to number in the field's own unit, code, or null where the value is missing."""


class Contributions(Frozen):
    """What each field adds to the answer against a reference row: Shapley values of the fields.

    Source: Lundberg and Lee 2017 (one reference row, fields set to its values); Štrumbelj and
    Kononenko 2014 (sampled); Mitchell et al. 2022 (antithetic permutations).

    Attributes:
        method: `linear` where the fields add up on `scale`; else `sampled-shapley`.
        scale: `logit` or `probability` of the class that is explained, or the `value`.
        reference: One whole row of the declared domain.
        permutations: Orders of the fields that are sampled, in antithetic pairs; 0 where
            `linear` never needs them.
        seed: Decides the orders.
        clip: A probability stays this far from 0 and 1 before its logit is taken.
        passes: Rows that the network computes for one explanation, at most.
    """

    kind: Literal["contributions"] = "contributions"
    version: Literal[1] = 1
    method: Literal["linear", "sampled-shapley"]
    scale: Scale
    reference: Annotated[Reference, Field(min_length=1)]
    permutations: Annotated[int, Field(ge=0)] = 0
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 0
    clip: Clip = 1e-9
    passes: Annotated[int, Field(ge=1, le=MAX_PASSES)]

    @model_validator(mode="after")
    def _declares_its_cost(self) -> Self:
        if self.method == "linear" and self.scale != "logit":
            if self.permutations:
                raise ValueError(f"explanation: linear on {self.scale} takes 0 permutations")
        elif self.permutations % 2 or self.permutations < FEWEST_PERMUTATIONS:
            raise ValueError(
                f"explanation: {self.permutations} permutations; they must be an even number from "
                f"{FEWEST_PERMUTATIONS}"
            )
        cost = contribution_passes(self.method, len(self.reference), self.permutations)
        if self.passes != cost:
            raise ValueError(f"explanation: it declares {self.passes} passes, and takes {cost}")
        return self


class Occlusion(Frozen):
    """How much the answer falls where a patch of the network's input is covered.

    Source: Zeiler and Fergus 2014, section 4.2.

    Attributes:
        patch: Side of the square that covers, in values of the network's input.
        stride: From one place of the patch to the next.
        fill: What covers: a value from 0 (dark) to 1 (bright), or the picture's own mean.
        scale: `logit` or `probability` of the class that is explained, or the `value`.
        clip: A probability stays this far from 0 and 1 before its logit is taken.
        passes: Pictures that the network computes for one explanation.
    """

    kind: Literal["occlusion"] = "occlusion"
    version: Literal[1] = 1
    patch: Annotated[int, Field(ge=1, le=4096)]
    stride: Annotated[int, Field(ge=1, le=4096)]
    fill: Annotated[float, Field(ge=0, le=1)] | Literal["mean"] = "mean"
    scale: Scale
    clip: Clip = 1e-6
    passes: Annotated[int, Field(ge=2, le=MAX_PASSES)]

    @model_validator(mode="after")
    def _covers_everything(self) -> Self:
        if self.stride > self.patch:
            raise ValueError(
                f"explanation: with stride {self.stride} and patch {self.patch}, parts of the "
                "picture are never covered"
            )
        return self


Explanation: TypeAlias = Annotated[Occlusion | Contributions, Field(discriminator="kind")]


def contribution_passes(method: str, fields: int, permutations: int) -> int:
    """Return how many rows the network computes at most to explain one row of `fields` fields."""
    sampled = 2 + permutations * (fields - 1)
    return sampled + fields if method == "linear" else sampled


def places(side: int, patch: int, stride: int) -> tuple[int, ...]:
    """Return where a patch begins along one side of `side` values: every `stride`, and at the end.

    A patch longer than the side begins at 0 and covers all of it.
    """
    last = max(side - patch, 0)
    return (*range(0, last, stride), last)


def occlusion_passes(patch: int, stride: int, rows: int, columns: int) -> int:
    """Return how many pictures the network computes: one for each place, and the whole one."""
    return 1 + len(places(rows, patch, stride)) * len(places(columns, patch, stride))


def check_explanation(
    explanation: Occlusion | Contributions, declared: TabularInput | ImageInput, output: Output
) -> None:
    """Check that the explanation is one of the declared input and of the output.

    Raises:
        PackageDamaged: it is not; says why.
    """
    wanted = "contributions" if isinstance(declared, TabularInput) else "occlusion"
    if explanation.kind != wanted:
        raise PackageDamaged(
            f"The input is {declared.kind}, and the explanation is {explanation.kind!r}."
        )
    if (explanation.scale == "value") is not isinstance(output, NumberOutput):
        raise PackageDamaged(
            f"The output is {output.kind}, and the explanation is on the scale "
            f"{explanation.scale!r}."
        )
    if isinstance(explanation, Contributions) and isinstance(declared, TabularInput):
        _check_reference(explanation.reference, declared.fields)


def check_passes(explanation: Occlusion, rows: int, columns: int) -> None:
    """Check the declared cost against the network's input of `rows` × `columns`.

    Raises:
        PackageDamaged: it takes another number of passes.
    """
    cost = occlusion_passes(explanation.patch, explanation.stride, rows, columns)
    if explanation.passes != cost:
        raise PackageDamaged(
            f"The explanation declares {explanation.passes} passes; a patch of "
            f"{explanation.patch} every {explanation.stride} takes {cost} on {rows} × {columns}."
        )


def _check_reference(reference: Reference, fields: tuple[InputField, ...]) -> None:
    names = {field.name for field in fields}
    if strangers := sorted(reference.keys() ^ names):
        raise PackageDamaged(
            f"The reference row names other fields than the input declares: {strangers[:5]}."
        )
    for field in fields:
        value = reference[field.name]
        if not (field.missing == "allow" if value is None else _is_of(value, field)):
            raise PackageDamaged(
                f"The reference row has {value!r} for {field.name!r}, which is outside the domain."
            )


def _is_of(value: float | str, field: NumberField | CategoryField) -> bool:
    if isinstance(field, CategoryField):
        return value in field.categories
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return field.minimum <= value <= field.maximum and (
        not field.whole or float(value).is_integer()
    )
