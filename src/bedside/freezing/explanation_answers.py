"""What a spec says of how answers are explained; whatever is left out is found while freezing."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from bedside.package.explanation import MAX_PASSES, MAX_SEED, Clip, Reference, Scale
from bedside.package.fields import Frozen


class ContributionAnswers(Frozen):
    """How the contributions of fields are computed.

    Attributes:
        scale: `logit` or `probability` of a class, or the `value` of a number; left out, logit
            or value, and probability where a model that is not linear is often all but certain.
        reference: The row that others are compared with, in the fields' own units; left out, the
            median of each number and the most frequent code.
        error: Largest standard error of a contribution that is aimed at, as a share of the
            standard deviation of the answers.
        passes: Rows that the network may compute for one explanation where fields do not add up;
            more where so few cannot be sampled.
        seed: Decides the sampled orders of fields.
    """

    kind: Literal["contributions"] = "contributions"
    scale: Scale | None = None
    reference: Reference | None = None
    error: Annotated[float, Field(gt=0, lt=1)] = 0.05
    passes: Annotated[int, Field(ge=2, le=MAX_PASSES)] = 5_000
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 0


class OcclusionAnswers(Frozen):
    """How a heat map is computed.

    Attributes:
        patch: Side of the square that covers; left out, a seventh of the shorter side.
        stride: From one place of the patch to the next; left out, half a patch.
        fill: What covers: a value from 0 (dark) to 1 (bright), or the picture's own mean.
        scale: `logit` or `probability` of a class, or the `value` of a number.
        clip: A probability stays this far from 0 and 1 before its logit is taken.
    """

    kind: Literal["occlusion"] = "occlusion"
    patch: Annotated[int | None, Field(ge=1, le=4096)] = None
    stride: Annotated[int | None, Field(ge=1, le=4096)] = None
    fill: Annotated[float, Field(ge=0, le=1)] | Literal["mean"] = "mean"
    scale: Scale | None = None
    clip: Clip = 1e-6


ExplanationAnswers: TypeAlias = Annotated[
    OcclusionAnswers | ContributionAnswers, Field(discriminator="kind")
]
