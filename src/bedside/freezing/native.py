"""The native model's answers to raw rows: the reference that the frozen model is held against."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_classifier, is_regressor

from bedside.errors import FreezeRefused
from bedside.freezing.frames import NativeTable, RawRow
from bedside.freezing.sklearn.columns import Step
from bedside.freezing.spec import NativeClass
from bedside.package.outputs import (
    BinaryOutput,
    MulticlassOutput,
    NumberOutput,
    Output,
    PlattCalibration,
)


@dataclass(frozen=True, slots=True)
class NativeAnswers:
    """What the native model says about some rows.

    Attributes:
        names: The label of each score column, or the name of the number.
        scores: Rows × classes, calibrated as the output declares; or rows × 1.
        labels: The shown label of each row; None for a number.
    """

    names: tuple[str, ...]
    scores: NDArray[np.float64]
    labels: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class NativeModel:
    """A fitted model, the layout of its table, and the meaning of its output."""

    model: BaseEstimator
    table: NativeTable
    output: Output
    step: Step

    def __call__(self, rows: Sequence[RawRow], what: str) -> NativeAnswers:
        """Return the native answers to `rows`.

        Raises:
            FreezeRefused: the model itself fails on rows that the spec allows; `what` says which.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # unknown categories encoded as zeros
            try:
                scores = self._scores(rows)
            except (ValueError, TypeError) as problem:
                raise self.step.refuse(
                    f"the native model itself fails on {what}, which the spec allows: "
                    f"{str(problem).splitlines()[0]}",
                    self._advice(what),
                ) from problem
        scores = _calibrated(scores, self.output)
        return NativeAnswers(_names(self.output), scores, _labels(scores, self.output))

    def _scores(self, rows: Sequence[RawRow]) -> NDArray[np.float64]:
        table = self.table(rows)
        found = (
            self.model.predict(table)
            if isinstance(self.output, NumberOutput)
            else self.model.predict_proba(table)
        )
        return np.asarray(found, dtype=np.float64).reshape(len(rows), -1)

    def _advice(self, what: str) -> str:
        if "missing" in what:
            return (
                f"{self.step.name} gets missing values; put a SimpleImputer before it, or declare "
                'missing = "refuse".'
            )
        return "Narrow the declared domain, or change the model so that it answers there."


def check_output(step: Step, output: Output, native_classes: tuple[NativeClass, ...]) -> None:
    """Check that the declared output is what the fitted estimator gives, class by class.

    Raises:
        FreezeRefused: another kind of output, another number of classes, another order, or
            classes whose meaning is not stated.
    """
    if isinstance(output, NumberOutput):
        if not is_regressor(step.estimator):
            raise step.refuse(
                "the spec declares a number, and this is no regressor.",
                "Declare the output as binary or multiclass.",
            )
        return
    if not is_classifier(step.estimator):
        raise step.refuse(
            f"the spec declares {output.kind} classes, and this is no classifier.",
            'Declare the output as kind = "number".',
        )
    learnt = _plain_classes(step)
    labels = tuple(one.label for one in output.classes)
    if len(learnt) != len(labels):
        raise step.refuse(
            f"it has {len(learnt)} classes {list(learnt)}, and the spec declares {list(labels)}.",
            "Declare one class for each, in the order of classes_.",
        )
    if not native_classes and learnt != labels:
        raise step.refuse(
            f"its classes_ are {list(learnt)}, and the spec's labels are {list(labels)}.",
            f"State which is which: native_classes = {list(learnt)}, in the order of the labels.",
        )
    if native_classes and learnt != native_classes:
        raise step.refuse(
            f"its classes_ are {list(learnt)}, and the spec states {list(native_classes)}.",
            "List output.classes and native_classes in the order of the estimator's classes_.",
        )


def _plain_classes(step: Step) -> tuple[NativeClass, ...]:
    classes = getattr(step.estimator, "classes_", np.array([]))
    if not isinstance(classes, np.ndarray):
        raise FreezeRefused(
            f"{step.name} predicts several outputs at once.",
            advice="Fit and freeze one model for each output.",
        )
    return tuple(classes.tolist())


def _names(output: Output) -> tuple[str, ...]:
    if isinstance(output, NumberOutput):
        return (output.name,)
    return tuple(one.label for one in output.classes)


def _labels(scores: NDArray[np.float64], output: Output) -> tuple[str | None, ...]:
    if isinstance(output, NumberOutput):
        return (None,) * len(scores)
    names = _names(output)
    if isinstance(output, MulticlassOutput):
        return tuple(names[i] for i in scores.argmax(axis=1))
    positive = names.index(output.positive)
    above = scores[:, positive] >= output.threshold.value
    return tuple(names[positive] if hit else names[1 - positive] for hit in above)


def _calibrated(scores: NDArray[np.float64], output: Output) -> NDArray[np.float64]:
    """Return probabilities after the declared calibration, written apart from the runtime's."""
    if not isinstance(output, BinaryOutput) or output.calibration is None:
        return scores
    positive = [one.label for one in output.classes].index(output.positive)
    p, calibration = scores[:, positive], output.calibration
    if isinstance(calibration, PlattCalibration):
        with np.errstate(divide="ignore", over="ignore"):
            logit = np.log(p) - np.log1p(-p)
            p = 1.0 / (1.0 + np.exp(calibration.slope * logit + calibration.intercept))
    else:
        p = np.interp(p, calibration.x, calibration.y)
    both = np.empty_like(scores)
    both[:, positive], both[:, 1 - positive] = p, 1.0 - p
    return both
