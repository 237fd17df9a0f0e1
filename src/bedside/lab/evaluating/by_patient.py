"""Intervals of metrics over rows of which several are of one patient: whole patients are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.lab.evaluating.curves import Scores, Truth
from bedside.lab.intervals import CONFIDENCE, RESAMPLES, Interval
from bedside.package.manifest import Metric

Area: TypeAlias = tuple[Callable[[Truth, Scores], float], Truth, Scores]
"""What is computed of truth and scores, and both of them, a value for each row."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What the metrics of some rows are made of, by their names.

    Attributes:
        means: Of these a metric is the mean: a value for each row, NaN where it does not count.
        areas: Metrics of all rows together, which have no meaning where only one kind is.
    """

    means: Mapping[str, Scores]
    areas: Mapping[str, Area]


def with_patients_drawn(
    metrics: Sequence[Metric], parts: Parts, patients: Sequence[str], seed: int
) -> tuple[Metric, ...]:
    """Return the metrics with intervals for which whole patients were drawn.

    Args:
        metrics: As they are with every row by itself.
        parts: What they are made of.
        patients: Whose each row is.
        seed: Of the bootstrap.

    Source: A. C. Davison, D. V. Hinkley, Bootstrap Methods and their Application (1997), section 3.8.
    """
    names, places = np.unique(np.asarray(patients), return_inverse=True)
    picks = np.random.default_rng(seed).integers(len(names), size=(RESAMPLES, len(names)))
    rows = [np.flatnonzero(places == one) for one in range(len(names))]
    method = f"percentile bootstrap of patients, {RESAMPLES} resamples, seed {seed}"
    if len(names) == 1:
        method = "one patient, so no interval"
    found = []
    for metric in metrics:
        if metric.name in parts.means:
            drawn = _means(parts.means[metric.name], places, picks)
        else:
            drawn = _areas(parts.areas[metric.name], rows, picks)
        lower, upper = _interval(drawn, metric.value)
        found.append(metric.model_copy(update={"lower": lower, "upper": upper, "method": method}))
    return tuple(found)


def _means(values: Scores, places: NDArray[np.intp], picks: NDArray[np.int64]) -> Scores:
    """Return the mean of each resample, NaN where nothing in it counts."""
    counts = ~np.isnan(values)
    sums = np.bincount(places, weights=np.where(counts, values, 0.0))[picks].sum(axis=1)
    many = np.bincount(places, weights=counts)[picks].sum(axis=1)
    found: Scores = np.divide(sums, many, out=np.full(len(picks), np.nan), where=many > 0)
    return found


def _areas(area: Area, rows: Sequence[NDArray[np.intp]], picks: NDArray[np.int64]) -> Scores:
    """Return the area of each resample, NaN where it has one kind alone."""
    measure, truth, scores = area
    found = np.full(len(picks), np.nan)
    for number, pick in enumerate(picks.tolist()):
        drawn = np.concatenate([rows[one] for one in pick])
        if 0 < truth[drawn].sum() < len(drawn):
            found[number] = measure(truth[drawn], scores[drawn])
    return found


def _interval(drawn: Scores, value: float) -> Interval:
    """Return the middle 95 % of what was drawn, the value always within."""
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return value, value
    tail = (1 - CONFIDENCE) / 2
    lower, upper = np.quantile(known, [tail, 1 - tail])
    return min(float(lower), value), max(float(upper), value)
