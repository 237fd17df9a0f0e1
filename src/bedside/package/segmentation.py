"""What a segmenting network's numbers mean: classes, activation, threshold, what is done after.

`docs/spec/package.md`, section 13. `runtime.segmentation` carries it out.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from bedside.package.fields import Frozen, Text, absent
from bedside.package.outputs import Label, Threshold
from bedside.package.predicted_overlap import PredictedOverlap

MOST_CLASSES: Final = 256
"""A label map has one byte a voxel."""

Neighbours: TypeAlias = Literal[6, 18, 26]
"""Voxels that touch by a face; by a face or an edge; by a face, an edge or a corner."""

Millilitres: TypeAlias = Annotated[float, Field(ge=0, le=1e6)]
MeasurementName: TypeAlias = Literal["volume", "extents", "centre", "head-centre", "regions"]


class MillilitreRange(Frozen):
    """Smallest and largest volume in mL, both included."""

    minimum: Millilitres
    maximum: Millilitres

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} mL is above maximum {self.maximum} mL")
        return self


class SegmentedClass(Frozen):
    """One class of a label map.

    Attributes:
        value: What the label map holds in its voxels.
        label: Its stable name.
        shown: The words that people read.
        plausible: Volumes in mL that a person may have; any other is flagged.
    """

    value: Annotated[int, Field(ge=0, lt=MOST_CLASSES)]
    label: Label
    shown: Text = Field(default_factory=dict)
    plausible: MillilitreRange | None = None


class LargestRegion(Frozen):
    """Only the largest connected region stays; the others become background.

    Attributes:
        labels: Each of these classes by itself; None takes all but the background together.
        neighbours: Which voxels touch.
    """

    op: Literal["largest_region"] = "largest_region"
    version: Literal[1] = 1
    labels: Annotated[tuple[Label, ...], Field(min_length=1)] | None = None
    neighbours: Neighbours = 26


class FillHoles(Frozen):
    """Background that no path of faces joins to the border becomes of the class around it.

    Attributes:
        label: The class that gets the holes; they are those of this class alone.
    """

    op: Literal["fill_holes"] = "fill_holes"
    version: Literal[1] = 1
    label: Label


class RemoveSmall(Frozen):
    """Connected regions of a class (26 neighbours) that are smaller become background."""

    op: Literal["remove_small"] = "remove_small"
    version: Literal[1] = 1
    label: Label
    least_millilitres: Annotated[float, Field(gt=0, le=10_000)]


class KeepLabels(Frozen):
    """Every class that is not named becomes background."""

    op: Literal["keep_labels"] = "keep_labels"
    version: Literal[1] = 1
    labels: Annotated[tuple[Label, ...], Field(min_length=1)]


Refinement: TypeAlias = Annotated[
    LargestRegion | FillHoles | RemoveSmall | KeepLabels, Field(discriminator="op")
]


class SegmentationOutput(Frozen):
    """A label for each voxel of the volume as it was read.

    Attributes:
        classes: By rising value; the first is the background, 0. In the order of the network's
            channels where it has one for each.
        activation: What makes probabilities of the network's scores.
        channels: Of the network's output: 1, the only class beside the background; or one for
            each class.
        threshold: Where there are two classes: at or above it a voxel is of the second.
        operations: What is done to the labels afterwards, in order, on the volume's own grid.
        measurements: What is measured of each class but the background.
        predicted_overlap: What lets one expect how well the mask fits; of two classes alone.
    """

    kind: Literal["segmentation"] = "segmentation"
    version: Literal[1] = 1
    classes: Annotated[tuple[SegmentedClass, ...], Field(min_length=2, max_length=MOST_CLASSES)]
    activation: Literal["softmax", "sigmoid", "none"]
    channels: Annotated[int, Field(ge=1, le=MOST_CLASSES)]
    threshold: Threshold | None = None
    operations: Annotated[tuple[Refinement, ...], Field(max_length=16)] = ()
    measurements: Annotated[tuple[MeasurementName, ...], Field(min_length=1)] = ("volume",)
    predicted_overlap: Annotated[PredictedOverlap | None, Field(exclude_if=absent)] = None

    @model_validator(mode="after")
    def _classes_are_in_order(self) -> Self:
        values = [one.value for one in self.classes]
        labels = [one.label for one in self.classes]
        if values[0] != 0 or any(b <= a for a, b in pairwise(values)):
            raise ValueError(f"the classes' values {values[:10]} must rise from 0, the background")
        if len(set(labels)) != len(labels):
            raise ValueError(f"a label stands twice in {labels[:10]}")
        if self.classes[0].plausible is not None:
            raise ValueError("the background has a plausible volume, which nobody measures")
        if len(set(self.measurements)) != len(self.measurements):
            raise ValueError(f"a measurement stands twice in {list(self.measurements)}")
        return self

    @model_validator(mode="after")
    def _channels_fit(self) -> Self:
        count = len(self.classes)
        if self.channels not in ({1} if self.activation == "sigmoid" else {1, count}):
            raise ValueError(
                f"{self.channels} channels with {self.activation} for {count} classes; it must be 1 "
                "for two classes, or one for each without sigmoid"
            )
        if self.channels == 1 and (count != 2 or self.activation == "softmax"):
            raise ValueError("one channel tells two classes apart, by sigmoid or none")
        if (self.threshold is not None) is not (count == 2):
            raise ValueError("two classes have a threshold, more have none")
        if self.predicted_overlap is not None and count != 2:
            raise ValueError(f"an overlap is predicted of two classes, not of {count}")
        return self

    @model_validator(mode="after")
    def _operations_name_classes(self) -> Self:
        known = {one.label for one in self.classes[1:]}
        for operation in self.operations:
            named = named_labels(operation)
            if len(set(named)) != len(named):
                raise ValueError(f"{operation.op} names a class twice: {list(named)[:10]}")
            for label in named:
                if label not in known:
                    raise ValueError(
                        f"{operation.op} names {label!r}, which is no class but the background"
                    )
        return self


def named_labels(
    operation: LargestRegion | FillHoles | RemoveSmall | KeepLabels,
) -> tuple[str, ...]:
    """Return the classes that an operation names."""
    match operation:
        case LargestRegion():
            return operation.labels or ()
        case KeepLabels():
            return operation.labels
        case FillHoles() | RemoveSmall():
            return (operation.label,)
