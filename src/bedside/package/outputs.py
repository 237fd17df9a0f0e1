"""What the model's numbers mean: calibration, thresholds, labels and units.

`docs/spec/package.md`, section 6. `runtime.postprocess` carries it out.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, field_validator, model_validator

from bedside.package.fields import Frozen, Text, Unit, absent

Label: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]


class OutputClass(Frozen):
    """One class of a classifier: its stable label, and the words shown for it."""

    label: Label
    shown: Text = Field(default_factory=dict)


class Threshold(Frozen):
    """At or above `value` the positive class is shown; `meaning` says why the line is drawn there."""

    value: Annotated[float, Field(gt=0, lt=1)]
    meaning: Annotated[Text, Field(min_length=1)]


class PlattCalibration(Frozen):
    """`1 / (1 + exp(slope × logit(p) + intercept))` of the positive class. Source: Platt 1999."""

    kind: Literal["platt"] = "platt"
    slope: float
    intercept: float

    @field_validator("slope")
    @classmethod
    def _keeps_an_order(cls, slope: float) -> float:
        if slope == 0:
            raise ValueError("Platt calibration: a slope of 0 gives every input the same answer")
        return slope


class IsotonicCalibration(Frozen):
    """Linear interpolation between the points (x, y), flat outside them."""

    kind: Literal["isotonic"] = "isotonic"
    x: Annotated[tuple[float, ...], Field(min_length=2)]
    y: Annotated[tuple[float, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _is_a_rising_line(self) -> Self:
        if len(self.x) != len(self.y):
            raise ValueError("isotonic calibration: x and y differ in length")
        if any(b <= a for a, b in pairwise(self.x)) or any(b < a for a, b in pairwise(self.y)):
            raise ValueError("isotonic calibration: x must rise, y must not fall")
        if self.y[0] < 0 or self.y[-1] > 1:
            raise ValueError("isotonic calibration: y must stay within 0 and 1")
        return self


Calibration: TypeAlias = Annotated[
    PlattCalibration | IsotonicCalibration, Field(discriminator="kind")
]


class BinaryOutput(Frozen):
    """Two classes, a probability of the positive one, and the threshold that decides the label."""

    kind: Literal["binary"] = "binary"
    classes: tuple[OutputClass, OutputClass]
    """In the order of the model's probability columns."""
    positive: Label
    calibration: Calibration | None = None
    threshold: Threshold

    @model_validator(mode="after")
    def _positive_is_a_class(self) -> Self:
        labels = [output_class.label for output_class in self.classes]
        if self.positive not in labels or labels[0] == labels[1]:
            raise ValueError(f"positive {self.positive!r} must be one of two different {labels}")
        return self


class MulticlassOutput(Frozen):
    """Three or more classes; the most probable one is shown (the first of equals)."""

    kind: Literal["multiclass"] = "multiclass"
    classes: Annotated[tuple[OutputClass, ...], Field(min_length=3, max_length=1000)]

    @model_validator(mode="after")
    def _labels_are_distinct(self) -> Self:
        labels = [output_class.label for output_class in self.classes]
        if len(set(labels)) != len(labels):
            raise ValueError(f"a label stands twice in {labels}")
        return self


class NumberRange(Frozen):
    """Smallest and largest number, both included."""

    minimum: float
    maximum: float

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum:g} is above maximum {self.maximum:g}")
        return self


class NumberOutput(Frozen):
    """A quantity in a unit.

    Attributes:
        name: What it is called.
        unit: UCUM.
        plausible: Numbers that may be; any other is flagged. Of volumes alone.
    """

    kind: Literal["number"] = "number"
    name: Label
    unit: Unit
    plausible: Annotated[NumberRange | None, Field(exclude_if=absent)] = None


Output: TypeAlias = Annotated[
    BinaryOutput | MulticlassOutput | NumberOutput, Field(discriminator="kind")
]
