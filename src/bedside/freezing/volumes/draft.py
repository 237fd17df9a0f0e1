"""The draft of a volume spec: every question in it, and what the model's files say proposed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bedside.canonical import Json
from bedside.freezing.draft.answers import evaluation_lines, identity_lines, origin_lines
from bedside.freezing.draft.draft import HEAD
from bedside.freezing.draft.facts import ModelFacts
from bedside.freezing.draft.toml import line, open_line, remark, text, texts, value
from bedside.freezing.draft.unanswered import DRAFT
from bedside.package.fields import Language
from bedside.package.volume_operations import VolumeOperation

LANGUAGES: Final[tuple[Language, ...]] = ("en", "ja")

_RANGES: Final = (
    ("spacing", "0.4", "5.0", "mm from voxel to voxel, along each axis"),
    ("sides", "32", "512", "voxels along each axis"),
)
_REACH: Final = (
    ("left_right", "130.0", "300.0"),
    ("back_front", "150.0", "300.0"),
    ("foot_head", "120.0", "320.0"),
)


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """What a volume model's files show of it.

    Attributes:
        file: Name of the folder or file.
        told: What it is, in words.
        operations: What its files declare before the network.
        channels: Of the network's output.
        activation: What makes probabilities of them.
    """

    file: str
    told: str
    operations: Sequence[VolumeOperation]
    channels: int
    activation: Literal["softmax", "sigmoid", "none"]


def draft_volume_spec(facts: VolumeFacts) -> str:
    """Return the draft of a spec as TOML."""
    return "\n".join(_lines(facts)) + "\n"


def _lines(facts: VolumeFacts) -> Iterator[str]:
    for told in (*HEAD, "", f"The model: {facts.file}, {facts.told}."):
        yield remark(told).rstrip()
    yield f"{DRAFT} = true"
    yield ""
    yield from identity_lines(ModelFacts(file=facts.file), LANGUAGES)
    for part in (_volume(), _preprocessing(facts), _output(facts), origin_lines(None)):
        yield ""
        yield from part
    yield ""
    yield from evaluation_lines()


def _volume() -> Iterator[str]:
    """Yield the domain: for a whole head by MR, which the author corrects."""
    media = ("nifti", "dicom-series", "dicom-enhanced")
    yield "[volume]"
    yield line("media", texts(media), "PROPOSED; which files may be sent")
    yield line("modalities", texts(("MR",)), "PROPOSED; DICOM modalities that it was trained on")
    yield line(
        "body_parts", texts(("HEAD", "BRAIN")), "PROPOSED; values of Body Part Examined; [] for any"
    )
    yield line("unstated", text("flag"), "PROPOSED; when nobody says these: refuse, flag or allow")
    yield line("most_voxels", value(2**26), "PROPOSED; more are refused from the header")
    yield line("most_anisotropic", "6.0", "PROPOSED; widest spacing by the narrowest")
    for name, least, most, told in _RANGES:
        written = f"{{ minimum = {least}, maximum = {most} }}"
        yield line(name, written, f"PROPOSED; {told}")
    yield ""
    yield "[volume.field_of_view]"
    for name, least, most in _REACH:
        written = f"{{ minimum = {least}, maximum = {most} }}"
        yield line(name, written, "PROPOSED for a whole head, in mm")


def _preprocessing(facts: VolumeFacts) -> Iterator[str]:
    yield remark("What is done before the network, in order; PROPOSED from the model's files.")
    for operation in facts.operations:
        yield ""
        yield "[[preprocessing]]"
        for name, given in operation.model_dump(mode="json").items():
            if name != "version":
                yield f"{name} = {_written(given)}"


def _output(facts: VolumeFacts) -> Iterator[str]:
    yield "[output]"
    yield line("kind", text("segmentation"), "PROPOSED")
    yield line("activation", text(facts.activation), "PROPOSED from the model's files")
    yield line("channels", value(facts.channels), "PROPOSED from the model's files")
    yield line("measurements", texts(("volume", "extents", "centre")), "PROPOSED; of each class")
    if (classes := max(facts.channels, 2)) == 2:
        meaning = '{ en = "?", ja = "?" }'
        yield ""
        yield "[output.threshold]"
        yield line("value", "0.5", "PROPOSED; at or above it a voxel is of the class")
        yield line("meaning", meaning, "why the line is drawn there")
    for number in range(classes):
        yield ""
        yield "[[output.classes]]"
        yield line("value", value(number), "PROPOSED; what the label map holds")
        if number == 0:
            yield line("label", text("background"), "PROPOSED")
            continue
        yield open_line("label", f"what channel {number} of the network means, like brain")
        yield line("shown", '{ en = "?", ja = "?" }', "the words that people read")
        yield remark("plausible = { minimum = 900.0, maximum = 2200.0 }   mL; others are flagged")
    yield ""
    yield remark("What is done to the labels afterwards, in order; for example:")
    yield remark("[[output.operations]]")
    yield remark('op = "largest_region"')


def _written(given: Json) -> str:
    match given:
        case list():
            return f"[{', '.join(_written(one) for one in given)}]"
        case float():
            return repr(given)
        case _:
            return value(given)
