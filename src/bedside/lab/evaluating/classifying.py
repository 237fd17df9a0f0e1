"""A classifier measured on labelled rows: metrics, subgroups, curves, and a folder with all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bedside.canonical import Json, canonical_bytes, digest
from bedside.errors import UsageError
from bedside.imaging.views.chart import charts
from bedside.lab.evaluating.by_patient import Area, Parts, with_patients_drawn
from bedside.lab.evaluating.class_plots import Curves, plots_of
from bedside.lab.evaluating.curves import (
    Scores,
    Truth,
    average_precision,
    average_precision_interval,
    calibration,
    expected_calibration_error,
    precision_recall,
    roc,
)
from bedside.lab.evaluating.tables import csv_text
from bedside.lab.evaluation import auroc, binary_metrics, multiclass_metrics, number_metrics
from bedside.lab.intervals import CONFIDENCE, RESAMPLES, area_under_curve
from bedside.package.manifest import Metric
from bedside.package.outputs import BinaryOutput, NumberOutput, Output
from bedside.runtime.postprocess import Answer
from bedside.store.disk import replace_file

CHART: Final = "curves.png"
DOCUMENT: Final = "evaluation.json"
TABLE: Final = "metrics.csv"
PAGE: Final = "report.md"
MODE: Final = 0o644
LEAST_IN_A_SUBGROUP: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Answers beside what is true.

    Attributes:
        output: What the package's numbers mean.
        answers: One for each row.
        labels: The true labels or numbers.
        columns: For subgroups: a value for each row, by the column's name.
        patients: Whose each row is, where that is known: of rows of one patient, intervals are by
            patient.
    """

    output: Output
    answers: tuple[Answer, ...]
    labels: tuple[Json, ...]
    columns: Mapping[str, tuple[str, ...]]
    patients: tuple[str, ...] = ()


def all_metrics(labelled: Labelled, seed: int = 0) -> tuple[Metric, ...]:
    """Return the metrics of all rows, then those of each subgroup that is large enough.

    A subgroup has at least `LEAST_IN_A_SUBGROUP` rows; of one in which a metric has no meaning
    (patients of one kind alone), what can be told is told.
    """
    everybody = tuple(range(len(labelled.labels)))
    found = [*_by_patient(labelled, everybody, seed)]
    for column, values in labelled.columns.items():
        for value in sorted(set(values)):
            members = tuple(place for place in everybody if values[place] == value)
            if len(members) >= LEAST_IN_A_SUBGROUP:
                named = f"{column} {value}"
                found += [
                    one.model_copy(update={"subgroup": named})
                    for one in _by_patient(labelled, members, seed)
                ]
    return tuple(found)


def all_curves(labelled: Labelled, seed: int = 0) -> tuple[Curves, ...]:
    """Return the curves of the positive class, or of each class against the rest; none of numbers."""
    if isinstance(labelled.output, NumberOutput):
        return ()
    return tuple(
        Curves(
            name,
            roc(truth, scores, seed),
            precision_recall(truth, scores, seed),
            calibration(truth, scores),
            float(truth.mean()),
        )
        for name, truth, scores in _each_class(labelled, range(len(labelled.labels)))
    )


