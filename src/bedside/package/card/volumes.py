"""What the card says of volumes: what is taken, each operation, and what comes of each voxel."""

from __future__ import annotations

from collections.abc import Iterator

from bedside.package.antspynet import AntspynetModel
from bedside.package.card.parts import Block, Pairs, Paragraph, Table, Words
from bedside.package.card.words.speaker import Speaker, number, share
from bedside.package.segmentation import (
    FillHoles,
    KeepLabels,
    LargestRegion,
    RemoveSmall,
    SegmentationOutput,
    SegmentedClass,
)
from bedside.package.volume_models import SlidingInference, VolumeModel
from bedside.package.volume_operations import (
    ClipValues,
    Conform,
    CropForeground,
    CropOrPad,
    EightBit,
    PadToMultiple,
    Percentiles,
    Reorient,
    Resample,
    ScaleRange,
    SubtractDivide,
    VolumeOperation,
    told_sides,
)
from bedside.package.volumes import MillimetreRange, VolumeInput, VolumeLikeness


def volume_blocks(declared: VolumeInput, say: Speaker) -> Iterator[Block]:
    """Return what a volume must be."""
    yield Paragraph(say("takes-volume"))
    rows: list[tuple[str, Words]] = [
        (say("media"), say.listed(say(f"medium-{one}") for one in declared.media)),
        (say("modalities"), say.listed(declared.modalities)),
        (say("body-parts"), say.listed(declared.body_parts) or say("any")),
        (say("unstated"), say(f"unstated-{declared.unstated}")),
        (say("spacing"), _spacing(declared, say)),
        (say("field-of-view"), _field_of_view(declared, say)),
        (
            say("voxels"),
            say(
                "voxels-range",
                low=declared.sides.minimum,
                high=declared.sides.maximum,
                most=declared.most_voxels,
            ),
        ),
        (say("voxel-values"), _values(declared, say)),
    ]
    if declared.likeness is not None:
        rows.append((say("likeness"), _likeness(declared.likeness, say)))
    yield Pairs(tuple(rows))


def volume_values(operation: VolumeOperation, say: Speaker) -> dict[str, object]:
    """Return what stands at the places of an operation's sentence."""
    match operation:
        case Reorient():
            return {"axes": operation.axes}
        case Resample() | Conform():
            return _resampled(operation, say)
        case CropForeground():
            return {"above": number(operation.above), "margin": operation.margin}
        case CropOrPad():
            return {"shape": told_sides(operation.shape), "value": number(operation.value)}
        case PadToMultiple():
            return {"multiple": told_sides(operation.multiple), "value": number(operation.value)}
        case _:
            return _scaled(operation)


def _resampled(operation: Resample | Conform, say: Speaker) -> dict[str, object]:
    interpolation = say(f"interpolation-{operation.interpolation}")
    if isinstance(operation, Resample):
        spacing = " × ".join(map(number, operation.spacing))
        return {"spacing": spacing, "interpolation": interpolation}
    return {
        "side": operation.side,
        "spacing": number(operation.spacing),
        "axes": operation.axes,
        "interpolation": interpolation,
    }


def _scaled(operation: VolumeOperation) -> dict[str, object]:
    match operation:
        case EightBit():
            return {"rest": share(1 - operation.share)}
        case ClipValues() | Percentiles():
            return {"low": number(operation.low), "high": number(operation.high)}
        case ScaleRange():
            low, high = number(operation.from_low), number(operation.from_high)
            to_low, to_high = number(operation.to_low), number(operation.to_high)
            return {"low": low, "high": high, "to_low": to_low, "to_high": to_high}
        case SubtractDivide():
            return {"subtract": number(operation.subtract), "divide": number(operation.divide)}
        case _:
            return {}


def taken_by(model: VolumeModel, say: Speaker) -> str:
    """Return what the network sees at once."""
    inference = model.inference
    if isinstance(inference, SlidingInference):
        patch, overlap = told_sides(inference.patch), share(inference.overlap)
        return say("takes-windows", patch=patch, overlap=overlap)
    return say("takes-whole")


