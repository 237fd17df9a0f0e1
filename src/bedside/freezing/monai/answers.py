"""The transforms after the network: activation, labels, and what is done to them.

Source: MONAI 1.6, `monai.transforms.post`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from bedside.canonical import Json
from bedside.freezing.monai.components import Component, read_components
from bedside.freezing.monai.configuration import Configuration
from bedside.package.segmentation import Neighbours

Activation: TypeAlias = Literal["softmax", "sigmoid", "none"]
Step: TypeAlias = "Literal['activation', 'labels', 'back'] | After"
"""Probabilities are made, labels are made, the volume's own grid is reached, or labels change."""

NEIGHBOURS: Final[Mapping[int | None, Neighbours]] = MappingProxyType(
    {None: 26, 1: 6, 2: 18, 3: 26}
)
"""MONAI's connectivity (hops along axes), and voxels that touch."""


@dataclass(frozen=True, slots=True)
class After:
    """Something done to the labels, by the values that MONAI gives them.

    Attributes:
        op: Name of a package's operation: `largest_region`, `fill_holes`, `remove_small`,
            `keep_labels`.
        values: Of which classes; None is every class but the background.
        together: Whether they count as one.
        neighbours: Which voxels touch.
        least_millilitres: Of `remove_small`.
    """

    op: Literal["largest_region", "fill_holes", "remove_small", "keep_labels"]
    values: tuple[int, ...] | None = None
    together: bool = False
    neighbours: Neighbours = 26
    least_millilitres: float = 0.0


@dataclass(slots=True)
class Finished:
    """What the transforms after the network become.

    Attributes:
        activation: What makes probabilities of the network's scores.
        threshold: Where probabilities become labels, of one channel; None takes the largest.
        nearest: Whether the bundle takes the nearest voxel on the way back.
        steps: What the bundle does, in its own order.
        notes: Sentences that the author must read.
    """

    activation: Activation = "none"
    threshold: float | None = None
    nearest: bool = False
    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def after(self) -> list[After]:
        """What is done to the labels, in order."""
        return [one for one in self.steps if isinstance(one, After)]

    @property
    def in_another_order(self) -> bool:
        """Whether a package, which brings probabilities back and labels them there, does otherwise."""
        if "back" not in self.steps:
            return False
        before = self.steps[: self.steps.index("back")]
        return self.nearest or any(one != "activation" for one in before)


Mapped: TypeAlias = Callable[[Component, Finished], None]

LATE: Final = (
    "{} brings labels, or the nearest voxel's probability, back to the volume's own grid; a package "
    "brings the probabilities back and labels them there, which is finer."
)


def map_answers(configuration: Configuration) -> Finished:
    """Return the transforms of the entry `postprocessing` as what a package declares.

    Raises:
        FreezeRefused: a transform, or an argument of one, has no counterpart; names it.
    """
    finished = Finished()
    for component in read_components(configuration, "postprocessing"):
        mapped = TABLE.get(component.plain_name)
        if mapped is None:
            raise component.refused(
                "has no declared counterpart",
                f"What maps: {', '.join(sorted(TABLE))}. Do it after the package, or ask for it.",
            )
        component.ignore("keys", "allow_missing_keys", "lazy")
        mapped(component, finished)
        component.done()
    if "labels" not in finished.steps:
        raise configuration.refused(
            "postprocessing makes no labels",
            "End it with AsDiscreted: argmax=true, or a threshold where there is one channel.",
        )
    return finished


def _nothing(component: Component, finished: Finished) -> None:
    component.ignore(*component.arguments)


def _activation(component: Component, finished: Finished) -> None:
    component.demand("other", None)
    component.ignore("dim")
    chosen = [one for one in ("softmax", "sigmoid") if component.flag(one, default=False)]
    if len(chosen) != 1 or finished.activation != "none" or "labels" in finished.steps:
        raise component.refused(
            "is not the one softmax or sigmoid before the labels", "Write exactly one of them."
        )
    if "back" in finished.steps:
        raise component.refused(
            "stands after Invert: scores would be brought back, and only then become probabilities",
            "A package brings probabilities back. Put it before Invert, evaluate again, freeze that.",
        )
    finished.activation = "softmax" if chosen == ["softmax"] else "sigmoid"
    finished.steps.append("activation")