def write_classifier_report(
    about: Mapping[str, Json], metrics: Sequence[Metric], curves: Sequence[Curves], folder: Path
) -> str:
    """Write metrics and curves into a folder, which is made; return the digest of the JSON.

    Args:
        about: What was measured, on what.
        metrics: From `all_metrics`.
        curves: From `all_curves`.
        folder: New or empty.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    document = canonical_bytes(
        {
            "format_version": 1,
            **about,
            "metrics": [one.model_dump(mode="json") for one in metrics],
            "curves": [_told(one) for one in curves],
        }
    )
    replace_file(folder / DOCUMENT, document, MODE)
    if curves:
        plots = [plot for one in curves for plot in plots_of(one)]
        replace_file(folder / CHART, charts(plots, columns=3), MODE)
    replace_file(folder / TABLE, _table(metrics).encode("utf-8"), MODE)
    replace_file(folder / PAGE, _page(about, metrics, bool(curves)).encode("utf-8"), MODE)
    return digest(document)


def _by_patient(labelled: Labelled, members: Sequence[int], seed: int) -> Sequence[Metric]:
    """Return the metrics of some rows; where a patient has several of them, with intervals by patient."""
    metrics = tuple(_metrics(labelled, members, seed))
    patients = [labelled.patients[place] for place in members] if labelled.patients else []
    if len(set(patients)) == len(patients):
        return metrics
    return with_patients_drawn(metrics, _parts(labelled, members), patients, seed)


def _parts(labelled: Labelled, members: Sequence[int]) -> Parts:
    labels = [labelled.labels[place] for place in members]
    answers = [labelled.answers[place] for place in members]
    output = labelled.output
    if isinstance(output, NumberOutput):
        predicted = np.array([answer.scores[output.name] for answer in answers])
        errors = predicted - np.array(labels, dtype=np.float64)
        return Parts({"mean absolute error": np.abs(errors), "mean error": errors}, {})
    names = np.array([str(label) for label in labels])
    right = np.array([str(answer.label) for answer in answers]) == names
    everybody = np.ones(len(names), dtype=np.bool_)
    means = {"accuracy": _among(right, everybody)}
    means |= {f"sensitivity for {name}": _among(right, names == name) for name in set(names)}
    areas: dict[str, Area] = {}
    for name, truth, scores in _each_class(labelled, members):
        suffix = "" if isinstance(output, BinaryOutput) else f" for {name}"
        areas[f"average precision{suffix}"] = (average_precision, truth, scores)
        areas[f"AUROC{suffix}"] = (_area, truth, scores)
        if isinstance(output, BinaryOutput):
            called = scores >= output.threshold.value
            means |= {
                "sensitivity": _among(called, truth),
                "specificity": _among(~called, ~truth),
                "positive predictive value": _among(truth, called),
                "negative predictive value": _among(~truth, ~called),
                "accuracy": _among(called == truth, everybody),
                "Brier score": (scores - truth) ** 2,
            }
    return Parts(means, areas)


def _among(hits: Truth, counted: Truth) -> Scores:
    return np.where(counted, hits.astype(np.float64), np.nan)


def _area(truth: Truth, scores: Scores) -> float:
    return area_under_curve(scores[truth], scores[~truth])


def _metrics(labelled: Labelled, members: Sequence[int], seed: int) -> Iterator[Metric]:
    labels = [labelled.labels[place] for place in members]
    answers = [labelled.answers[place] for place in members]
    output = labelled.output
    if isinstance(output, NumberOutput):
        predicted = np.array([answer.scores[output.name] for answer in answers])
        yield from number_metrics(np.array(labels, dtype=np.float64), predicted, seed=seed)
        return
    if isinstance(output, BinaryOutput):
        truth = np.array([label == output.positive for label in labels])
        scores = np.array([answer.scores[output.positive] for answer in answers])
        try:
            yield from binary_metrics(truth, scores, output.threshold.value, seed=seed)
        except UsageError:  # of one kind alone: the areas have no meaning
            shown = [answer.label for answer in answers]
            yield from multiclass_metrics([str(label) for label in labels], shown)
            return
    else:
        shown = [answer.label for answer in answers]
        yield from multiclass_metrics([str(label) for label in labels], shown)
    yield from _of_curves(labelled, members, seed)


def _of_curves(labelled: Labelled, members: Sequence[int], seed: int) -> Iterator[Metric]:
    """Yield average precision and, of several classes, the area of each against the rest."""
    binary = isinstance(labelled.output, BinaryOutput)
    method = f"percentile bootstrap within each kind, {RESAMPLES} resamples, seed {seed}"
    for name, truth, scores in _each_class(labelled, members):
        suffix = "" if binary else f" for {name}"
        value = average_precision(truth, scores)
        lower, upper = average_precision_interval(truth, scores, seed)
        yield Metric(
            name=f"average precision{suffix}",
            value=value,
            lower=min(lower, value),
            upper=max(upper, value),
            confidence=CONFIDENCE,
            method=method,
            n=len(truth),
        )
        if not binary and min(int(truth.sum()), int((~truth).sum())) > 1:
            area = auroc(scores[truth], scores[~truth])
            yield area.model_copy(update={"name": f"{area.name}{suffix}"})


def _each_class(labelled: Labelled, members: Sequence[int]) -> Iterator[tuple[str, Truth, Scores]]:
    """Yield each class that some, but not all, of these rows have: its name, who has it, the scores."""
    output = labelled.output
    if isinstance(output, NumberOutput):
        return
    names = (
        [output.positive]
        if isinstance(output, BinaryOutput)
        else [one.label for one in output.classes]
    )
    for name in names:
        truth = np.array([str(labelled.labels[place]) == name for place in members])
        if truth.any() and not truth.all():
            yield name, truth, np.array([labelled.answers[place].scores[name] for place in members])


def _told(one: Curves) -> dict[str, Json]:
    lines = {"roc": one.roc, "precision_recall": one.precision_recall}
    told: dict[str, Json] = {"class": one.name, "share": one.share}
    for name, line in lines.items():
        told[name] = {part: getattr(line, part).tolist() for part in line.__slots__}
    told["calibration"] = [asdict(each) for each in one.bins]
    told["expected_calibration_error"] = expected_calibration_error(one.bins)
    return told


def _table(metrics: Sequence[Metric]) -> str:
    columns = ("subgroup", "name", "value", "lower", "upper", "confidence", "n", "method")
    return csv_text([columns, *([getattr(one, name) for name in columns] for one in metrics)])


def _page(about: Mapping[str, Json], metrics: Sequence[Metric], curves: bool) -> str:
    lines = [f"# {about['ref']}, evaluated", ""]
    of = f" of {about['patients']} patients" if about.get("patients") else ""
    lines += [f"{about['rows']} rows{of}, `{about['data']}`; package `{about['package']}`.", ""]
    for subgroup in dict.fromkeys(one.subgroup for one in metrics):
        lines += [
            f"## {subgroup or 'All'}",
            "",
            "| metric | value (95 % CI) | n | method |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| {one.name} | {one.value:.4f} ({one.lower:.4f} to {one.upper:.4f}) | {one.n} | {one.method} |"
            for one in metrics
            if one.subgroup == subgroup
        ]
        lines.append("")
    if curves:
        lines += ["## Curves", "", f"![ROC, precision and recall, calibration]({CHART})", ""]
        lines.append(
            "Bands: 95 %, by a bootstrap within each kind; of the calibration, Wilson's intervals. "
            "They take every row by itself, also where several are of one patient."
        )
    return "\n".join(lines) + "\n"
