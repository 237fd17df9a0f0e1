"""On what a model rests: data, figures, what freezing changed, and what a reader must mind."""

from __future__ import annotations

from collections.abc import Iterator

from bedside.package.card.parts import (
    Block,
    Bullets,
    Interval,
    Intervals,
    Notice,
    Pairs,
    Paragraph,
    Section,
    Table,
    Words,
)
from bedside.package.card.words.speaker import Speaker, figure, number, share
from bedside.package.images import ImageInput
from bedside.package.manifest import DataSet, Manifest, Metric
from bedside.package.outputs import BinaryOutput, MulticlassOutput
from bedside.package.volumes import VolumeInput

WIDE = 0.2
"""An interval of a share that is wider than this is named among the caveats."""

MOST_WIDE = 5


def metrics(manifest: Manifest, say: Speaker) -> Section:
    """Return which figures are reported, what each says, and how it was made."""
    ways = dict.fromkeys((metric.name, metric.method) for metric in manifest.evaluation.metrics)
    rows = tuple((name, say.measure(name), method) for name, method in ways)
    heads = (say("figure"), say("figure-means"), say("method"))
    return Section("metrics", say("metrics"), (Table(say("metrics-about"), heads, rows),))


def evaluation(manifest: Manifest, say: Speaker) -> Section:
    """Return the data on which it was examined."""
    blocks: list[Block] = [_data(manifest.evaluation.data, say)]
    if manifest.evaluation.notes:
        blocks.append(Pairs(((say("notes"), say.author(manifest.evaluation.notes)),)))
    if manifest.evaluation.data.digest in {data.digest for data in manifest.lineage.data}:
        blocks.append(Notice(say("same-data", split=manifest.lineage.split)))
    return Section("evaluation", say("evaluation"), tuple(blocks))


def training(manifest: Manifest, say: Speaker) -> Section:
    """Return the data that it learned from, with licences and basis of consent."""
    blocks: list[Block] = [_data(data, say) for data in manifest.lineage.data]
    blocks.append(Pairs(((say("split"), manifest.lineage.split),)))
    return Section("training", say("training"), tuple(blocks))


def _data(data: DataSet, say: Speaker) -> Pairs:
    return Pairs(
        (
            (say("data"), data.name),
            (say("rows"), str(data.rows)),
            (say("origin"), data.origin),
            (say("data-licence"), data.licence),
            (say("consent"), data.consent_basis),
            (say("digest"), data.digest),
        )
    )


def analyses(manifest: Manifest, say: Speaker) -> Section:
    """Return every figure with its interval, the whole first and then the groups."""
    found = sorted(manifest.evaluation.metrics, key=lambda metric: metric.subgroup is not None)
    heads = tuple(say(key) for key in ("figure", "group", "value", "interval", "cases"))
    rows = tuple(_figure(metric, say) for metric in found)
    blocks: list[Block] = [Table(say("figures"), heads, rows)]
    drawn = tuple(_drawn(metric) for metric in found if 0 <= metric.lower <= metric.upper <= 1)
    if drawn:
        blocks.append(Intervals(say("drawn"), drawn))
    return Section("analyses", say("analyses"), tuple(blocks))


def _figure(metric: Metric, say: Speaker) -> tuple[Words, ...]:
    low, high = figure(metric.lower), figure(metric.upper)
    told = say("interval-of", low=low, high=high, confidence=share(metric.confidence))
    interval = told if metric.lower < metric.upper else say("no-interval")
    group = metric.subgroup or say("everybody")
    return metric.name, group, figure(metric.value), interval, str(metric.n)


def _drawn(metric: Metric) -> Interval:
    label = f"{metric.name} [{metric.subgroup}]" if metric.subgroup else metric.name
    return Interval(label, metric.value, metric.lower, metric.upper)


def ethics(manifest: Manifest, say: Speaker) -> Section:
    """Return whose data it rests on, and what of them the package keeps."""
    every = dict.fromkeys((*manifest.lineage.data, manifest.evaluation.data))
    items = [say("ethics-consent", name=data.name, consent=data.consent_basis) for data in every]
    real = manifest.lineage.golden_from_real_rows
    items.append(say("ethics-golden-real" if real else "ethics-golden-made"))
    if isinstance(manifest.input, ImageInput) and manifest.input.likeness is not None:
        items.append(say("ethics-likeness", pictures=manifest.input.likeness.pictures))
    if isinstance(manifest.input, VolumeInput) and manifest.input.likeness is not None:
        items.append(say("ethics-volume-likeness", volumes=manifest.input.likeness.volumes))
    items.append(say("ethics-decides"))
    return Section("ethics", say("ethics"), (Bullets(tuple(dict.fromkeys(items))),))


def caveats(manifest: Manifest, say: Speaker) -> Section:
    """Return what a reader must mind, as far as the manifest shows it."""
    return Section("caveats", say("caveats"), (Bullets(tuple(_caveats(manifest, say))),))


def _caveats(manifest: Manifest, say: Speaker) -> Iterator[str]:
    yield say("caveat-domain")
    output = manifest.postprocessing
    if isinstance(output, MulticlassOutput) or (
        isinstance(output, BinaryOutput) and output.calibration is None
    ):
        yield say("caveat-uncalibrated")
    if manifest.explanation is not None:
        yield say("caveat-explains")
    found = manifest.evaluation.metrics
    if not any(metric.subgroup for metric in found):
        yield say("caveat-groups")
    wide = [m for m in found if m.lower >= 0 and m.upper <= 1 and m.upper - m.lower > WIDE]
    for metric in wide[:MOST_WIDE]:
        yield say(
            "caveat-wide",
            name=metric.name,
            group=metric.subgroup or say("everybody"),
            n=metric.n,
            low=figure(metric.lower),
            high=figure(metric.upper),
        )


def freezing(manifest: Manifest, say: Speaker) -> Section:
    """Return what freezing changed, the golden cases, and under what the package was verified."""
    lineage, conditions = manifest.lineage, manifest.conditions
    difference = lineage.difference
    tolerance = number(difference.tolerance)
    changed = (
        say("difference-of", largest=f"{difference.largest:.2g}", tolerance=tolerance)
        if difference.largest
        else say("no-difference", tolerance=tolerance)
    )
    golden = say(
        "golden-of", cases=manifest.golden.cases, tolerance=number(manifest.golden.tolerance)
    )
    rows: list[tuple[str, Words]] = [
        (say("largest-difference"), changed),
        (say("golden"), golden),
        (say("runtime"), say("runtime-of", range=conditions.runtime)),
        (say("processor"), conditions.processor),
        (say("optimisation"), conditions.graph_optimisation),
        (say("threads"), str(conditions.threads)),
        (say("verified-with"), _libraries(conditions.verified_with, say)),
    ]
    if lineage.environment and lineage.environment != conditions.verified_with:
        rows.append((say("trained-with"), _libraries(lineage.environment, say)))
    inside = [
        say("entry-of", name=name, size=entry.size, digest=entry.digest)
        for name, entry in manifest.entries.items()
    ]
    rows.append((say("entries"), "\n".join(inside)))
    about = Paragraph(say("freezing-about", rows=difference.rows))
    blocks = (about, Pairs(tuple(rows)), Paragraph(say("signature")))
    return Section("freezing", say("freezing"), blocks)


def _libraries(versions: dict[str, str], say: Speaker) -> str:
    return say("between").join(f"{name} {version}" for name, version in versions.items())
