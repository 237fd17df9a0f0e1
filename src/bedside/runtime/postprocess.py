"""From the model's numbers to the answer that is shown: calibration, threshold, label, unit.

All arithmetic is in float64. `docs/spec/package.md`, section 6, defines it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.errors import PackageRefused
from bedside.imaging.picture import Facts
from bedside.package.outputs import (
    BinaryOutput,
    Calibration,
    MulticlassOutput,
    NumberOutput,
    Output,
    PlattCalibration,
)
from bedside.runtime.explained import Explained
from bedside.runtime.flags import Flag
from bedside.runtime.table import Matrix

PROBABILITY_SLACK = 1e-5
"""How far rounding in float32 may carry a probability out of 0 … 1; it is clipped back."""

Column: TypeAlias = NDArray[np.float64]
"""One axis: rows."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says of one row.

    Attributes:
        label: The label that is shown; None where the output is a number.
        scores: Calibrated probability by label, or the value by its name.
        threshold: The probability from which the positive label is shown; None unless binary.
        unit: Unit of the value where the output is a number, else None.
        raw: The model's own probabilities by label before calibration, or the value.
        flags: What a reader of the answer must know.
        picture: What the file and the sender say of the picture; None for a row of fields.
        explanation: Why, where that was asked.
    """

    label: str | None
    scores: Mapping[str, float]
    threshold: float | None
    unit: str | None = None
    raw: Mapping[str, float] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()
    picture: Facts | None = None
    explanation: Explained | None = None


def output_width(output: Output) -> int:
    """Return how many columns the model's output must have."""
    return 1 if output.kind == "number" else len(output.classes)


class Postprocess:
    """A declared output, compiled; turns rows of model output into answers."""

    __slots__ = ("_answers",)

    def __init__(self, output: Output) -> None:
        self._answers: Callable[[Matrix], tuple[Answer, ...]]
        match output:
            case BinaryOutput():
                self._answers = _binary(output)
            case MulticlassOutput():
                self._answers = _multiclass(output)
            case NumberOutput():
                self._answers = _number(output)

    def __call__(self, scores: Matrix) -> tuple[Answer, ...]:
        """Return one answer for each row of `scores` (rows × `output_width`).

        Raises:
            PackageRefused: the model gave something that is no number, or no probability.
        """
        return self._answers(scores)


def calibrator(calibration: Calibration) -> Callable[[Column], Column]:
    """Return the function that calibrates probabilities of the positive class, elementwise.

    Source: Platt 1999 (here on the logit of the probability); Zadrozny and Elkan 2002 (isotonic).
    """
    if isinstance(calibration, PlattCalibration):
        slope, intercept = calibration.slope, calibration.intercept

        def platt(probability: Column) -> Column:
            with np.errstate(divide="ignore", over="ignore"):  # 0 and 1 go to the ends, as meant
                logit = np.log(probability) - np.log1p(-probability)
                return np.asarray(1 / (1 + np.exp(slope * logit + intercept)))

        return platt
    x, y = np.array(calibration.x), np.array(calibration.y)
    return lambda probability: np.interp(probability, x, y)


def _probability(value: float, row: int) -> float:
    """Return `value` within 0 … 1, or refuse what rounding cannot explain."""
    if 0.0 <= value <= 1.0:
        return value
    if not -PROBABILITY_SLACK <= value <= 1 + PROBABILITY_SLACK:  # NaN included
        raise PackageRefused(
            f"The model gave {value} for row {row}, where a probability must be; there is no "
            "answer to show.",
            advice="Narrow the declared domain, or freeze a model that gives probabilities for "
            "all of it.",
        )
    return min(max(value, 0.0), 1.0)


def _probabilities(scores: Matrix) -> list[list[float]]:
    return [
        [_probability(value, position) for value in row]
        for position, row in enumerate(scores.tolist())
    ]


def _binary(output: BinaryOutput) -> Callable[[Matrix], tuple[Answer, ...]]:
    labels = [one.label for one in output.classes]
    positive = labels.index(output.positive)
    calibrate = None if output.calibration is None else calibrator(output.calibration)
    threshold = output.threshold.value

    def answers(scores: Matrix) -> tuple[Answer, ...]:
        raw = _probabilities(scores)
        shown = raw
        if calibrate is not None:
            calibrated = calibrate(np.array([row[positive] for row in raw])).tolist()
            shown = [[1.0 - p, p] if positive else [p, 1.0 - p] for p in calibrated]
        return tuple(
            Answer(
                label=labels[positive if row[positive] >= threshold else 1 - positive],
                scores=dict(zip(labels, row, strict=True)),
                threshold=threshold,
                raw=dict(zip(labels, before, strict=True)),
            )
            for row, before in zip(shown, raw, strict=True)
        )

    return answers


def _multiclass(output: MulticlassOutput) -> Callable[[Matrix], tuple[Answer, ...]]:
    labels = [one.label for one in output.classes]

    def answers(scores: Matrix) -> tuple[Answer, ...]:
        found = []
        for row in _probabilities(scores):
            named = dict(zip(labels, row, strict=True))
            found.append(Answer(labels[row.index(max(row))], named, None, raw=named))
        return tuple(found)

    return answers


def _number(output: NumberOutput) -> Callable[[Matrix], tuple[Answer, ...]]:
    def answers(scores: Matrix) -> tuple[Answer, ...]:
        found = []
        for position, (value,) in enumerate(scores.tolist()):
            if not math.isfinite(value):
                raise PackageRefused(
                    f"The model gave {value} for row {position}; there is no answer to show.",
                    advice="Narrow the declared domain, or freeze a model that answers all of it.",
                )
            named = {output.name: value}
            found.append(Answer(None, named, None, output.unit, named))
        return tuple(found)

    return answers
