"""What is to be shown over a volume, and how."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.imaging.measuring.extents import Triple

Language: TypeAlias = Literal["en", "ja"]

Convention: TypeAlias = Literal["radiological", "neurological"]
"""Radiological: the patient's right is at the left of the picture; neurological: at the right."""


@dataclass(frozen=True, slots=True)
class ShownClass:
    """One class of a label map.

    Attributes:
        value: Its value in the map, not 0.
        name: What it is called; stands in the legend where its letters can be drawn.
        label: What stands there where they cannot be; the value, where this cannot be drawn either.
    """

    value: int
    name: str
    label: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What was found in a volume, on its grid.

    Attributes:
        labels: uint8 along (i, j, k), or None.
        probability: float32 from 0 to 1 along (i, j, k), or None.
        classes: What of the label map is shown; where empty, every value but 0.
        focus: The centre of the largest region of it in mm, RAS+, where it is known already.
    """

    labels: NDArray[np.uint8] | None = None
    probability: NDArray[np.float32] | None = None
    classes: tuple[ShownClass, ...] = ()
    focus: Triple | None = None

    def check(self, shape: tuple[int, ...]) -> None:
        """Check that all lies on a grid of this shape.

        Raises:
            UsageError: it lies on another.
        """
        for name, array in (("labels", self.labels), ("probability", self.probability)):
            if array is not None and array.shape != shape:
                raise UsageError(
                    f"{name} has {array.shape} voxels and the volume {shape}.",
                    advice="Bring it back to the volume's own grid first.",
                )

    def shown_classes(self) -> tuple[ShownClass, ...]:
        """Return what is drawn of the label map: the named classes, or all that occur."""
        if self.labels is None:
            return ()
        if self.classes:
            return self.classes
        values = np.flatnonzero(np.bincount(self.labels.ravel(order="K"), minlength=256))
        return tuple(ShownClass(int(value), str(value)) for value in values if value)

    def each_class(self) -> Iterator[NDArray[np.uint8]]:
        """Yield, class by class, 1 inside and 0 outside."""
        if self.labels is not None:
            for shown in self.shown_classes():
                yield np.equal(self.labels, shown.value).view(np.uint8)

    def found(self) -> NDArray[np.bool_] | None:
        """Return where anything shown was found; by the probability (≥ 0.5) without labels."""
        if self.labels is not None:
            values = [one.value for one in self.shown_classes()]
            found: NDArray[np.bool_]
            if len(values) == 1:
                found = self.labels == values[0]
                return found
            shown = np.zeros(256, dtype=np.bool_)
            shown[values] = True
            found = shown[self.labels]
            return found
        return None if self.probability is None else self.probability >= 0.5


@dataclass(frozen=True, slots=True)
class Style:
    """How it is shown.

    Attributes:
        language: Of the words in the picture.
        convention: On which side the patient's right is.
        recorded: False writes into the picture that it stands in no ledger and is not for
            clinical use.
        probability: Whether the probability is shown as a heat map, in place of outlines.
        window: What is black and what is white, in the volume's values; None takes percentiles.
    """

    language: Language = "en"
    convention: Convention = "radiological"
    recorded: bool = True
    probability: bool = False
    window: tuple[float, float] | None = None
