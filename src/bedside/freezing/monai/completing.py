"""What the author leaves out of a spec and the bundle says, filled in; the rest stays theirs."""

from __future__ import annotations

from typing import Any, Final

from bedside.canonical import Json
from bedside.errors import UsageError
from bedside.freezing.monai.bundle import Bundle, refinements
from bedside.package.segmentation import SegmentedClass

DECIDED: Final = ("preprocessing", "inference")
"""What the bundle alone decides."""

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
        UsageError: the author states what the bundle decides, or no output.
        FreezeRefused: what the bundle does to the labels does not fit the classes.
    """
    if stated := [name for name in DECIDED if name in answers]:
        raise UsageError(
            f"The spec states {stated[0]!r}, which the bundle's configuration decides.",
            advice=f"Leave [{stated[0]}] out of the spec.",
        )
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
        **answers,
        "preprocessing": [one.model_dump(mode="json") for one in bundle.prepared.operations],
        "inference": bundle.inference.model_dump(mode="json"),
        "output": {**decided, **output},
    }


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
