"""How well a mask is likely to fit, told by the package itself: declared, and calibrated once.

`docs/spec/package.md`, section 13.5; `runtime.overlap` computes it.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from bedside.package.fields import Frozen

Doubt: TypeAlias = Literal[
    "expected-error",
    "doubt-within",
    "worst-within",
    "doubt-beyond",
    "filled",
    "ragged",
    "border",
    "blunt",
    "flat",
    "dented",
    "smallness",
    "lopsided",
    "odd",
]
"""What may speak against a mask: 0 where nothing does, and the more the larger it is."""

Digest: TypeAlias = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class OverlapTerm(Frozen):
    """How much one doubt counts: `weight · log(1 + doubt / scale)`.

    Attributes:
        doubt: Which.
        scale: At how much of it the logarithm begins to bend.
        weight: What it takes from the logit of the overlap; never below 0.
    """

    doubt: Doubt
    scale: Annotated[float, Field(gt=0, le=1e6)]
    weight: Annotated[float, Field(ge=0, le=1e3)]


class OverlapCalibration(Frozen):
    """What the numbers rest on.

    Attributes:
        data: Digest of the cases.
        patients: Whose heads they were drawn from.
        cases: How many there were.
        mean_absolute_error: Of the prediction for patients that were left out of the fit.
        rank_correlation: Spearman's, of predicted and true overlap of patients left out.
        method: In words.
    """

    data: Digest
    patients: Annotated[int, Field(ge=2)]
    cases: Annotated[int, Field(ge=30)]
    mean_absolute_error: Annotated[float, Field(ge=0, le=1)]
    rank_correlation: Annotated[float, Field(ge=-1, le=1)]
    method: Annotated[str, Field(min_length=1, max_length=2_000)]


class PredictedOverlap(Frozen):
    """The overlap (Dice) with the whole of what is sought, as the answer itself lets one expect it.

    `1 / (1 + exp(-(intercept - Σ terms)))`; 0 of an empty mask.

    Attributes:
        intercept: The logit where nothing speaks against the mask.
        terms: What is taken from it, each doubt once.
        flag_below: An answer of which less is expected gets the flag `low-predicted-overlap`.
        calibration: What the numbers rest on.
    """

    version: Literal[1] = 1
    intercept: Annotated[float, Field(ge=-100, le=100)]
    terms: Annotated[tuple[OverlapTerm, ...], Field(min_length=1, max_length=16)]
    flag_below: Annotated[float, Field(gt=0, lt=1)]
    calibration: OverlapCalibration

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        named = [one.doubt for one in self.terms]
        if len(set(named)) != len(named):
            raise ValueError(f"a doubt stands twice in {named}")
        return self
