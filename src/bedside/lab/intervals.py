"""Confidence intervals: of a proportion, of an area under a curve, of any mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError

CONFIDENCE = 0.95
RESAMPLES = 2_000
"""Enough that the seed moves a 95 % limit by about a hundredth of the interval's width."""

Interval: TypeAlias = tuple[float, float]


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Return Wilson's score interval of `successes` out of `n`.

    Raises:
        UsageError: `n` is not positive, or `successes` is not within 0 and `n`.

    Source: E. B. Wilson, J Am Stat Assoc 22 (1927) 209; method 3 in R. G. Newcombe,
    Stat Med 17 (1998) 857.
    """
    if n < 1 or not 0 <= successes <= n:
        raise UsageError(f"{successes} of {n} is not a proportion.")
    z = _z(confidence)
    p = successes / n
    middle = p + z * z / (2 * n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    lower = 0.0 if successes == 0 else (middle - half) / scale
    upper = 1.0 if successes == n else (middle + half) / scale
    return lower, upper


def area_under_curve(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Return the chance that a score of a positive exceeds one of a negative; ties count half.

    Source: J. A. Hanley, B. J. McNeil, Radiology 143 (1982) 29.
    """
    ranks = _midranks(np.concatenate([positive, negative]))
    m, n = len(positive), len(negative)
    return float((ranks[:m].sum() - m * (m + 1) / 2) / (m * n))


def delong(
    positive: NDArray[np.float64], negative: NDArray[np.float64], confidence: float = CONFIDENCE
) -> Interval:
    """Return DeLong's interval of the area under the curve, cut to 0 and 1.

    Where the two groups do not overlap at all DeLong's variance is 0, and its interval says
    nothing; Newcombe's is given instead.

    Raises:
        UsageError: fewer than two scores of either kind.

    Source: E. R. DeLong et al., Biometrics 44 (1988) 837, by the midranks of X. Sun, W. Xu,
    IEEE Signal Process Lett 21 (2014) 1389.
    """
    m, n = len(positive), len(negative)
    if m < 2 or n < 2:
        raise UsageError(f"{m} positive and {n} negative scores: at least two of each are needed.")
    area = area_under_curve(positive, negative)
    if area in (0.0, 1.0):
        return newcombe(area, m, n, confidence)
    together = _midranks(np.concatenate([positive, negative]))
    of_positive = (together[:m] - _midranks(positive)) / n
    of_negative = 1 - (together[m:] - _midranks(negative)) / m
    deviation = sqrt(of_positive.var(ddof=1) / m + of_negative.var(ddof=1) / n)
    half = _z(confidence) * deviation
    return max(0.0, area - half), min(1.0, area + half)


def newcombe(area: float, m: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Return a score-type interval of an area from `m` positives and `n` negatives.

    It has a width even where the area is 0 or 1.

    Source: R. G. Newcombe, Stat Med 25 (2006) 559, method 5.
    """
    z = _z(confidence)
    extra = (m + n) / 2 - 1

    def is_inside(theta: float) -> bool:
        spread = 1 + extra * (1 - theta) / (2 - theta) + extra * theta / (1 + theta)
        return abs(area - theta) <= z * sqrt(theta * (1 - theta) * spread / (m * n))

    return _edge(area, 0.0, is_inside), _edge(area, 1.0, is_inside)


def _edge(inside: float, end: float, is_inside: Callable[[float], bool]) -> float:
    if inside == end:
        return end
    for _ in range(60):
        middle = (inside + end) / 2
        inside, end = (middle, end) if is_inside(middle) else (inside, middle)
    return inside


def bootstrap_mean(
    values: NDArray[np.float64], seed: int, confidence: float = CONFIDENCE
) -> Interval:
    """Return the percentile bootstrap interval of the mean of `values`.

    Source: B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    random = np.random.default_rng(seed)
    picks = random.integers(len(values), size=(RESAMPLES, len(values)))
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(values[picks].mean(axis=1), [tail, 1 - tail])
    return float(lower), float(upper)


def bootstrap_groups(
    values: NDArray[np.float64],
    groups: Sequence[str],
    seed: int,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return the percentile bootstrap interval of the mean of values that belong together in groups.

    Whole groups are drawn, such as all examinations of a patient: they are not independent.

    Source: A. C. Davison, D. V. Hinkley, Bootstrap Methods and their Application (1997), section 3.8.
    """
    names, places = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(places, weights=values)
    counts = np.bincount(places).astype(np.float64)
    picks = np.random.default_rng(seed).integers(len(names), size=(RESAMPLES, len(names)))
    means = sums[picks].sum(axis=1) / counts[picks].sum(axis=1)
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(means, [tail, 1 - tail])
    return float(lower), float(upper)


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def _midranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranks from 1; equal values share the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: NDArray[np.float64] = (last - (counts - 1) / 2)[place]
    return ranks
