"""How a trained network is served: what is done before it, and what its numbers mean."""

from __future__ import annotations

from typing import Final

from bedside.lab.brain.network import NetworkSettings
from bedside.lab.lesions.drawing import BRIGHTEST
from bedside.lab.lesions.package_words import BACKGROUND, LESION, THRESHOLD_MEANING
from bedside.package.outputs import Threshold
from bedside.package.segmentation import RemoveSmall, SegmentationOutput, SegmentedClass
from bedside.package.volume_operations import (
    ClipValues,
    CropForeground,
    PadToMultiple,
    Percentiles,
    Reorient,
    Resample,
    VolumeOperation,
)

LABEL: Final = "lesion-candidate"

SCALING: Final = Percentiles(low=0.5, high=98.0, clip=False, of="non-zero")
"""Of what is not 0: a head without its skull has nothing around it. Lesions may lie above 1."""


def operations(spacing: float, network: NetworkSettings) -> tuple[VolumeOperation, ...]:
    """Return what is done to a volume before the network.

    They bring white matter to about `drawing.SCALES`, in whole heads and without the skull.

    Args:
        spacing: Of the grid that it was trained on, mm.
        network: Says of what the sides must be multiples.
    """
    multiple = network.multiple
    return (
        Reorient(axes="RAS"),
        Resample(spacing=(spacing, spacing, spacing)),
        CropForeground(above=0.0, margin=multiple),
        PadToMultiple(multiple=(multiple, multiple, multiple)),
        SCALING,
        ClipValues(low=0.0, high=BRIGHTEST),
    )


def output(threshold: float, smallest: float) -> SegmentationOutput:
    """Return what the network's logits mean, and what is done with the candidates afterwards.

    Args:
        threshold: Of the probability.
        smallest: Candidates that are smaller are left out, mm³.
    """
    return SegmentationOutput(
        classes=(
            SegmentedClass(value=0, label="background", shown=BACKGROUND),
            SegmentedClass(value=1, label=LABEL, shown=LESION),
        ),
        activation="sigmoid",
        channels=1,
        threshold=Threshold(value=threshold, meaning=THRESHOLD_MEANING),
        operations=(RemoveSmall(label=LABEL, least_millilitres=smallest / 1_000),),
        measurements=("volume", "regions"),
    )
