"""Curves and metrics of classifiers agree with scikit-learn's, and subgroups are told apart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import (
    auc,
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from bedside.canonical import digest
from bedside.errors import UsageError
from bedside.lab.evaluating.classifying import (
    Labelled,
    all_curves,
    all_metrics,
    write_classifier_report,
)
from bedside.lab.evaluating.curves import (
    average_precision,
    average_precision_interval,
    calibration,
    expected_calibration_error,
    precision_recall,
    roc,
)
from bedside.package.outputs import BinaryOutput, MulticlassOutput, OutputClass, Threshold
from bedside.runtime.postprocess import Answer

RANDOM = np.random.default_rng(3)
TRUTH = RANDOM.random(120) < 0.35
SCORES = np.round(1 / (1 + np.exp(-RANDOM.normal(-0.6 + 1.8 * TRUTH, 1.0))), 2)
"""Scores of two decimals: many are equal."""


def test_the_roc_is_scikit_learns_and_lies_in_its_band() -> None:
    line = roc(TRUTH, SCORES)
    x, y, _ = roc_curve(TRUTH, SCORES, drop_intermediate=False)
    np.testing.assert_allclose(line.x, x)
    np.testing.assert_allclose(line.y, y)
    assert auc(line.x, line.y) == pytest.approx(roc_auc_score(TRUTH, SCORES))
    middle = np.interp(line.grid, line.x, line.y)
    assert np.mean((line.lower <= middle) & (middle <= line.upper)) > 0.9
    assert np.mean(line.upper - line.lower) > 0.05


def test_precision_and_recall_are_scikit_learns() -> None:
    line = precision_recall(TRUTH, SCORES)
    precision, recall, _ = precision_recall_curve(TRUTH, SCORES)
    np.testing.assert_allclose(line.y[1:], precision[:-1][::-1])
    np.testing.assert_allclose(line.x[1:], recall[:-1][::-1])
    value = average_precision(TRUTH, SCORES)
    assert value == pytest.approx(average_precision_score(TRUTH, SCORES))
    lower, upper = average_precision_interval(TRUTH, SCORES)
    assert lower < value < upper


def test_calibration_parts_no_equal_scores_and_counts_everybody() -> None:
    bins = calibration(TRUTH, SCORES)
    assert sum(one.n for one in bins) == 120
    assert [one.mean for one in bins] == sorted(one.mean for one in bins)
    assert all(one.lower <= one.observed <= one.upper for one in bins)
    equal = calibration(TRUTH, np.full(120, 0.4))
    assert len(equal) == 1
    assert expected_calibration_error(equal) == pytest.approx(abs(0.4 - TRUTH.mean()))


def test_a_curve_of_one_kind_of_patients_is_refused() -> None:
    with pytest.raises(UsageError, match="0 of 2 patients are positive"):
        roc(np.array([False, False]), np.array([0.1, 0.2]))


def binary() -> Labelled:
    output = BinaryOutput(
        classes=(OutputClass(label="well"), OutputClass(label="ill")),
        positive="ill",
        threshold=Threshold(value=0.5, meaning={"en": "half"}),
    )
    answers = tuple(
        Answer(
            label="ill" if score >= 0.5 else "well",
            scores={"ill": score, "well": 1 - score},
            threshold=0.5,
        )
        for score in SCORES.tolist()
    )
    labels = tuple("ill" if ill else "well" for ill in TRUTH)
    ward = tuple("north" if place % 3 else "south" for place in range(120))
    alone = tuple("many" if place else "one" for place in range(120))
    return Labelled(output, answers, labels, {"ward": ward, "rare": alone})


def test_subgroups_have_metrics_of_their_own_where_they_are_large_enough() -> None:
    metrics = all_metrics(binary())
    sizes = {one.subgroup: one.n for one in metrics if one.name == "AUROC"}
    assert sizes == {None: 120, "ward north": 80, "ward south": 40, "rare many": 119}
    assert {one.name for one in metrics if one.subgroup == "ward south"} >= {
        "sensitivity",
        "Brier score",
        "average precision",
    }


def test_rows_of_one_patient_are_drawn_together() -> None:
    once = binary()
    twice = replace(
        once,
        answers=once.answers * 2,
        labels=once.labels * 2,
        columns={},
        patients=tuple(str(place) for place in range(120)) * 2,
    )
    apart = {one.name: one for one in all_metrics(replace(twice, patients=()))}
    plain = {one.name: one for one in all_metrics(replace(once, columns={}))}
    for one in all_metrics(twice):
        assert one.method == "percentile bootstrap of patients, 2000 resamples, seed 0"
        assert one.value == pytest.approx(plain[one.name].value)
        width, single = (m.upper - m.lower for m in (one, plain[one.name]))
        assert width == pytest.approx(single, rel=0.2)  # a patient twice is no second patient
        assert width > 1.2 * (apart[one.name].upper - apart[one.name].lower)
    each = replace(once, columns={}, patients=twice.patients[:120])
    assert {one.name: one for one in all_metrics(each)} == plain


def test_each_of_several_classes_has_its_area_and_its_curves() -> None:
    names = ("a", "b", "c")
    output = MulticlassOutput(classes=tuple(OutputClass(label=name) for name in names))
    random = np.random.default_rng(8)
    truth = random.integers(3, size=90)
    chances = random.dirichlet([1, 1, 1], size=90) + 0.5 * np.eye(3)[truth]
    chances /= chances.sum(axis=1, keepdims=True)
    answers = tuple(
        Answer(
            label=names[row.argmax()],
            scores=dict(zip(names, row.tolist(), strict=True)),
            threshold=None,
        )
        for row in chances
    )
    labelled = Labelled(output, answers, tuple(names[one] for one in truth), {})
    found = {one.name: one.value for one in all_metrics(labelled)}
    for place, name in enumerate(names):
        expected = roc_auc_score(truth == place, chances[:, place])
        assert found[f"AUROC for {name}"] == pytest.approx(expected)
        assert found[f"average precision for {name}"] > 0.4
    assert [one.name for one in all_curves(labelled)] == list(names)
    halves = replace(labelled, patients=tuple(str(place // 2) for place in range(90)))
    assert {one.name: one.value for one in all_metrics(halves)} == found


def test_the_report_has_curves_tables_and_words(tmp_path: Path) -> None:
    labelled = binary()
    about = {"ref": "m@1.0.0", "package": "sha256:p", "data": "sha256:d", "rows": 120}
    out = tmp_path / "out"
    told = write_classifier_report(about, all_metrics(labelled), all_curves(labelled), out)
    document = (out / "evaluation.json").read_bytes()
    assert digest(document) == told
    (curves,) = json.loads(document)["curves"]
    assert len(curves["roc"]["x"]) == len(curves["roc"]["y"])
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "## ward north" in (out / "report.md").read_text()
    assert (out / "metrics.csv").read_text().startswith("subgroup,name,value")
