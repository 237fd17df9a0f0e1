"""What a volume package takes and gives, as names and values for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bedside.package.antspynet import AntspynetModel
    from bedside.package.segmentation import SegmentationOutput, SegmentedClass
    from bedside.package.volume_models import VolumeModel
    from bedside.package.volumes import MillimetreRange, VolumeInput, VolumeLikeness


def volume_rows(declared: VolumeInput, unstated: str) -> list[tuple[str, str]]:
    """Return what a volume must be; `unstated` says what happens where nobody says what it is."""
    reach, sides, intensity = declared.field_of_view, declared.sides, declared.intensity
    return [
        ("one volume", ", ".join(declared.media)),
        ("modality", ", ".join(declared.modalities)),
        ("body part", ", ".join(declared.body_parts) or "any"),
        ("where nobody says", unstated),
        (
            "spacing",
            f"{_between(declared.spacing)}; the widest at most {declared.most_anisotropic:g} times "
            "the narrowest",
        ),
        (
            "field of view",
            f"left to right {_between(reach.left_right)}, back to front "
            f"{_between(reach.back_front)}, foot to head {_between(reach.foot_head)}",
        ),
        (
            "voxels",
            f"{sides.minimum} to {sides.maximum} along each axis, at most {declared.most_voxels}",
        ),
        (
            "values",
            f"at least {intensity.levels} different ones, at most "
            f"{intensity.most_at_one_level:.0%} of all voxels at one; neighbours correlate by at "
            f"least {intensity.least_continuity:g}",
        ),
        ("likeness", _likeness_words(declared.likeness)),
    ]


def _between(reach: MillimetreRange) -> str:
    return f"{reach.minimum:g} to {reach.maximum:g} mm"


def _likeness_words(likeness: VolumeLikeness | None) -> str:
    if likeness is None:
        return "not looked at"
    otherwise = "refused" if likeness.otherwise == "refuse" else "answered with a flag"
    if likeness.refuse_below is not None:
        otherwise += f", below {likeness.refuse_below:g} refused"
    return (
        f"at least {likeness.minimum:g} correlation with one of {len(likeness.references)} mean "
        f"thumbnails of {likeness.volumes} volumes; any other is {otherwise}"
    )


def segmentation_rows(output: SegmentationOutput) -> list[tuple[str, str]]:
    """Return what the labels are, and what is done to them."""
    rows = [("classes", ", ".join(_class_words(one) for one in output.classes))]
    if output.threshold is not None:
        meaning = output.threshold.meaning
        words = meaning.get("en") or next(iter(meaning.values()))
        rows.append(("threshold", f"{output.threshold.value:g}: {words}"))
    after = ", ".join(one.op for one in output.operations)
    return [*rows, ("after", after or "nothing"), ("measured", ", ".join(output.measurements))]


def _class_words(one: SegmentedClass) -> str:
    words = one.shown.get("en") or next(iter(one.shown.values()), "")
    return f"{one.value} = {one.label}{f' ({words})' if words else ''}"


def network_rows(model: VolumeModel) -> list[tuple[str, str]]:
    """Return how the network sees a volume, and what it needs."""
    inference = model.inference
    if inference.mode == "whole":
        seen = "the whole volume"
        if inference.shape is not None:
            seen += f", {' × '.join(map(str, inference.shape))}"
    else:
        seen = f"windows of {' × '.join(map(str, inference.patch))}, overlap {inference.overlap:g}"
    memory = "not measured" if model.memory is None else f"{model.memory / 2**20:.0f} MiB a run"
    return [
        ("model", f"{model.format}, {model.element}, {seen}"),
        ("memory", memory),
        ("operator sets", ", ".join(f"{name} {version}" for name, version in model.opset.items())),
    ]


def library_rows(model: AntspynetModel) -> list[tuple[str, str]]:
    """Return which function of the library runs, and the weights that it needs."""
    parameters = ", ".join(f"{name}={value}" for name, value in model.parameters.items())
    return [
        ("library", f"ANTsPyNet {model.library}: {model.function}({parameters})"),
        *(("weights", f"{name}, {one.size} bytes") for name, one in sorted(model.weights.items())),
    ]
