"""Curves of a classifier: ROC, precision and recall, calibration; each with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.lab.intervals import CONFIDENCE, RESAMPLES, Interval, wilson

Truth: TypeAlias = NDArray[np.bool_]
Scores: TypeAlias = NDArray[np.float64]

GRID: Final = 101
"""Places at which the bands of a curve are taken."""

BAND_RESAMPLES: Final = 500
"""Of the bands, which are looked at and not quoted."""

MOST_BINS: Final = 10
FEWEST_IN_A_BIN: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A curve, and a band around it.

    Attributes:
        x: Rising.
        y: As many.
        grid: Where the band is told.
        lower: 2.5 % of the resampled curves lie below.
        upper: 2.5 % lie above.
    """

    x: Scores
    y: Scores
    grid: Scores
    lower: Scores
    upper: Scores


@dataclass(frozen=True, slots=True)
class Bin:
    """Patients with similar scores.

    Attributes:
        mean: Of their scores.
        observed: The share of them that is positive.
        lower: Of its Wilson interval.
        upper: Of its Wilson interval.
        n: How many.
    """

    mean: float
    observed: float
    lower: float
    upper: float
    n: int


def roc(truth: Truth, scores: Scores, seed: int = 0) -> Line:
    """Return sensitivity over 1 - specificity, every threshold a point.

    Raises:
        UsageError: there are not both kinds of patients.

    Source: J. A. Hanley, B. J. McNeil, Radiology 143 (1982) 29; the band by vertical averaging of a
    bootstrap in each kind, T. Fawcett, Pattern Recognit Lett 27 (2006) 861.
    """
    _check(truth, scores)
    x, y = _roc_points(truth, scores)
    grid = np.linspace(0, 1, GRID)
    drawn = [
        np.interp(grid, *_roc_points(truth[pick], scores[pick])) for pick in _picks(truth, seed)
    ]
    return Line(x, y, grid, *_band(drawn))


def precision_recall(truth: Truth, scores: Scores, seed: int = 0) -> Line:
    """Return precision over recall, every threshold a point; between two points the later one holds.

    Raises:
        UsageError: there are not both kinds of patients.
    """
    _check(truth, scores)
    x, y = _pr_points(truth, scores)
    grid = np.linspace(0, 1, GRID)
    drawn = [_later(grid, *_pr_points(truth[pick], scores[pick])) for pick in _picks(truth, seed)]
    return Line(x, y, grid, *_band(drawn))


def average_precision(truth: Truth, scores: Scores) -> float:
    """Return the sum over thresholds of precision times the step in recall; no line is drawn between.

    Raises:
        UsageError: there are not both kinds of patients.
    """
    _check(truth, scores)
    recall, precision = _pr_points(truth, scores)
    return float(np.sum(np.diff(recall) * precision[1:]))


def average_precision_interval(truth: Truth, scores: Scores, seed: int = 0) -> Interval:
    """Return the percentile bootstrap interval of the average precision, each kind drawn by itself.

    Raises:
        UsageError: there are not both kinds of patients.
    """
    _check(truth, scores)
    found = [
        average_precision(truth[pick], scores[pick]) for pick in _picks(truth, seed, RESAMPLES)
    ]
    tail = (1 - CONFIDENCE) / 2
    lower, upper = np.quantile(found, [tail, 1 - tail])
    return float(lower), float(upper)


def calibration(truth: Truth, scores: Scores) -> tuple[Bin, ...]:
    """Return patients in bins of about equal number, by rising score.

    Equal scores are never parted. A bin has at least `FEWEST_IN_A_BIN`, and there are at most
    `MOST_BINS`.

    Raises:
        UsageError: there are not both kinds of patients.
    """
    _check(truth, scores)
    order = np.argsort(scores, kind="stable")
    count = max(1, min(MOST_BINS, len(scores) // FEWEST_IN_A_BIN))
    bins, first = [], 0
    for place in range(1, count + 1):
        last = round(place * len(scores) / count)
        while 0 < last < len(scores) and scores[order[last]] == scores[order[last - 1]]:
            last += 1
        if last > first:
            members = order[first:last]
            positives = int(truth[members].sum())
            observed = positives / len(members)
            interval = wilson(positives, len(members))
            bins.append(Bin(float(scores[members].mean()), observed, *interval, len(members)))
            first = last
    return tuple(bins)


def expected_calibration_error(bins: tuple[Bin, ...]) -> float:
    """Return the mean distance of score and observed share, over all patients.

    Source: M. Pakdaman Naeini et al., AAAI 2015.
    """
    whole = sum(one.n for one in bins)
    return sum(one.n * abs(one.mean - one.observed) for one in bins) / whole


def _roc_points(truth: Truth, scores: Scores) -> tuple[Scores, Scores]:
    found, wrong, _ = _cumulated(truth, scores)
    return wrong / (~truth).sum(), found / truth.sum()


def _pr_points(truth: Truth, scores: Scores) -> tuple[Scores, Scores]:
    found, wrong, _ = _cumulated(truth, scores)
    called = found + wrong
    precision = np.divide(found, called, out=np.ones_like(found), where=called > 0)
    precision[0] = precision[1]  # of nobody called there is none; the first point's is kept
    return found / truth.sum(), precision


def _cumulated(truth: Truth, scores: Scores) -> tuple[Scores, Scores, Scores]:
    """Return, from the highest threshold to the lowest, the true and the false positives."""
    order = np.argsort(-scores, kind="stable")
    sorted_scores, hits = scores[order], truth[order]
    ends = np.flatnonzero(np.append(sorted_scores[1:] != sorted_scores[:-1], True))
    found = np.concatenate([[0.0], np.cumsum(hits)[ends].astype(np.float64)])
    wrong = np.concatenate([[0.0], np.cumsum(~hits)[ends].astype(np.float64)])
    return found, wrong, sorted_scores[ends]


def _picks(truth: Truth, seed: int, resamples: int = BAND_RESAMPLES) -> list[NDArray[np.intp]]:
    """Return resamples in which each kind has as many patients as it has."""
    random = np.random.default_rng(seed)
    kinds = [np.flatnonzero(truth), np.flatnonzero(~truth)]
    return [
        np.concatenate([kind[random.integers(len(kind), size=len(kind))] for kind in kinds])
        for _ in range(resamples)
    ]


def _later(grid: Scores, x: Scores, y: Scores) -> Scores:
    """Return a step function's values: those of the first point at or after each place."""
    found: Scores = y[np.minimum(np.searchsorted(x, grid, side="left"), len(x) - 1)]
    return found


def _band(drawn: list[Scores]) -> tuple[Scores, Scores]:
    tail = (1 - CONFIDENCE) / 2
    lower, upper = np.quantile(np.stack(drawn), [tail, 1 - tail], axis=0)
    return lower, upper


def _check(truth: Truth, scores: Scores) -> None:
    if len(truth) != len(scores) or not truth.any() or truth.all():
        raise UsageError(
            f"{len(scores)} scores, and {int(truth.sum())} of {len(truth)} patients are positive.",
            advice="A curve needs patients of both kinds, and a score for each.",
        )
