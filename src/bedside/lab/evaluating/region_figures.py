"""The figures of regions over all scans: by size, with intervals, and as a package states them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from bedside.lab.evaluating.evaluating import CaseResult
from bedside.lab.evaluating.regions import RegionScores
from bedside.lab.intervals import CONFIDENCE, RESAMPLES, Interval, bootstrap_groups, wilson
from bedside.package.manifest import Metric

SIZES: Final = (0.0, 0.01, 0.03, 0.1, 1.0, float("inf"))
"""Between two neighbours lies a class of sizes, mL."""

LARGE: Final = 0.1
"""mL; a region of this size is a ball of 5.8 mm."""


@dataclass(frozen=True, slots=True)
class SizeClass:
    """The regions of a range of sizes, over all scans.

    Attributes:
        least_ml: Included.
        below_ml: Excluded; infinite in the last class.
        regions: How many there are.
        found: How many of them were found.
    """

    least_ml: float
    below_ml: float
    regions: int
    found: int

    @property
    def interval(self) -> Interval:
        """Wilson's, of the share that was found, as if regions were independent."""
        return wilson(self.found, self.regions) if self.regions else (0.0, 1.0)


def by_size(scans: Sequence[RegionScores], sizes: Sequence[float] = SIZES) -> tuple[SizeClass, ...]:
    """Return how many regions of each class were found; regions below the least that counts are in none."""
    found = np.array([one for scan in scans for one in scan.found_ml])
    missed = np.array([one for scan in scans for one in scan.missed_ml])
    classes = []
    for low, high in pairwise(sizes):
        hits, misses = (int(((one >= low) & (one < high)).sum()) for one in (found, missed))
        classes.append(SizeClass(low, high, hits + misses, hits))
    return tuple(classes)


def region_metrics(results: Sequence[CaseResult], seed: int = 0) -> tuple[Metric, ...]:
    """Return sensitivity and false regions, for each kind of reference, where they were counted."""
    metrics: list[Metric] = []
    for reference in dict.fromkeys(one.reference for case in results for one in case.compared):
        pairs = [
            (case, scores)
            for case in results
            for one in case.compared
            if one.reference == reference and (scores := one.regions) is not None
        ]
        if pairs:
            scans = [scores for _, scores in pairs]
            least = scans[0].least_ml
            metrics += _sensitivities(scans, reference, sorted({least, max(least, LARGE)}))
            metrics.append(_false(pairs, reference, seed))
    return tuple(metrics)


def _sensitivities(
    scans: Sequence[RegionScores], reference: str, least: Sequence[float]
) -> list[Metric]:
    made = []
    for low in least:
        (one,) = by_size(scans, (low, float("inf")))
        if one.regions:
            lower, upper = one.interval
            made.append(
                Metric(
                    name=f"sensitivity for regions from {low:g} mL, {reference}",
                    value=one.found / one.regions,
                    lower=lower,
                    upper=upper,
                    confidence=CONFIDENCE,
                    method=f"{one.found} of {one.regions} regions of {len(scans)} scans; Wilson, as if "
                    "regions were independent",
                    n=one.regions,
                )
            )
    return made


def _false(pairs: Sequence[tuple[CaseResult, RegionScores]], reference: str, seed: int) -> Metric:
    counts = np.array([scores.false for _, scores in pairs], dtype=np.float64)
    patients = [case.patient for case, _ in pairs]
    mean = float(counts.mean())
    lower, upper = bootstrap_groups(counts, patients, seed)
    how = f"percentile bootstrap of patients, {RESAMPLES} resamples, seed {seed}"
    alone = len(set(patients)) < 2
    return Metric(
        name=f"false regions a scan, {reference}",
        value=mean,
        lower=min(lower, mean),
        upper=max(upper, mean),
        confidence=CONFIDENCE,
        method=f"mean; {'one patient, so no interval' if alone else how}",
        n=len(counts),
    )
