"""The native model's answers: from its scores to labels, written apart from the runtime's arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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


def native_answers(scores: NDArray[np.float64], output: Output) -> NativeAnswers:
    """Return what native `scores` (rows × classes, or rows × 1) mean under `output`."""
    scores = _calibrated(scores, output)
    return NativeAnswers(_names(output), scores, _labels(scores, output))


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
    """Return probabilities after the declared calibration."""
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
