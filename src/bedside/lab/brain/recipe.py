"""How a trained network is served: what is done before it, and what its numbers mean."""

from __future__ import annotations

from typing import Final

from bedside.lab.brain.network import NetworkSettings
from bedside.lab.brain.package_words import BACKGROUND, BRAIN, threshold_meaning
from bedside.lab.brain.scaling import SCALING
from bedside.package.outputs import Threshold
from bedside.package.segmentation import (
    FillHoles,
    LargestRegion,
    MillilitreRange,
    SegmentationOutput,
    SegmentedClass,
)
from bedside.package.volume_operations import PadToMultiple, Reorient, Resample, VolumeOperation

LABEL: Final = "brain"
THRESHOLD: Final = 0.24

PLAUSIBLE: Final = MillilitreRange(minimum=800.0, maximum=2_300.0)
"""mL of the mask from a child of school age to a large man's head."""


def operations(spacing: float, network: NetworkSettings) -> tuple[VolumeOperation, ...]:
    """Return what is done to a volume before the network.

    Args:
        spacing: Of the grid that it was trained on, mm.
        network: Says of what the sides must be multiples.
    """
    multiple = network.multiple
    return (
        Reorient(axes="RAS"),
        Resample(spacing=(spacing, spacing, spacing)),
        PadToMultiple(multiple=(multiple, multiple, multiple)),
        SCALING,
    )


def output(threshold: float = THRESHOLD) -> SegmentationOutput:
    """Return what the network's logits mean, and what is done with the mask afterwards.

    Args:
        threshold: Of the probability.
    """
    return SegmentationOutput(
        classes=(
            SegmentedClass(value=0, label="background", shown=BACKGROUND),
            SegmentedClass(value=1, label=LABEL, shown=BRAIN, plausible=PLAUSIBLE),
        ),
        activation="sigmoid",
        channels=1,
        threshold=Threshold(value=threshold, meaning=threshold_meaning(threshold)),
        operations=(LargestRegion(), FillHoles(label=LABEL)),
        measurements=("volume", "extents", "centre", "head-centre", "regions"),
    )
