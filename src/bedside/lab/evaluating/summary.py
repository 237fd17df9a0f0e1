"""Means over cases with intervals: for each reference, over all of them and for each subgroup."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bedside.lab.evaluating.evaluating import CaseResult, Compared
from bedside.lab.evaluating.masks import MEASURES, TITLES
from bedside.lab.intervals import CONFIDENCE, RESAMPLES, bootstrap_groups
from bedside.package.manifest import Metric

LARGER_IS_WORSE: Final = ("hausdorff_95", "surface_mean", "volume_error")
SUMMED: Final = tuple(name for name in MEASURES if name not in ("volume_ml", "reference_ml"))
"""The measures of which a mean says something."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One measure over the cases of a subgroup, against one kind of reference.

    Attributes:
        reference: The role, or the ref of another package.
        subgroup: Such as `contrast T1`; empty for all cases.
        measure: Its name in `MaskScores`.
        mean: Over the cases that have it.
        lower: Of its interval; the mean itself where there is one patient, who shows no spread.
        upper: Of its interval.
        worst: The worst value; of a volume error, the one farthest from 0.
        worst_case: Whose.
        cases: How many have it.
        patients: Of how many patients.
        missing: Cases that have none, such as distances of an empty mask.
    """

    reference: str
    subgroup: str
    measure: str
    mean: float
    lower: float
    upper: float
    worst: float
    worst_case: str
    cases: int
    patients: int
    missing: int

    @property
    def has_interval(self) -> bool:
        """Whether there are patients enough for an interval: two."""
        return self.patients > 1

    def metric(self, seed: int) -> Metric:
        """Return it as a package states it."""
        how = f"percentile bootstrap of patients, {RESAMPLES} resamples, seed {seed}"
        return Metric(
            name=f"{TITLES[self.measure]}, {self.reference}",
            value=self.mean,
            lower=min(self.lower, self.mean),
            upper=max(self.upper, self.mean),
            confidence=CONFIDENCE,
            method=f"mean; {how if self.has_interval else 'one patient, so no interval'}",
            subgroup=self.subgroup or None,
            n=self.cases,
        )


def summaries(results: Sequence[CaseResult], seed: int = 0) -> tuple[Summary, ...]:
    """Return every mean: by reference, then subgroup, then measure, in the order of the tables."""
    found = []
    for reference in _references(results):
        for name, members in _subgroups(results):
            pairs = [
                (result, one)
                for result in members
                for one in result.compared
                if one.reference == reference
            ]
            found += [
                made
                for measure in SUMMED
                if (made := _summary((reference, name, measure), pairs, seed))
            ]
    return tuple(found)


def worst_first(results: Sequence[CaseResult]) -> list[CaseResult]:
    """Return the cases by their smallest Dice, the refused ones first."""
    return sorted(
        results,
        key=lambda result: (
            min((one.scores.dice for one in result.compared), default=-math.inf),
            result.case,
        ),
    )


def _references(results: Sequence[CaseResult]) -> list[str]:
    return sorted({one.reference for result in results for one in result.compared})


def _subgroups(results: Sequence[CaseResult]) -> Iterator[tuple[str, list[CaseResult]]]:
    yield "", list(results)
    contrasts = sorted({result.contrast for result in results if result.contrast})
    if len(contrasts) > 1:
        for contrast in contrasts:
            yield f"contrast {contrast}", [one for one in results if one.contrast == contrast]
    for fact in sorted({name for result in results for name in result.facts}):
        values = sorted({result.facts[fact] for result in results if fact in result.facts})
        if len(values) > 1:
            for value in values:
                members = [one for one in results if one.facts.get(fact) == value]
                yield f"{fact} {value}", members


def _summary(
    about: tuple[str, str, str], pairs: Sequence[tuple[CaseResult, Compared]], seed: int
) -> Summary | None:
    reference, subgroup, measure = about
    known = [
        (result, float(value))
        for result, one in pairs
        if (value := getattr(one.scores, measure)) is not None
    ]
    if not known:
        return None
    values = np.array([value for _, value in known])
    patients = [result.patient for result, _ in known]
    lower, upper = bootstrap_groups(values, patients, seed)
    badness = np.abs(values) if measure in LARGER_IS_WORSE else -values
    worst = int(badness.argmax())
    return Summary(
        reference=reference,
        subgroup=subgroup,
        measure=measure,
        mean=float(values.mean()),
        lower=lower,
        upper=upper,
        worst=float(values[worst]),
        worst_case=known[worst][0].case,
        cases=len(known),
        patients=len(set(patients)),
        missing=len(pairs) - len(known),
    )
