"""Native against frozen, the whole way from the raw row to the label; refused by name if unequal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedside.errors import FreezeRefused
from bedside.freezing.comparison import Comparison
from bedside.freezing.domain import Group
from bedside.freezing.rows import RawRow
from bedside.freezing.sources.source import Native
from bedside.package.outputs import BinaryOutput, NumberOutput
from bedside.runtime.postprocess import Answer

MOST_SHOWN = 5
"""Worst cases in a refusal: enough to see a pattern, few enough to read."""

ROUNDING = 1e-6
"""Scores nearer than this to the threshold are no other score to move it to."""


@dataclass(frozen=True, slots=True)
class Case:
    """One compared row.

    Attributes:
        group: What the row tries.
        position: Where it stands in the group.
        native: The native scores, and the label where there is one.
        frozen: The frozen ones.
        difference: Of a probability; relative for a number; infinite where one is no number.
        same_label: Whether both show the same label.
        scores: The native scores by name.
    """

    group: Group
    position: int
    native: str
    frozen: str
    difference: float
    same_label: bool
    scores: Mapping[str, float]


def compare(
    native: Native,
    frozen: Callable[[Sequence[RawRow]], Sequence[Answer]],
    groups: Sequence[Group],
    tolerance: float,
    typical: float | None,
) -> Comparison:
    """Return how near the frozen answers come to the native ones.

    `typical` is what `typical_size` gives.

    Raises:
        FreezeRefused: a score differs by more than `tolerance`, or a label differs; names the
            model, the worst cases and the likely cause.
    """
    cases: list[Case] = []
    summary = []
    for group in groups:
        own = list(_cases(group, native, frozen, typical))
        summary.append((group.name, len(own), max(case.difference for case in own)))
        cases.extend(own)
    wrong = [case for case in cases if case.difference > tolerance or not case.same_label]
    if wrong:
        raise _refusal(native, wrong, cases, tolerance)
    return Comparison(
        rows=len(cases),
        largest=max(case.difference for case in cases),
        tolerance=tolerance,
        groups=tuple(summary),
    )


def typical_size(native: Native, group: Group) -> float | None:
    """Return the size of a usual number, which differences are relative to; None for classes."""
    if not isinstance(native.output, NumberOutput):
        return None
    sizes = [np.abs(native(part, group.name).scores) for part in group.parts()]
    return float(np.median(np.concatenate(sizes))) or 1.0


def _cases(
    group: Group,
    native: Native,
    frozen: Callable[[Sequence[RawRow]], Sequence[Answer]],
    typical: float | None,
) -> Iterator[Case]:
    position = 0
    for rows in group.parts():
        expected, answers = native(rows, group.name), frozen(rows)
        found = np.array([[answer.scores[name] for name in expected.names] for answer in answers])
        differences = differences_of(expected.scores, found, typical)
        for i, answer in enumerate(answers):
            yield Case(
                group=group,
                position=position,
                native=_shown(expected.scores[i], expected.labels[i]),
                frozen=_shown(found[i], answer.label),
                difference=float(differences[i]),
                same_label=expected.labels[i] == answer.label,
                scores=dict(zip(expected.names, expected.scores[i].tolist(), strict=True)),
            )
            position += 1


def differences_of(
    native: NDArray[np.float64], frozen: NDArray[np.float64], typical: float | None
) -> NDArray[np.float64]:
    """Return the largest difference of each row: absolute, or relative to at least `typical`."""
    gap = np.abs(native - frozen)
    if typical is not None:
        gap = gap / np.maximum(np.abs(native), typical)
    worst: NDArray[np.float64] = np.where(np.isnan(gap), math.inf, gap).max(axis=1)
    return worst


def _shown(scores: NDArray[np.float64], label: str | None) -> str:
    text = " ".join(f"{score:.7g}" for score in scores[:4])
    return f"{text}{' …' if len(scores) > 4 else ''}{f' ({label})' if label is not None else ''}"


def _refusal(
    native: Native, wrong: list[Case], cases: list[Case], tolerance: float
) -> FreezeRefused:
    wrong.sort(key=lambda case: (case.same_label, -case.difference))
    largest = max(case.difference for case in wrong)
    table = "\n".join(
        f"  {case.group.name}: {case.group.shown(case.position)}\n    native {case.native}\n    frozen {case.frozen}"
        for case in wrong[:MOST_SHOWN]
    )
    return native.refuse(
        f"the frozen model differs from the native one on {len(wrong)} of {len(cases)} compared "
        f"rows, by up to {largest:.3g} (allowed {tolerance:g}), and shows another label on "
        f"{sum(not case.same_label for case in wrong)}. Worst cases:\n{table}\n",
        _cause(native, wrong, cases, tolerance),
    )


def _another(native: Native, cases: list[Case]) -> str:
    """Return a threshold to propose: halfway down to the next score that a compared row has."""
    output = native.output
    if not isinstance(output, BinaryOutput):
        return ""
    line = output.threshold.value
    lower = [case.scores[output.positive] for case in cases]
    lower = [score for score in lower if score < line - ROUNDING]
    return f", such as {(line + max(lower)) / 2:.4g}" if lower else ""


def _cause(native: Native, wrong: list[Case], cases: list[Case], tolerance: float) -> str:
    if all(case.group.unknown for case in wrong):
        return 'All of them have unknown codes: declare unknown = "refuse" for these fields.'
    if all(case.difference <= tolerance for case in wrong):
        return (
            "Only labels differ: the line lies on a score that the model gives exactly, and "
            f"rounding decides. Move the threshold between two scores{_another(native, cases)}."
        )
    return native.way_out
