from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from bedside.errors import InputRefused, UsageError
from bedside.lab.evaluation import (
    binary_metrics,
    evaluate_package,
    metric_table,
    multiclass_metrics,
    number_metrics,
)
from bedside.package.package import Package
from tests.freezing.building import AGE, SODIUM, clinic, frozen, outcome

RANDOM = np.random.default_rng(5)
TRUTH = RANDOM.random(300) < 0.4
SCORES = np.clip(RANDOM.normal(0.35 + 0.3 * TRUTH, 0.2), 0, 1)


def test_the_values_are_scikit_learns() -> None:
    called = SCORES >= 0.5
    expected = {
        "sensitivity": recall_score(TRUTH, called),
        "specificity": recall_score(~TRUTH, ~called),
        "positive predictive value": precision_score(TRUTH, called),
        "negative predictive value": precision_score(~TRUTH, ~called),
        "accuracy": accuracy_score(TRUTH, called),
        "AUROC": roc_auc_score(TRUTH, SCORES),
        "Brier score": brier_score_loss(TRUTH, SCORES),
    }
    metrics = binary_metrics(TRUTH, SCORES, 0.5)
    assert {m.name: m.value for m in metrics} == pytest.approx(expected, abs=1e-12)
    assert all(m.lower < m.value < m.upper for m in metrics)


def test_each_metric_says_on_how_many_it_rests() -> None:
    counts = {m.name: m.n for m in binary_metrics(TRUTH, SCORES, 0.5)}
    assert counts["sensitivity"] == TRUTH.sum()
    assert counts["specificity"] == (~TRUTH).sum()
    assert counts["accuracy"] == 300


def test_a_predictive_value_of_nobody_is_left_out() -> None:
    names = [m.name for m in binary_metrics(TRUTH, SCORES * 0.5, 0.9)]
    assert "positive predictive value" not in names
    assert "negative predictive value" in names


@pytest.mark.parametrize(
    ("truth", "scores", "words"),
    [
        (TRUTH, SCORES[1:], "300 labels and 299 scores"),
        (TRUTH, SCORES + 1, "not a probability"),
        (np.array([True, False, False]), np.array([0.5, 0.1, np.nan]), "not a probability"),
        (np.array([True, False, False]), np.array([0.5, 0.1, 0.2]), "1 positive and 2 negative"),
    ],
)
def test_unusable_scores_are_refused(
    truth: np.ndarray[tuple[int], np.dtype[np.bool_]],
    scores: np.ndarray[tuple[int], np.dtype[np.float64]],
    words: str,
) -> None:
    with pytest.raises(UsageError, match=words):
        binary_metrics(truth, scores, 0.5)


def test_classes_get_accuracy_and_a_sensitivity_each() -> None:
    metrics = multiclass_metrics(["a", "a", "b", "c"], ["a", "b", "b", "a"])
    values = {m.name: m.value for m in metrics}
    assert values == {
        "accuracy": 0.5,
        "sensitivity for a": 0.5,
        "sensitivity for b": 1.0,
        "sensitivity for c": 0.0,
    }


def test_numbers_get_their_error_and_their_bias() -> None:
    absolute, bias = number_metrics(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 5.0]))
    assert (absolute.value, bias.value) == (1.0, 1.0)


def test_the_table_shows_value_interval_number_and_method() -> None:
    line = metric_table(binary_metrics(TRUTH, SCORES, 0.5)).splitlines()[0]
    assert line.startswith("sensitivity")
    assert "95% CI" in line
    assert "Wilson score" in line


@pytest.fixture(scope="module")
def package() -> Package:
    frame = clinic(gaps=False)[["age", "sodium"]]
    model = LogisticRegression(max_iter=5000).fit(frame, outcome(clinic(gaps=False)))
    return frozen(model, frame, AGE, SODIUM).package


ROWS = [{"age": age, "sodium": 140.0} for age in (30, 40, 50, 60, 70, 80)]
LABELS = ["well", "well", "ill", "well", "ill", "ill"]


def test_a_package_is_scored_through_its_own_gate(package: Package) -> None:
    metrics = evaluate_package(package, ROWS, LABELS)
    assert metrics[0].name == "sensitivity"
    assert metrics[0].n == 3
    with pytest.raises(InputRefused, match="out-of-range"):
        evaluate_package(package, [{**ROWS[0], "age": 500}, *ROWS[1:]], LABELS)


def test_a_label_that_the_package_does_not_know_is_named(package: Package) -> None:
    with pytest.raises(UsageError, match=r"\['sick'\]"):
        evaluate_package(package, ROWS, [*LABELS[:5], "sick"])
    with pytest.raises(UsageError, match="6 rows and 5 labels"):
        evaluate_package(package, ROWS, LABELS[:5])


def test_an_interval_always_holds_its_estimate_whatever_resampling_rounds_to() -> None:
    for n in range(4, 40):
        truth = np.arange(n) % 2 == 0
        scores = np.where(truth, 0.9, 0.1)  # every squared error is the same number, nearly
        for metric in binary_metrics(truth, scores, 0.5):
            assert metric.lower <= metric.value <= metric.upper
