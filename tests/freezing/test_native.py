from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from bedside.errors import FreezeRefused
from bedside.freezing.sklearn.columns import Step
from bedside.freezing.sources.estimator import check_output
from bedside.package.outputs import Output
from tests.freezing.building import AGE, SODIUM, clinic, frozen, outcome, spec_for

X = np.arange(12.0).reshape(6, 2)


def output(*labels: str) -> Output:
    """Return a declared output of these classes, the last one positive."""
    kind = "binary" if len(labels) == 2 else "multiclass"
    declared: dict[str, Any] = {"kind": kind, "classes": [{"label": label} for label in labels]}
    if kind == "binary":
        line = {"value": 0.5, "meaning": {"en": "half"}}
        declared |= {"positive": labels[-1], "threshold": line}
    return spec_for(AGE, output=declared, native_classes=[]).output


def refusal(estimator: object, declared: Output, native: tuple[int | str, ...] = ()) -> str:
    with pytest.raises(FreezeRefused) as caught:
        check_output(Step(estimator, "'last'"), declared, native)
    return str(caught.value)


def classifier(*classes: object) -> LogisticRegression:
    return LogisticRegression().fit(X, np.array([classes[i % len(classes)] for i in range(6)]))


def test_text_classes_that_are_the_labels_need_no_more_words() -> None:
    check_output(Step(classifier("ill", "well"), ""), output("ill", "well"), ())


def test_the_meaning_of_numbered_classes_must_be_stated() -> None:
    message = refusal(classifier(0, 1), output("malignant", "benign"))
    assert "classes_ are [0, 1]" in message
    assert "native_classes = [0, 1]" in message


def test_classes_stated_in_another_order_are_refused() -> None:
    assert "in the order of" in refusal(classifier(0, 1), output("a", "b"), (1, 0))


def test_another_number_of_classes_is_refused() -> None:
    assert "has 3 classes" in refusal(classifier(0, 1, 2), output("a", "b"), (0, 1))


def test_a_number_is_no_class_and_a_class_no_number() -> None:
    number = {"kind": "number", "name": "dose", "unit": "mg"}
    declared = spec_for(AGE, output=number, native_classes=[]).output
    assert "is no regressor" in refusal(classifier(0, 1), declared)
    assert "is no classifier" in refusal(LinearRegression().fit(X, X[:, 0]), output("a", "b"))


@pytest.mark.parametrize(
    "calibration",
    [
        {"kind": "platt", "slope": -1.4, "intercept": 0.3},
        {"kind": "isotonic", "x": [0.1, 0.4, 0.8], "y": [0.0, 0.5, 0.9]},
    ],
)
def test_a_declared_calibration_is_applied_to_both_sides(calibration: dict[str, Any]) -> None:
    frame = clinic(gaps=False)[["age", "sodium"]]
    model = LogisticRegression(max_iter=5000).fit(frame, outcome(clinic(gaps=False)))
    declared = {**spec_for(AGE).model_dump(mode="json")["output"], "calibration": calibration}
    assert frozen(model, frame, AGE, SODIUM, output=declared).report.largest < 1e-12