def _labels(component: Component, finished: Finished) -> None:
    component.demand("to_onehot", None, False)
    component.demand("rounding", None)
    component.ignore("dim", "keepdim", "dtype")
    largest = component.flag("argmax", default=False)
    threshold = component.single("threshold", None)
    if "labels" in finished.steps or largest == (threshold is not None):
        raise component.refused(
            "makes labels neither by argmax nor by a threshold, or a second time",
            "Write argmax=true, or a threshold where the network has one channel.",
        )
    finished.threshold = None if largest else component.number("threshold")
    finished.steps.append("labels")


def _restored(component: Component, finished: Finished) -> None:
    component.ignore("transform", "orig_keys", "meta_keys", "orig_meta_keys", "meta_key_postfix")
    component.ignore("to_tensor", "device")
    component.demand("post_func", None)
    if "back" in finished.steps:
        raise component.refused("stands there twice", "Leave one out.")
    finished.nearest = component.flag("nearest_interp", default=True)
    finished.steps.append("back")
    if finished.in_another_order:
        finished.notes.append(LATE.format(component.name))


def _largest(component: Component, finished: Finished) -> None:
    component.demand("is_onehot", None, False)
    component.demand("num_components", 1)
    together = not component.flag("independent", default=True)
    found = After(
        "largest_region", _values(component), together, _neighbours(component, *NEIGHBOURS)
    )
    _add(component, finished, found)


def _holes(component: Component, finished: Finished) -> None:
    _neighbours(component, 1)
    _add(component, finished, After("fill_holes", _values(component)))


def _small(component: Component, finished: Finished) -> None:
    component.demand("by_measure", True, left_out=False)  # voxels differ from scan to scan
    component.demand("pixdim", None)
    component.demand("independent_channels", False, left_out=True)  # else labels are no regions
    component.demand("connectivity", 3, left_out=1)
    cubic_millimetres = component.number("min_size")
    _add(
        component,
        finished,
        After("remove_small", together=True, least_millilitres=cubic_millimetres / 1_000),
    )


def _kept(component: Component, finished: Finished) -> None:
    _add(component, finished, After("keep_labels", _values(component)))


def _add(component: Component, finished: Finished, after: After) -> None:
    if "labels" not in finished.steps:
        raise component.refused("stands before the labels are made", "Put it after AsDiscreted.")
    finished.steps.append(after)


def _values(component: Component) -> tuple[int, ...] | None:
    value = component.value("applied_labels", None)
    every: list[Json] = value if isinstance(value, list) else [value]
    if value is None:
        return None
    if not every or not all(type(one) is int and 0 < one < 256 for one in every):
        raise component.strange("applied_labels", value, "values of classes from 1 to 255")
    return tuple(dict.fromkeys(every))  # a class named twice is meant once


def _neighbours(component: Component, *accepted: int | None) -> Neighbours:
    value = component.single("connectivity", None)
    if value not in accepted or isinstance(value, bool):
        words = " or ".join("null" if one is None else str(one) for one in accepted)
        raise component.strange("connectivity", value, words)
    return NEIGHBOURS[value]


TABLE: Final[Mapping[str, Mapped]] = MappingProxyType(
    {
        **dict.fromkeys(("SaveImage", "EnsureType", "ToTensor", "ToDevice", "Identity"), _nothing),
        "Activations": _activation,
        "AsDiscrete": _labels,
        "Invert": _restored,
        "KeepLargestConnectedComponent": _largest,
        "FillHoles": _holes,
        "RemoveSmallObjects": _small,
        "LabelFilter": _kept,
    }
)
"""Names of MONAI's transforms, and how each is declared."""
