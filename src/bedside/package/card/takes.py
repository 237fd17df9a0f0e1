"""Under “Factors”: the fields or the picture that a model takes, and for whom it was examined."""

from __future__ import annotations

from collections.abc import Iterator

from bedside.package.card.parts import Block, Notice, Pairs, Paragraph, Section, Table, Words
from bedside.package.card.volumes import volume_blocks
from bedside.package.card.words.speaker import Speaker, number, share
from bedside.package.fields import CategoryField, InputField, NumberField, TabularInput
from bedside.package.images import ImageInput, Likeness
from bedside.package.manifest import Manifest
from bedside.package.volumes import VolumeInput

NO_UNIT = "1"
"""UCUM's unit of a quantity that has none."""


def factors(manifest: Manifest, say: Speaker) -> Section:
    """Return what the model takes and which groups of people were examined separately."""
    blocks: list[Block] = []
    match manifest.input:
        case TabularInput():
            blocks += _fields(manifest.input, say)
        case ImageInput():
            blocks += _picture(manifest.input, say)
        case VolumeInput():
            blocks += volume_blocks(manifest.input, say)
    groups = dict.fromkeys(m.subgroup for m in manifest.evaluation.metrics if m.subgroup)
    if groups:
        blocks.append(Paragraph(say("groups", groups=say.listed(groups))))
    else:
        blocks.append(Notice(say("no-groups")))
    return Section("factors", say("factors"), tuple(blocks))


def _fields(declared: TabularInput, say: Speaker) -> Iterator[Block]:
    yield Paragraph(say("takes-fields", count=len(declared.fields)))
    heads = ["field", "field-kind", "field-unit", "field-allowed", "field-missing"]
    told = any(field.description for field in declared.fields)
    rows = []
    for field in declared.fields:
        missing = say(f"missing-{field.missing}")
        row: list[Words] = [field.name, *_kind(field, say), missing]
        rows.append((*row, say.author(field.description)) if told else tuple(row))
    if told:
        heads.append("field-meaning")
    yield Table(say("fields"), tuple(say(head) for head in heads), tuple(rows))


def _kind(field: InputField, say: Speaker) -> tuple[str, str, str]:
    match field:
        case NumberField():
            kind = say("kind-whole" if field.whole else "kind-number")
            low, high = number(field.minimum), number(field.maximum)
            return kind, _unit(field, say), say("range", low=low, high=high)
        case CategoryField():
            allowed = say.listed(field.categories)
            if field.unknown == "allow":
                allowed = say("between").join((allowed, say("others-allowed")))
            return say("kind-category"), "", allowed


def _unit(field: NumberField, say: Speaker) -> str:
    unit = say("no-unit") if field.unit == NO_UNIT else field.unit
    others = [conversion.unit for conversion in field.conversions]
    return say("also-in", unit=unit, others=say.listed(others)) if others else unit


def _picture(declared: ImageInput, say: Speaker) -> Iterator[Block]:
    yield Paragraph(say("takes-picture"))
    intensity = declared.intensity
    rows: list[tuple[str, Words]] = [
        (say("media"), say.listed(medium.upper() for medium in declared.media)),
        (say("modalities"), say.listed(declared.modalities)),
        (say("body-parts"), say.listed(declared.body_parts) or say("any")),
        (say("views"), say.listed(declared.views) or say("any")),
        (say("unstated"), say(f"unstated-{declared.unstated}")),
        (say("pixels"), say(f"pixels-{declared.pixels}")),
        (
            say("size"),
            say(
                "size-range",
                rows=_between(declared.rows.minimum, declared.rows.maximum, say),
                columns=_between(declared.columns.minimum, declared.columns.maximum, say),
                ratio=number(declared.most_elongated),
            ),
        ),
        (
            say("grey-values"),
            say(
                "grey-values-range",
                levels=intensity.levels,
                share=share(intensity.most_at_one_level),
            ),
        ),
    ]
    rows += _likeness(declared.likeness, say)
    yield Pairs(tuple(rows))


def _between(low: int, high: int, say: Speaker) -> str:
    return str(low) if low == high else say("range", low=low, high=high)


def _likeness(likeness: Likeness | None, say: Speaker) -> Iterator[tuple[str, Words]]:
    if likeness is None:
        return
    minimum, key = number(likeness.minimum), f"likeness-{likeness.otherwise}"
    yield say("likeness"), say(key, minimum=minimum, pictures=likeness.pictures)
    if likeness.polarity == "by-likeness":
        yield say("polarity"), say("polarity-by-likeness")
