"""How good a model is, as metrics with confidence intervals; and a package scored on labelled rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bedside.canonical import Json
from bedside.errors import UsageError
from bedside.lab.intervals import (
    CONFIDENCE,
    RESAMPLES,
    Interval,
    area_under_curve,
    bootstrap_mean,
    delong,
    wilson,
)
from bedside.package.manifest import Metric
from bedside.package.outputs import BinaryOutput, NumberOutput
from bedside.package.package import Package
from bedside.runtime.postprocess import Answer
from bedside.runtime.runner import TOGETHER, load

Truth = NDArray[np.bool_]
Scores = NDArray[np.float64]


def binary_metrics(
    truth: Truth, scores: Scores, threshold: float, *, seed: int = 0
) -> tuple[Metric, ...]:
    """Return sensitivity, specificity, PPV, NPV, accuracy, AUROC and Brier score.

    A proportion of nobody (such as PPV where none is called positive) is left out.

    Args:
        truth: Whether each patient is positive.
        scores: The probability of being positive, 0 to 1.
        threshold: At or above it a patient is called positive.
        seed: For the bootstrap of the Brier score.

    Raises:
        UsageError: no patient, lengths that differ, scores that are no probabilities, or fewer
            than two patients of either kind.
    """
    truth, scores = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64)
    _refuse_unusable(truth, scores)
    called = scores >= threshold
    counts = {
        "sensitivity": called[truth],
        "specificity": ~called[~truth],
        "positive predictive value": truth[called],
        "negative predictive value": ~truth[~called],
        "accuracy": called == truth,
    }
    proportions = [_proportion(name, hits) for name, hits in counts.items() if len(hits)]
    squares = (scores - truth) ** 2
    brier = _metric(
        ("Brier score", f"percentile bootstrap, {RESAMPLES} resamples, seed {seed}"),
        float(squares.mean()),
        bootstrap_mean(squares, seed),
        len(squares),
    )
    return (*proportions, auroc(scores[truth], scores[~truth]), brier)


def multiclass_metrics(truth: Sequence[str], shown: Sequence[str | None]) -> tuple[Metric, ...]:
    """Return accuracy, and the sensitivity for each class that occurs in `truth`."""
    right = np.array([a == b for a, b in zip(truth, shown, strict=True)])
    if not len(right):
        raise UsageError("There is no row to evaluate on.", advice="Bring labelled rows.")
    names = np.array(truth)
    each = [
        _proportion(f"sensitivity for {name}", right[names == name]) for name in sorted(set(truth))
    ]
    return (_proportion("accuracy", right), *each)


def number_metrics(truth: Scores, predicted: Scores, *, seed: int = 0) -> tuple[Metric, ...]:
    """Return the mean absolute error and the mean error (bias), in the unit of the output."""
    if not len(truth) or len(truth) != len(predicted):
        raise UsageError(f"{len(truth)} true and {len(predicted)} predicted values.")
    method = f"percentile bootstrap, {RESAMPLES} resamples, seed {seed}"
    errors = predicted - truth
    return tuple(
        _metric((name, method), float(values.mean()), bootstrap_mean(values, seed), len(values))
        for name, values in (("mean absolute error", np.abs(errors)), ("mean error", errors))
    )


def evaluate_package(
    package: Package, rows: Sequence[Json], labels: Sequence[Json], *, seed: int = 0
) -> tuple[Metric, ...]:
    """Return the metrics of `package` on labelled rows, each run the whole way as when serving.

    Args:
        package: An opened package; its golden cases are replayed first.
        rows: Rows as a client sends them.
        labels: For each row the true label, or the true number.
        seed: For bootstrap intervals.

    Raises:
        PackageRefused: the package does not load here.
        InputRefused: a row lies outside the declared domain.
        UsageError: a label that the package does not know.
    """
    output = package.manifest.row_output
    answers = answers_to(package, rows, labels)
    if isinstance(output, NumberOutput):
        predicted = np.array([answer.scores[output.name] for answer in answers])
        return number_metrics(np.array(labels, dtype=np.float64), predicted, seed=seed)
    if isinstance(output, BinaryOutput):
        truth = np.array([label == output.positive for label in labels])
        scores = np.array([answer.scores[output.positive] for answer in answers])
        return binary_metrics(truth, scores, output.threshold.value, seed=seed)
    return multiclass_metrics([str(label) for label in labels], [a.label for a in answers])


def answers_to(
    package: Package, rows: Sequence[Json], labels: Sequence[Json]
) -> tuple[Answer, ...]:
    """Return what `package` answers to labelled rows, each run the whole way as when serving.

    Raises:
        PackageRefused: the package does not load here.
        InputRefused: a row lies outside the declared domain.
        UsageError: a label that the package does not know.
    """
    output = package.manifest.row_output
    if len(rows) != len(labels):
        raise UsageError(f"{len(rows)} rows and {len(labels)} labels.")
    if not isinstance(output, NumberOutput):
        known = {one.label for one in output.classes}
        if strangers := sorted({str(label) for label in labels} - known):
            raise UsageError(f"The labels {strangers} are not among {sorted(known)}.")
    together = TOGETHER[package.manifest.input.kind]
    runner = load(package)
    parts = [rows[start : start + together] for start in range(0, len(rows), together)]
    return tuple(answer for part in parts for answer in runner.predict(part))


def metric_table(metrics: Sequence[Metric]) -> str:
    """Return `metrics` as lines of text: name, value, interval, number, method."""
    width = max(len(metric.name) for metric in metrics)
    return "\n".join(
        f"{m.name:<{width}}  {m.value:.3f}  ({m.confidence:.0%} CI {m.lower:.3f} to {m.upper:.3f}; "
        f"n = {m.n}; {m.method})"
        for m in metrics
    )


def auroc(positive: Scores, negative: Scores) -> Metric:
    """Return the area under the ROC curve.

    Raises:
        UsageError: fewer than two scores of either kind.
    """
    area = area_under_curve(positive, negative)
    method = "Newcombe 2006, method 5" if area in (0.0, 1.0) else "DeLong 1988"
    interval = delong(positive, negative)
    return _metric(("AUROC", method), area, interval, len(positive) + len(negative))


def _proportion(name: str, hits: NDArray[np.bool_]) -> Metric:
    successes, n = int(hits.sum()), len(hits)
    return _metric((name, "Wilson score"), successes / n, wilson(successes, n), n)


def _metric(words: tuple[str, str], value: float, interval: Interval, n: int) -> Metric:
    name, method = words
    lower, upper = interval
    return Metric(
        name=name,
        value=value,
        lower=lower,
        upper=upper,
        confidence=CONFIDENCE,
        method=method,
        n=n,
    )


def _refuse_unusable(truth: Truth, scores: Scores) -> None:
    if len(truth) != len(scores):
        raise UsageError(f"{len(truth)} labels and {len(scores)} scores.")
    if not np.all((scores >= 0) & (scores <= 1)):
        raise UsageError("A score is not a probability between 0 and 1.")
    if (positives := int(truth.sum())) < 2 or len(truth) - positives < 2:
        raise UsageError(
            f"{positives} positive and {len(truth) - positives} negative patients: at least two "
            "of each are needed.",
            advice="Evaluate on a larger or a stratified set.",
        )
