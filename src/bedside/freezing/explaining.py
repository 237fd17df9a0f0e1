"""How a frozen model's answers will be explained: chosen from its own answers, and declared.

Whether the fields of a table add up is not read off an estimator's name: it is tried out on the
frozen model, on the author's rows and all over the declared domain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from bedside.canonical import Json
from bedside.errors import PackageDamaged, UsageError
from bedside.freezing.domain import evenly, random_row, unknown_code
from bedside.freezing.explanation_answers import ContributionAnswers, OcclusionAnswers
from bedside.freezing.reference import reference_row
from bedside.freezing.rows import RawRow
from bedside.package.explanation import (
    FEWEST_PERMUTATIONS,
    MAX_PASSES,
    Contributions,
    Occlusion,
    Scale,
    check_explanation,
    contribution_passes,
    occlusion_passes,
)
from bedside.package.fields import CategoryField, InputField, TabularInput
from bedside.package.outputs import NumberOutput, Output
from bedside.runtime.explain.contributions import adds_up, contributions
from bedside.runtime.explained import FieldsExplained
from bedside.runtime.postprocess import Answer

LINEAR_CLIPS = (1e-9, 1e-3)
"""How near to 0 and 1 a linear model's probabilities tell their logit: in double, in single precision."""

SAMPLED_CLIP = 1e-4
"""Nearer to 0 and 1, nobody reads a difference, and a vote of trees jumps from one logit to infinity."""

OFTEN_CERTAIN = 0.01
"""Share of the author's rows beyond `SAMPLED_CLIP` from which probabilities are compared instead."""

ROWS_TRIED = 100
"""Of the author's rows, and as many random ones, on which fields must add up."""

MOST_TRIED = 200_000
FEWEST_TRIED = 20
"""Answers that are asked for to find out whether fields add up; rows that are tried all the same."""

ODD_SHARE = 0.2
"""How often a drawn row lacks a field that may be missing, or has a code that is not declared."""

LINEAR_PASSES = 1_000
"""What a linear explanation may cost for the rare row whose probability is beyond its clip."""

ROWS_MEASURED = 20
PILOT = 32
"""Of the author's rows and of permutations, from which the standard error is estimated."""

MOST_PATCHES = 400
"""Places of a patch where the author states none; a 224² network takes seconds for so many."""

Answering: TypeAlias = Callable[[Sequence[Json]], Sequence[Answer]]


def choose_contributions(
    fields: tuple[InputField, ...],
    rows: Sequence[RawRow],
    answer: Answering,
    output: Output,
    wanted: ContributionAnswers | None = None,
) -> Contributions:
    """Return how the answers about a table are explained.

    Args:
        fields: The declared fields.
        rows: All of the author's rows, in the fields' own units; None where a value is missing.
        answer: The frozen model's answers.
        output: What its scores mean.
        wanted: What the author states; the rest is found here.

    Raises:
        UsageError: what the author states does not fit the fields or the output.
        FreezeRefused: no reference row can be found that is nobody's.
    """
    wanted = wanted or ContributionAnswers()
    reference = wanted.reference or reference_row(fields, rows)
    number = isinstance(output, NumberOutput)
    trial = _Trial(fields, rows, answer, output, reference, wanted)
    scale = wanted.scale or ("value" if number else "logit")
    for clip in LINEAR_CLIPS if scale == "logit" else LINEAR_CLIPS[:1]:
        linear = trial.linear(scale, clip)
        if trial.adds_up(linear):
            return linear
    if scale == "logit" and wanted.scale is None and trial.often_certain():
        scale = "probability"
    return trial.sampled(scale)


