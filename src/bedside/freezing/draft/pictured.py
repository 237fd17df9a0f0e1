"""The picture domain of a draft: sizes, modalities and grey values proposed from a folder."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from bedside.freezing.draft.asked import ASKED
from bedside.freezing.draft.facts import ModelFacts, PictureFacts
from bedside.freezing.draft.ranges import proposed_range, written
from bedside.freezing.draft.toml import line, open_line, remark, text, texts
from bedside.package.images import MAX_SIDE


def takes_pictures(model: ModelFacts) -> bool:
    """Return whether the network's one input has four dimensions, the second 1 or 3 (channels)."""
    return len(model.inputs) == 1 and _sides(model) is not None


def image_lines(pictures: PictureFacts | None, model: ModelFacts) -> Iterator[str]:
    """Yield `[image]` and `[[preprocessing]]`."""
    yield remark("What a picture must be, or it is refused before the network sees it.")
    yield "[image]"
    if pictures is None:
        yield remark("Give a folder of your pictures with --data, and this part is proposed.")
        for name in ("media", "modalities"):
            yield line(name, '["?"]', ASKED[f"image.{name}"])
        yield open_line("pixels", ASKED["image.pixels"])
        for name in ("rows", "columns"):
            yield line(name, '{ minimum = "?", maximum = "?" }', ASKED[f"image.{name}"])
    else:
        yield from _domain(pictures)
    yield line("unstated", text("refuse"), f"PROPOSED; {ASKED['image.unstated']}")
    yield from _likeness()
    yield ""
    yield from _operations(pictures, model)


def _domain(seen: PictureFacts) -> Iterator[str]:
    told = f"PROPOSED from {seen.decoded} pictures"
    yield line("media", texts(seen.media), f"{told}; {ASKED['image.media']}")
    if seen.modalities:
        yield line("modalities", texts(seen.modalities), f"{told}; {ASKED['image.modalities']}")
    else:
        yield line("modalities", '["?"]', f"no picture says; {ASKED['image.modalities']}")
    for name, values in (("body_parts", seen.body_parts), ("views", seen.views)):
        if values:
            yield line(name, texts(values), f"{told}; {ASKED[f'image.{name}']}")
        else:
            yield line(name, '["?"]', f"no picture says; {ASKED[f'image.{name}']}; [] accepts any")
    if seen.unstated:
        yield remark(
            f"{seen.unstated} of {seen.decoded} pictures lack modality, body part or view."
        )
    both = f"; {seen.colours} of {seen.decoded} have colour" if seen.colours else ""
    pixels = "colour" if seen.colours == seen.decoded else "grey"
    yield line("pixels", text(pixels), f"{told}{both}")
    if seen.deep:
        yield remark(f"{seen.deep} of {seen.decoded} pictures have more than 256 grey values.")
    for name, (fewest, most) in (("rows", seen.rows), ("columns", seen.columns)):
        low, high = proposed_range(Decimal(fewest), Decimal(most), whole=True)
        ends = f"{max(1, int(low))}, maximum = {min(MAX_SIDE, int(high))}"
        yield line(name, f"{{ minimum = {ends} }}", f"{told}: from {fewest} to {most}")
    ratio = proposed_range(Decimal(1), Decimal(f"{seen.elongated:.2f}"), whole=False)[1]
    longest = written(max(ratio, Decimal("1.2")))
    yield line(
        "most_elongated", longest, f"{told}: at most {seen.elongated:.2f} times as long as wide"
    )


def _likeness() -> Iterator[str]:
    yield ""
    yield remark(
        "Refuses what does not look like your pictures; their mean is kept at 16 × 16 pixels."
    )
    yield "[image.likeness]"
    yield line("minimum", "0.5", f"PROPOSED; {ASKED['image.likeness.minimum']}")
    yield line("otherwise", text("refuse"), "PROPOSED; or flag: answer, with a reservation")


def _operations(pictures: PictureFacts | None, model: ModelFacts) -> Iterator[str]:
    yield remark(
        "What is done to a picture before the network sees it, in this order, as in training."
    )
    yield "[[preprocessing]]"
    yield line(
        "op",
        text("full_range"),
        "PROPOSED; or header_window, fixed_window (centre, width), percentile_window (low, high)",
    )
    channels, rows, columns = _sides(model) or (None, None, None)
    if pictures is not None and channels is not None:
        colour = pictures.colours == pictures.decoded
        if colour and channels == 1:
            yield from ("", "[[preprocessing]]", line("op", text("greyscale"), "PROPOSED"))
    yield from ("", "[[preprocessing]]")
    yield line("op", text("resize"), "PROPOSED; crop_square or pad_square before it, if so trained")
    for name, side in (("rows", rows), ("columns", columns)):
        if side is None:
            yield open_line(name, ASKED[f"preprocessing[].{name}"])
        else:
            yield line(name, str(side), "PROPOSED from the model's input")
    yield open_line("filter", ASKED["preprocessing[].filter"])
    if channels == 3 and not (pictures is not None and pictures.colours == pictures.decoded):
        told = "PROPOSED: the network takes three channels"
        yield from ("", "[[preprocessing]]", line("op", text("repeat_channel"), told))
    yield from ("", "[[preprocessing]]")
    yield line("op", text("normalise"), "PROPOSED; remove this block if training did not")
    for name in ("mean", "deviation"):
        yield line(name, '["?"]', f"{ASKED[f'preprocessing[].{name}']}, like [0.5]")


def _sides(model: ModelFacts) -> tuple[int, int | None, int | None] | None:
    """Return channels, rows and columns of the network's input; None where it takes no picture."""
    if not model.inputs or len(model.inputs[0].shape) != 4:
        return None
    channels, rows, columns = model.inputs[0].shape[1:]
    if channels not in (1, 3) or not isinstance(channels, int):
        return None
    return (
        channels,
        rows if isinstance(rows, int) else None,
        columns if isinstance(columns, int) else None,
    )
