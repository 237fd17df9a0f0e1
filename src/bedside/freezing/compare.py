"""Native against frozen, the whole way from the raw row to the label; refused by name if unequal."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedside.canonical import canonical_bytes
from bedside.errors import FreezeRefused
from bedside.freezing.domain import Group
from bedside.freezing.frames import RawRow
from bedside.freezing.native import NativeAnswers, NativeModel
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
        row: The raw row.
        native: The native scores, and the label where there is one.
        frozen: The frozen ones.
        difference: Of a probability; relative for a number; infinite where one is no number.
        same_label: Whether both show the same label.
        scores: The native scores by name.
    """

    group: Group
    row: RawRow
    native: str
    frozen: str
    difference: float
    same_label: bool
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Native against frozen, after it was found equal.

    Attributes:
        rows: Number of compared rows.
        largest: Largest difference of a score.
        tolerance: What was allowed.
        groups: What was tried, with the number of rows and the largest difference of each.
    """

    rows: int
    largest: float
    tolerance: float
    groups: tuple[tuple[str, int, float], ...]

    def and_also(self, other: Comparison) -> Comparison:
        """Return both comparisons as one."""
        return Comparison(
            rows=self.rows + other.rows,
            largest=max(self.largest, other.largest),
            tolerance=self.tolerance,
            groups=self.groups + other.groups,
        )


def compare(
    native: NativeModel,
    frozen: Callable[[Sequence[RawRow]], Sequence[Answer]],
    groups: Sequence[Group],
    tolerance: float,
    typical: float | None,
) -> Comparison:
    """Return how near the frozen answers come to the native ones.

    `typical` is what `typical_size` gives.

    Raises:
        FreezeRefused: a score differs by more than `tolerance`, or a label differs; names the
            estimator, the worst cases and the likely cause.
    """
    cases: list[Case] = []
    summary = []
    for group in groups:
        expected = native(group.rows, group.name)
        found = frozen(group.rows)
        own = _cases(group, expected, found, typical)
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


def typical_size(native: NativeModel, group: Group) -> float | None:
    """Return the size of a usual number, which differences are relative to; None for classes."""
    if not isinstance(native.output, NumberOutput):
        return None
    sizes = np.abs(native(group.rows, group.name).scores)
    return float(np.median(sizes)) or 1.0


def _cases(
    group: Group, native: NativeAnswers, frozen: Sequence[Answer], typical: float | None
) -> list[Case]:
    scores = np.array([[answer.scores[name] for name in native.names] for answer in frozen])
    differences = _differences(native.scores, scores, typical)
    return [
        Case(
            group=group,
            row=row,
            native=_shown(native.scores[i], native.labels[i]),
            frozen=_shown(scores[i], frozen[i].label),
            difference=float(differences[i]),
            same_label=native.labels[i] == frozen[i].label,
            scores=dict(zip(native.names, native.scores[i].tolist(), strict=True)),
        )
        for i, row in enumerate(group.rows)
    ]


def _differences(
    native: NDArray[np.float64], frozen: NDArray[np.float64], typical: float | None
) -> NDArray[np.float64]:
    gap = np.abs(native - frozen)
    if typical is not None:
        gap = gap / np.maximum(np.abs(native), typical)
    worst: NDArray[np.float64] = np.where(np.isnan(gap), math.inf, gap).max(axis=1)
    return worst


def _shown(scores: NDArray[np.float64], label: str | None) -> str:
    text = " ".join(f"{score:.7g}" for score in scores[:4])
    return f"{text}{' …' if len(scores) > 4 else ''}{f' ({label})' if label is not None else ''}"


def _refusal(
    native: NativeModel, wrong: list[Case], cases: list[Case], tolerance: float
) -> FreezeRefused:
    wrong.sort(key=lambda case: (case.same_label, -case.difference))
    largest = max(case.difference for case in wrong)
    table = "\n".join(
        f"  {case.group.name}: {_row(case.row)}\n    native {case.native}\n    frozen {case.frozen}"
        for case in wrong[:MOST_SHOWN]
    )
    return native.step.refuse(
        f"the frozen model differs from the native one on {len(wrong)} of {len(cases)} compared "
        f"rows, by up to {largest:.3g} (allowed {tolerance:g}), and shows another label on "
        f"{sum(not case.same_label for case in wrong)}. Worst cases:\n{table}\n",
        _cause(native, wrong, cases, tolerance),
    )


def _another(native: NativeModel, cases: list[Case]) -> str:
    """Return a threshold to propose: halfway down to the next score that a compared row has."""
    output = native.output
    if not isinstance(output, BinaryOutput):
        return ""
    line = output.threshold.value
    lower = [case.scores[output.positive] for case in cases]
    lower = [score for score in lower if score < line - ROUNDING]
    return f", such as {(line + max(lower)) / 2:.4g}" if lower else ""


def _row(row: RawRow, most: int = 300) -> str:
    text = canonical_bytes(row).decode("utf-8")
    return text if len(text) <= most else text[:most] + "…"


def _cause(native: NativeModel, wrong: list[Case], cases: list[Case], tolerance: float) -> str:
    step = native.step
    if all(case.group.unknown for case in wrong):
        return 'All of them have unknown codes: declare unknown = "refuse" for these fields.'
    if all(case.difference <= tolerance for case in wrong):
        return (
            "Only labels differ: the line lies on a score that the model gives exactly, and "
            f"rounding decides. Move the threshold between two scores{_another(native, cases)}."
        )
    return (
        f"The conversion of {step.name} with these parameters is not exact: use another "
        "estimator or calibration method."
    )
