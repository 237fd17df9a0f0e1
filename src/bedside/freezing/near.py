"""Rows next to the line where the shown label changes, found by bisection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from bedside.freezing.domain import clip
from bedside.freezing.frames import RawRow
from bedside.freezing.spec import GoldenOptions
from bedside.package.fields import InputField, NumberField
from bedside.package.outputs import BinaryOutput, NumberOutput, Output
from bedside.runtime.postprocess import Answer

Answering: TypeAlias = Callable[[Sequence[RawRow]], Sequence[Answer]]

MARGIN = 10
"""A golden label must hold when every score moves by this many tolerances."""

NEAR = 0.01
"""A case counts as near when its score is this near to the line; nearer where reachable."""

PAIRS = 3
"""Pairs of rows on the two sides of the line that are bisected."""

SEARCHED = 400
"""Synthesised rows among which two sides are looked for."""

HALVINGS = 14
"""Steps of 1/16,384 of the way: near enough to the line, and still far coarser than single
precision, so that no case lies on a split of a tree where rounding would decide."""


def nearest_to_a_line(
    draw: Callable[[], RawRow],
    fields: tuple[InputField, ...],
    frozen: Answering,
    output: Output,
    options: GoldenOptions,
) -> Iterator[tuple[str, RawRow]]:
    """Yield rows on both sides of the line, each with a note, as near as the margin allows.

    Between a row with one label and a row with another, the number fields are moved step by
    step, halving the way. Models that jump (trees) give the rows next to the jump.
    """
    if isinstance(output, NumberOutput):
        return
    for first, second in _pairs(draw, frozen):
        seen = _bisect(first, second, fields, frozen)
        for label in dict.fromkeys(answer.label for _, answer in seen):
            side = [
                (gap(answer, output), row)
                for row, answer in seen
                if answer.label == label and stable(answer, output, options.tolerance)
            ]
            if side:
                distance, row = min(side, key=lambda pair: pair[0])
                word = "next to" if distance <= NEAR else "as near as found to"
                yield f"{word} the line, on the side of {label!r}", row


def gap(answer: Answer, output: Output) -> float:
    """Return how far the scores are from showing another label; 1.0 for a number."""
    if isinstance(output, NumberOutput):
        return 1.0
    if isinstance(output, BinaryOutput):
        return abs(answer.scores[output.positive] - output.threshold.value)
    best, second = sorted(answer.scores.values(), reverse=True)[:2]
    return best - second


def stable(answer: Answer, output: Output, tolerance: float) -> bool:
    """Return whether the label holds when scores move by `MARGIN` tolerances."""
    return gap(answer, output) >= MARGIN * tolerance


def _pairs(draw: Callable[[], RawRow], frozen: Answering) -> Iterator[tuple[RawRow, RawRow]]:
    rows = [draw() for _ in range(SEARCHED)]
    labels = [answer.label for answer in frozen(rows)]
    other = [i for i, label in enumerate(labels) if label != labels[0]]
    same = [i for i, label in enumerate(labels) if label == labels[0]]
    for first, second in list(zip(same, other, strict=False))[:PAIRS]:
        yield rows[first], rows[second]


def _bisect(
    first: RawRow, second: RawRow, fields: tuple[InputField, ...], frozen: Answering
) -> list[tuple[RawRow, Answer]]:
    """Return every row tried between `first` and `second`, with its answer."""
    start, end = 0.0, 1.0
    label = frozen([first])[0].label
    seen: list[tuple[RawRow, Answer]] = []
    for _ in range(HALVINGS):
        middle = (start + end) / 2
        row = _between(first, second, middle, fields)
        answer = frozen([row])[0]
        seen.append((row, answer))
        start, end = (middle, end) if answer.label == label else (start, middle)
    return seen


def _between(first: RawRow, second: RawRow, way: float, fields: tuple[InputField, ...]) -> RawRow:
    row = {}
    for field in fields:
        a, b = first[field.name], second[field.name]
        if isinstance(field, NumberField):
            row[field.name] = clip((1 - way) * a + way * b, field)
        else:
            row[field.name] = a if way < 0.5 else b
    return row