def choose_occlusion(
    shape: tuple[int, int, int], output: Output, wanted: OcclusionAnswers | None = None
) -> Occlusion:
    """Return how the answers about a picture are explained.

    Args:
        shape: Channels, rows and columns of the network's input.
        output: What its scores mean.
        wanted: What the author states; the rest follows from `shape`.

    Raises:
        UsageError: what the author states would take too many passes, or does not fit the output.
    """
    wanted = wanted or OcclusionAnswers()
    _, rows, columns = shape
    patch = wanted.patch or _patch(rows, columns, wanted.stride)
    stride = wanted.stride or max(1, patch // 2)
    passes = occlusion_passes(patch, stride, rows, columns)
    number = isinstance(output, NumberOutput)
    scale = wanted.scale or ("value" if number else "logit")
    if stride > patch or passes > MAX_PASSES or (scale == "value") is not number:
        raise UsageError(
            f"explanation: a patch of {patch} every {stride}, on the scale {scale!r}, takes "
            f"{passes} passes on {rows} × {columns} for an output of kind {output.kind!r}.",
            advice=f"At most {MAX_PASSES} passes, no stride beyond the patch; the scale is `value` "
            "for a number and `logit` or `probability` for classes.",
        )
    return Occlusion(
        patch=patch,
        stride=stride,
        fill=wanted.fill,
        scale=scale,
        clip=wanted.clip,
        passes=passes,
    )


def _patch(rows: int, columns: int, stride: int | None) -> int:
    patch = max(stride or 1, round(min(rows, columns) / 7))
    while occlusion_passes(patch, stride or max(1, patch // 2), rows, columns) > MOST_PATCHES:
        if patch >= max(rows, columns):
            break
        patch *= 2
    return patch


@dataclass(frozen=True, slots=True)
class _Trial:
    """A frozen model, and what is known of the explanation that is looked for."""

    fields: tuple[InputField, ...]
    rows: Sequence[RawRow]
    answer: Answering
    output: Output
    reference: RawRow
    wanted: ContributionAnswers

    def linear(self, scale: Scale, clip: float) -> Contributions:
        """Return the explanation of a model whose fields add up."""
        permutations = 0
        if scale == "logit":
            permutations = self._permutations(LINEAR_PASSES)
        return self._declared("linear", scale, clip, permutations)

    def adds_up(self, linear: Contributions) -> bool:
        """Return whether fields add up on most rows that are tried, and on all that can tell."""
        random = np.random.default_rng(self.wanted.seed)
        drawn = [_anywhere(self.fields, random) for _ in range(ROWS_TRIED)]
        tried = [*evenly(self.rows, ROWS_TRIED), *drawn]
        tried = list(evenly(tried, max(FEWEST_TRIED, MOST_TRIED // (len(self.fields) + 2))))
        told = 0
        for row in tried:
            verdict = adds_up(linear, self.output, row, self.answer)
            if verdict is False:
                return False
            told += verdict is True
        return told * 2 >= len(tried)

    def often_certain(self) -> bool:
        """Return whether many answers are so near to 0 or 1 that a logit would exaggerate them."""
        answers = self.answer(evenly(self.rows, 10 * ROWS_TRIED))
        scores = np.array([max(answer.scores.values()) for answer in answers])
        return bool(np.mean(scores > 1 - SAMPLED_CLIP) > OFTEN_CERTAIN)

    def sampled(self, scale: Scale) -> Contributions:
        """Return the explanation of any model, its standard error as small as is wanted, or paid."""
        most = self._permutations(self.wanted.passes)
        if 2 ** len(self.fields) <= contribution_passes("", len(self.fields), most):
            return self._declared("sampled-shapley", scale, SAMPLED_CLIP, most)
        pilot = self._declared("sampled-shapley", scale, SAMPLED_CLIP, min(most, PILOT))
        told = contributions(pilot, self.output, evenly(self.rows, ROWS_MEASURED), self.answer)
        needed = pilot.permutations * _share(told, self.wanted.error) ** 2
        permutations = _even(min(needed, most))
        return self._declared("sampled-shapley", scale, SAMPLED_CLIP, permutations)

    def _permutations(self, passes: int) -> int:
        """Return how many permutations `passes` pay for; no more than are needed to be exact."""
        others = max(1, len(self.fields) - 1)
        paid = (passes - 2) // others
        if 2 ** len(self.fields) <= passes:
            paid = math.ceil((2 ** len(self.fields) - 2) / others)
        return _even(paid)

    def _declared(self, method: str, scale: Scale, clip: float, permutations: int) -> Contributions:
        explanation = Contributions(
            method="linear" if method == "linear" else "sampled-shapley",
            scale=scale,
            reference=self.reference,
            permutations=permutations,
            seed=self.wanted.seed,
            clip=clip,
            passes=contribution_passes(method, len(self.fields), permutations),
        )
        try:
            check_explanation(explanation, TabularInput(fields=self.fields), self.output)
        except PackageDamaged as problem:
            raise UsageError(
                f"explanation: {problem.message}",
                advice="Name every field of the reference, in its own unit and range; the scale is "
                "`value` for a number and `logit` or `probability` for classes.",
            ) from problem
        return explanation


def _anywhere(fields: tuple[InputField, ...], random: np.random.Generator) -> RawRow:
    """Return a row drawn from all that the domain allows, gaps and unknown codes included."""
    row = random_row(fields, random)
    for field in fields:
        odd = random.random() < ODD_SHARE
        if odd and field.missing == "allow":
            row[field.name] = None
        elif odd and isinstance(field, CategoryField) and field.unknown == "allow":
            row[field.name] = unknown_code(field)
    return row


def _share(told: Sequence[FieldsExplained], wanted: float) -> float:
    """Return the largest standard error as a multiple of what is wanted; 0 where none is."""
    worst = max(max(one.errors.values()) for one in told)
    spread = float(np.std([one.total for one in told]))
    return worst / (wanted * spread) if worst and spread else 0.0


def _even(permutations: float) -> int:
    """Return the next even number, and at least the fewest that may be declared."""
    return max(FEWEST_PERMUTATIONS, 2 * math.ceil(permutations / 2))
