"""Under “How it decides”: from the raw input to the words that are shown, step by step."""

from __future__ import annotations

from collections.abc import Iterator

from bedside.package.antspynet import AntspynetModel
from bedside.package.card.operations import operation_in_words
from bedside.package.card.parts import Block, Bullets, Pairs, Paragraph, Section, Table, Words
from bedside.package.card.volumes import (
    after_segmentation,
    library_step,
    segmentation_blocks,
    taken_by,
)
from bedside.package.card.words.speaker import Speaker, number
from bedside.package.explanation import Contributions, Occlusion, Reference
from bedside.package.manifest import AnyOutput, Manifest
from bedside.package.networks import ImageModel, Model
from bedside.package.outputs import BinaryOutput, MulticlassOutput, NumberOutput
from bedside.package.segmentation import SegmentationOutput
from bedside.package.volume_models import VolumeModel


def decision(manifest: Manifest, say: Speaker) -> Section:
    """Return the steps from input to answer, the threshold with its meaning, and the answers."""
    output = manifest.postprocessing
    steps = [operation_in_words(operation, say) for operation in manifest.preprocessing]
    steps += [_network(manifest, say), *_after(output, say)]
    blocks: list[Block] = [Paragraph(say("steps")), Bullets(tuple(steps), numbered=True)]
    if isinstance(output, BinaryOutput):
        rows: tuple[tuple[str, Words], ...] = (
            (say("threshold"), number(output.threshold.value)),
            (say("threshold-why"), say.author(output.threshold.meaning)),
        )
        blocks.append(Pairs(rows))
    if isinstance(output, SegmentationOutput):
        blocks += segmentation_blocks(output, say)
    elif not isinstance(output, NumberOutput):
        heads = (say("answer-label"), say("answer-shown"))
        answers = tuple(
            (one.label, say.author(one.shown) if one.shown else one.label) for one in output.classes
        )
        blocks.append(Table(say("answers"), heads, answers))
    blocks.append(Pairs(tuple(_explanation(manifest.explanation, say))))
    return Section("decides", say("decides"), tuple(blocks))


def shown(output: BinaryOutput | MulticlassOutput, label: str, say: Speaker) -> str:
    """Return the words that are shown for a label in the reader's language, else the label."""
    return next(
        (one.shown.get(say.language, label) for one in output.classes if one.label == label), label
    )


def _explanation(
    explanation: Occlusion | Contributions | None, say: Speaker
) -> Iterator[tuple[str, Words]]:
    match explanation:
        case None:
            yield say("explanation"), say("explains-none")
        case Occlusion():
            told = say("explains-occlusion", patch=explanation.patch, stride=explanation.stride)
            yield say("explanation"), told
        case Contributions():
            key = f"explains-{explanation.method}"
            yield say("explanation"), say(key, permutations=explanation.permutations)
            yield say("explains-reference"), _row(explanation.reference, say)
    if explanation is not None:
        yield say("explains-scale"), say(f"scale-{explanation.scale}")
        yield say("explains-cost"), say("explains-passes", passes=explanation.passes)


def _row(reference: Reference, say: Speaker) -> str:
    return say("between").join(
        f"{name} = {say('absent') if value is None else value}" for name, value in reference.items()
    )


def _network(manifest: Manifest, say: Speaker) -> str:
    model, gives = manifest.model, _gives(manifest.postprocessing, say)
    match model:
        case AntspynetModel():
            return library_step(model, gives, say)
        case VolumeModel():
            takes = taken_by(model, say)
        case ImageModel():
            channels, rows, columns = model.shape
            takes = say("takes-pixels", channels=channels, rows=rows, columns=columns)
        case Model():
            takes = say("takes-columns", count=model.width)
    return say(
        "network", format=model.format.upper(), element=model.element, takes=takes, gives=gives
    )


def _gives(output: AnyOutput, say: Speaker) -> str:
    match output:
        case SegmentationOutput():
            return say("gives-segmentation", count=len(output.classes))
        case BinaryOutput():
            return say("gives-binary", positive=shown(output, output.positive, say))
        case MulticlassOutput():
            return say("gives-multiclass")
        case NumberOutput():
            return say("gives-number", name=output.name, unit=output.unit)


def _after(output: AnyOutput, say: Speaker) -> Iterator[str]:
    match output:
        case SegmentationOutput():
            yield from after_segmentation(output, say)
        case BinaryOutput():
            calibration = output.calibration
            if calibration is None:
                yield say("calibration-none")
            elif calibration.kind == "platt":
                yield say("calibration-platt")
            else:
                yield say("calibration-isotonic", count=len(calibration.x))
            labels = [one.label for one in output.classes]
            negative = labels[1 - labels.index(output.positive)]
            yield say(
                "shows-binary",
                positive=shown(output, output.positive, say),
                negative=shown(output, negative, say),
                threshold=number(output.threshold.value),
            )
        case MulticlassOutput():
            yield say("shows-multiclass")
        case NumberOutput():
            yield say("shows-number")
            if output.plausible is not None:
                low, high = number(output.plausible.minimum), number(output.plausible.maximum)
                yield say("number-plausible", low=low, high=high, unit=output.unit)
