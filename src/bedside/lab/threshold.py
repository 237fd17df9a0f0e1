"""Where to draw the line: the highest threshold that reaches a stated sensitivity."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.lab.intervals import Interval, wilson

MOST_DIGITS = 15
"""Decimals that a double between 0 and 1 can hold."""


@dataclass(frozen=True, slots=True)
class ThresholdChoice:
    """A threshold, and what it does on the split that it was chosen on.

    Attributes:
        value: At or above it a patient is called positive.
        target: The sensitivity that was asked for.
        sensitivity: The sensitivity on this split; at least `target`.
        interval: Its 95 % Wilson interval, which may well reach below `target`.
        specificity: The specificity on this split, or None without negatives.
        positives: Number of positive patients that it rests on.
    """

    value: float
    target: float
    sensitivity: float
    interval: Interval
    specificity: float | None
    positives: int


def threshold_for_sensitivity(
    truth: NDArray[np.bool_], scores: NDArray[np.float64], target: float
) -> ThresholdChoice:
    """Return the highest threshold whose sensitivity reaches `target`.

    Every value down to the next lower score makes the same decisions; the one with the fewest
    decimals is given.

    Raises:
        UsageError: no positive patient, a target outside 0 to 1, or one that only a threshold
            of 0 (calling everybody positive) or of 1 would reach.
    """
    if not 0 < target <= 1:
        raise UsageError(f"A sensitivity of {target} is not above 0 and at most 1.")
    positive = np.sort(scores[truth])[::-1]
    if not len(positive):
        raise UsageError("No positive patient, so no sensitivity.", advice="Use a larger split.")
    needed = math.ceil(target * len(positive) - 1e-9)  # 0.97 × 100 is 97.00000000000001 in floats
    highest = float(positive[needed - 1])
    value = _plainest(_below(scores, highest), highest)
    if not 0 < value < 1:
        raise UsageError(
            f"A sensitivity of {target} needs the threshold {value:g}: {needed} of "
            f"{len(positive)} positives score {highest:g} or more, and a threshold must lie "
            "between 0 and 1.",
            advice="Lower the target, or use a model that separates the groups better.",
        )
    called = scores >= value
    hits = int(called[truth].sum())
    return ThresholdChoice(
        value=value,
        target=target,
        sensitivity=hits / len(positive),
        interval=wilson(hits, len(positive)),
        specificity=None if truth.all() else float((~called[~truth]).mean()),
        positives=len(positive),
    )


def _below(scores: NDArray[np.float64], highest: float) -> float:
    lower = scores[scores < highest]
    return float(lower.max()) if len(lower) else 0.0


def _plainest(low: float, high: float) -> float:
    """Return the number above `low` and at most `high` with the fewest decimals."""
    for digits in range(1, MOST_DIGITS + 1):
        value = float(f"{math.floor(high * 10.0**digits)}e-{digits}")
        if low < value <= high:
            return value
    return high
