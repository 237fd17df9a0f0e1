from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bedside.package.outputs import Threshold
from bedside.package.segmentation import (
    FillHoles,
    KeepLabels,
    LargestRegion,
    MillilitreRange,
    RemoveSmall,
    SegmentationOutput,
    SegmentedClass,
)
from tests.package.card.volume_manifests import BACKGROUND, GREY, WHITE

HUMAN = MillilitreRange(minimum=900.0, maximum=2_000.0)
HALF = Threshold(value=0.5, meaning={"en": "half"})


def output(**changes: Any) -> SegmentationOutput:
    parts: dict[str, Any] = {
        "classes": (BACKGROUND, GREY),
        "activation": "sigmoid",
        "channels": 1,
        "threshold": HALF,
    }
    return SegmentationOutput(**{**parts, **changes})


@pytest.mark.parametrize(
    ("activation", "channels", "classes"),
    [
        ("sigmoid", 1, (BACKGROUND, GREY)),
        ("none", 1, (BACKGROUND, GREY)),
        ("softmax", 2, (BACKGROUND, GREY)),
        ("none", 2, (BACKGROUND, GREY)),
        ("softmax", 3, (BACKGROUND, GREY, WHITE)),
        ("none", 3, (BACKGROUND, GREY, WHITE)),
    ],
)
def test_channels_and_activation_that_fit(
    activation: str, channels: int, classes: tuple[SegmentedClass, ...]
) -> None:
    threshold = HALF if len(classes) == 2 else None
    found = output(classes=classes, activation=activation, channels=channels, threshold=threshold)
    assert found.channels == channels


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"activation": "softmax"}, "one channel tells two classes apart"),
        ({"channels": 2}, "2 channels with sigmoid"),
        ({"classes": (BACKGROUND, GREY, WHITE), "threshold": None}, "one channel tells two"),
        ({"activation": "none", "channels": 5}, "5 channels with none for 2 classes"),
        ({"threshold": None}, "two classes have a threshold, more have none"),
        ({"classes": (GREY, BACKGROUND)}, "must rise from 0"),
        ({"classes": (BACKGROUND, WHITE, GREY)}, "must rise from 0"),
        (
            {"classes": (BACKGROUND, SegmentedClass(value=3, label="background"))},
            "a label stands twice",
        ),
        ({"measurements": ("volume", "volume")}, "a measurement stands twice"),
        ({"measurements": ()}, "measurements"),
        ({"operations": (FillHoles(label="background"),)}, "no class but the background"),
        ({"operations": (KeepLabels(labels=("grey", "grey")),)}, "names a class twice"),
        (
            {"classes": (BACKGROUND.model_copy(update={"plausible": HUMAN}), GREY)},
            "the background has a plausible volume",
        ),
        ({"operations": (RemoveSmall(label="bone", least_millilitres=1.0),)}, "'bone'"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        output(**changes)


def test_the_largest_region_of_no_class_is_no_operation() -> None:
    with pytest.raises(ValidationError, match="at least 1 item"):
        LargestRegion(labels=())


def test_a_plausible_volume_is_a_range() -> None:
    with pytest.raises(ValidationError, match=r"minimum 2.0 mL is above maximum 1.0 mL"):
        MillilitreRange(minimum=2.0, maximum=1.0)