def library_step(model: AntspynetModel, gives: str, say: Speaker) -> str:
    """Return which function of which library computes what."""
    return say("library", function=model.function, library=model.library, gives=gives)


def after_segmentation(output: SegmentationOutput, say: Speaker) -> Iterator[str]:
    """Return what is done after the network, step by step."""
    if output.threshold is not None:
        label = shown_class(output.classes[1], say)
        yield say("shows-threshold", label=label, threshold=number(output.threshold.value))
    else:
        yield say("shows-strongest")
    for operation in output.operations:
        match operation:
            case LargestRegion():
                yield say("after-largest_region")
            case FillHoles():
                yield say("after-fill_holes", label=operation.label)
            case RemoveSmall():
                least = number(operation.least_millilitres)
                yield say("after-remove_small", label=operation.label, least=least)
            case KeepLabels():
                yield say("after-keep_labels", labels=say.listed(operation.labels))


def segmentation_blocks(output: SegmentationOutput, say: Speaker) -> Iterator[Block]:
    """Return the classes, and what is measured of each."""
    if output.threshold is not None:
        why = say.author(output.threshold.meaning)
        value = number(output.threshold.value)
        yield Pairs(((say("threshold"), value), (say("threshold-why"), why)))
    heads = tuple(map(say, ("answer-value", "answer-label", "answer-shown", "answer-plausible")))
    rows = tuple(
        (
            str(one.value),
            one.label,
            say.author(one.shown) if one.shown else one.label,
            _plausible(one, say),
        )
        for one in output.classes
    )
    yield Table(say("answers"), heads, rows)
    measured = say.listed(say(f"measured-{one}") for one in output.measurements)
    yield Pairs(((say("measured"), measured), *_expected(output, say)))


def _expected(output: SegmentationOutput, say: Speaker) -> Iterator[tuple[str, str]]:
    """Return how well the masks' fit is foretold, where it is."""
    declared = output.predicted_overlap
    if declared is not None:
        known = declared.calibration
        told = say(
            "expected-overlap-of",
            below=number(declared.flag_below),
            error=number(known.mean_absolute_error),
            cases=str(known.cases),
            patients=str(known.patients),
        )
        yield say("expected-overlap"), told


def shown_class(one: SegmentedClass, say: Speaker) -> str:
    """Return the words for a class in the reader's language, else its label."""
    return one.shown.get(say.language, one.label)


def _plausible(one: SegmentedClass, say: Speaker) -> str:
    if one.plausible is None:
        return ""
    low, high = number(one.plausible.minimum), number(one.plausible.maximum)
    return say("plausible-range", low=low, high=high)


def _spacing(declared: VolumeInput, say: Speaker) -> str:
    return say(
        "spacing-range",
        low=number(declared.spacing.minimum),
        high=number(declared.spacing.maximum),
        ratio=number(declared.most_anisotropic),
    )


def _field_of_view(declared: VolumeInput, say: Speaker) -> str:
    reach = declared.field_of_view
    return say(
        "field-of-view-range",
        left_right=_between(reach.left_right, say),
        back_front=_between(reach.back_front, say),
        foot_head=_between(reach.foot_head, say),
    )


def _between(reach: MillimetreRange, say: Speaker) -> str:
    return say("range", low=number(reach.minimum), high=number(reach.maximum))


def _values(declared: VolumeInput, say: Speaker) -> str:
    intensity = declared.intensity
    return say(
        "voxel-values-range",
        levels=intensity.levels,
        share=share(intensity.most_at_one_level),
        continuity=number(intensity.least_continuity),
    )


def _likeness(likeness: VolumeLikeness, say: Speaker) -> str:
    told = {
        "minimum": number(likeness.minimum),
        "references": len(likeness.references),
        "volumes": likeness.volumes,
    }
    if likeness.refuse_below is not None:
        return say("volume-likeness-both", least=number(likeness.refuse_below), **told)
    return say(f"volume-likeness-{likeness.otherwise}", **told)
