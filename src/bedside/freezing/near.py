"""Rows next to the line where the shown label changes, found by bisection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

from bedside.errors import FreezeRefused, InputRefused
from bedside.freezing.domain import clip
from bedside.freezing.rows import RawRow
from bedside.package.fields import InputField, NumberField
from bedside.package.outputs import BinaryOutput, MulticlassOutput, NumberOutput, Output
from bedside.runtime.postprocess import Answer

T = TypeVar("T")
"""A row in the making: of a table, or a picture."""

MARGIN = 10
"""A golden label must hold when every score moves by this many tolerances."""

NEAR = 0.01
"""A case counts as near when its score is this near to the line; nearer where reachable."""

PAIRS = 3
"""Pairs of rows on the two sides of the line that are bisected."""

MOST_LABELS = 9
"""Labels between which lines are looked for; a model of many classes gets eight of its lines."""

LINE = "the line"
"""Stands in the note of every case that guards a line."""

HALVINGS = 14
"""Steps of 1/16,384 of the way: near enough to the line, and still far coarser than single
precision, so that no case lies on a split of a tree where rounding would decide."""


def nearest_to_a_line(
    pools: Iterable[Sequence[T]],
    asked: Callable[[Sequence[T]], Sequence[Answer]],
    between: Callable[[T, T, float], T],
    output: Output,
    usable: Callable[[T, Answer], bool],
) -> Iterator[tuple[str, T]]:
    """Yield rows on both sides of the line, each with a note, the nearest that is `usable`.

    Between a row with one label and a row with another, halving the way, rows are made until
    the line is near. Models that jump (trees) give the rows next to the jump.

    Args:
        pools: Rows among which two sides are looked for, the most plausible first.
        asked: The frozen model's answers.
        between: The row at a part of the way, 0 to 1, from one row to another.
        output: What the scores mean.
        usable: Whether a row may become a golden case.

    Raises:
        FreezeRefused: no two rows of `pools` get different labels, so no case can guard the line.
    """
    if isinstance(output, NumberOutput):
        return
    for first, second in _pairs(_by_label(pools, asked, output)):
        seen = _bisect(first, second, asked, between)
        for label in dict.fromkeys(answer.label for _, answer in seen):
            side = [
                (gap(answer, output), row)
                for row, answer in seen
                if answer.label == label and usable(row, answer)
            ]
            if side:
                distance, row = min(side, key=lambda pair: pair[0])
                word = "next to" if distance <= NEAR else "as near as found to"
                yield f"{word} {LINE}, on the side of {label!r}", row


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


def _by_label(
    pools: Iterable[Sequence[T]],
    asked: Callable[[Sequence[T]], Sequence[Answer]],
    output: BinaryOutput | MulticlassOutput,
) -> list[list[T]]:
    """Return rows grouped by the label that they get, from as few pools as show every label.

    Raises:
        FreezeRefused: all rows get one label.
    """
    found: dict[str | None, list[T]] = {}
    for rows in pools:
        for row, answer in zip(rows, asked(rows) if rows else (), strict=True):
            found.setdefault(answer.label, []).append(row)
        if len(found) == len(output.classes):
            break
    if len(found) == 1:
        line = "line between two classes"
        if isinstance(output, BinaryOutput):
            line = f"threshold {output.threshold.value:.12g}"
        raise FreezeRefused(
            f"No row of the domain was found on the other side of the {line}: every one gets "
            f"the label {next(iter(found))!r}, so no golden case would guard it.",
            advice="Move the threshold to where the model decides, widen the declared domain, or "
            "set golden.from_real_rows = true if your real rows may be searched and taken.",
        )
    return list(found.values())


def _pairs(groups: list[list[T]]) -> Iterator[tuple[T, T]]:
    """Yield pairs of rows with different labels; with many labels, each with the next."""
    for turn in range(PAIRS if len(groups) == 2 else 1):
        for first, second in pairwise(groups[:MOST_LABELS]):
            yield first[turn % len(first)], second[turn % len(second)]


def _bisect(
    first: T,
    second: T,
    asked: Callable[[Sequence[T]], Sequence[Answer]],
    between: Callable[[T, T, float], T],
) -> list[tuple[T, Answer]]:
    """Return both rows and every row tried between them, with their answers."""
    seen = list(zip((first, second), asked([first, second]), strict=True))
    label = seen[0][1].label
    start, end = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (start + end) / 2
        row = between(first, second, middle)
        try:
            answer = asked([row])[0]
        except InputRefused:  # a mixture of two pictures may look like neither
            break
        seen.append((row, answer))
        start, end = (middle, end) if answer.label == label else (start, middle)
    return seen


def row_between(
    first: RawRow, second: RawRow, way: float, fields: tuple[InputField, ...]
) -> RawRow:
    """Return the row at a part of the `way`: numbers moved, codes those of the nearer end."""
    row = {}
    for field in fields:
        a, b = first[field.name], second[field.name]
        if isinstance(field, NumberField) and a is not None and b is not None:
            row[field.name] = clip((1 - way) * a + way * b, field)
        else:
            row[field.name] = a if way < 0.5 else b
    return row
