"""What the author leaves out of a spec and the bundle says, filled in; what they state must agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from bedside.canonical import Json
from bedside.errors import FreezeRefused, UsageError
from bedside.freezing.monai.bundle import Bundle, read_bundle, refinements
from bedside.freezing.volumes.draft import VolumeFacts
from bedside.freezing.volumes.spec import VolumeSpec
from bedside.package.segmentation import SegmentationOutput, SegmentedClass

MEANING: Final = {
    "en": "As the MONAI bundle makes its labels.",
    "ja": "MONAI バンドルがラベルを決める値。",
}
"""Why the line is drawn there, where the author says nothing of it."""


def completed(answers: dict[str, Json], bundle: Bundle) -> dict[str, Json]:
    """Return the author's answers, with everything in them that the bundle decides.

    Args:
        answers: The spec as it was read.
        bundle: The bundle.

    Raises:
        UsageError: the author names no classes.
        FreezeRefused: what the bundle does to the labels does not fit the classes.
    """
    output = answers.get("output")
    if not isinstance(output, dict) or not isinstance(output.get("classes"), list):
        raise UsageError(
            "The spec has no [[output.classes]].",
            advice="Name each class with value, label and shown, the background (0) first.",
        )
    decided: dict[str, Any] = {
        "kind": "segmentation",
        "activation": bundle.finished.activation,
        "channels": bundle.channels,
        "operations": _operations(output["classes"], bundle),
    }
    if bundle.threshold is not None:
        decided["threshold"] = {"value": bundle.threshold, "meaning": MEANING}
    return {
        "preprocessing": [one.model_dump(mode="json") for one in bundle.prepared.operations],
        "inference": bundle.inference.model_dump(mode="json"),
        **answers,
        "output": {**decided, **output},
    }


def refuse_unlike(bundle: Bundle, spec: VolumeSpec) -> None:
    """Refuse a spec that states anything else than the bundle.

    Raises:
        FreezeRefused: names what the spec says, and what the bundle says.
    """
    output = spec.output
    if not isinstance(output, SegmentationOutput):
        raise FreezeRefused(
            f"The spec's output is a {output.kind}; the bundle makes labels.",
            advice='Write kind = "segmentation".',
        )
    stated = None if output.threshold is None else output.threshold.value
    pairs: tuple[tuple[str, object, object], ...] = (
        ("preprocessing", spec.preprocessing, bundle.prepared.operations),
        ("inference", spec.inference, bundle.inference),
        ("output.activation", output.activation, bundle.finished.activation),
        ("output.channels", output.channels, bundle.channels),
        ("output.threshold", stated, bundle.threshold),
        (
            "values of output.classes",
            [one.value for one in output.classes],
            list(range(max(2, bundle.channels))),
        ),
        (
            "output.operations",
            output.operations,
            refinements(bundle.finished.after, output.classes),
        ),
    )
    for name, told, meant in pairs:
        if told != meant:
            raise FreezeRefused(
                f"The spec has {name} {told}; the bundle has {meant}.",
                advice=f"Leave {name} out of the spec: the bundle decides it.",
            )


def facts_of(folder: Path) -> VolumeFacts:
    """Return what the bundle in `folder` shows of itself, for the draft of a spec.

    Raises:
        NotFound, FreezeRefused, LimitExceeded: it is no bundle that can be frozen.
    """
    bundle = read_bundle(folder)
    network = bundle.network.name if bundle.network is not None else "a network in TorchScript"
    return VolumeFacts(
        file=folder.name,
        told=f"the MONAI bundle {bundle.facts.name!r}: {network}",
        operations=bundle.prepared.operations,
        channels=bundle.channels,
        activation=bundle.finished.activation,
    )


def _operations(classes: list[Json], bundle: Bundle) -> list[Json]:
    """Return what the bundle does to labels, in the author's names of them."""
    named = [
        SegmentedClass(value=one["value"], label=one["label"])
        for one in classes
        if isinstance(one, dict) and _names(one)
    ]  # what is no class is told when the whole spec is read
    made = refinements(bundle.finished.after, tuple(named))
    return [one.model_dump(mode="json") for one in made]


def _names(one: dict[str, Json]) -> bool:
    value, label = one.get("value"), one.get("label")
    return type(value) is int and 0 <= value < 256 and isinstance(label, str) and bool(label)
