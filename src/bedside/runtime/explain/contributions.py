"""What each field of a row added to its answer, against the declared reference row.

A field is a player, whole: its one-hot columns, its indicator of missing values and what else the
preprocessing makes of it count as one. A field that is not in a coalition has the reference's
value. `docs/spec/package.md`, section 12.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.canonical import Json
from bedside.errors import LimitExceeded, PackageRefused
from bedside.package.explanation import Contributions
from bedside.package.fields import InputField, NumberField
from bedside.package.outputs import Output
from bedside.runtime.explain.orders import orders
from bedside.runtime.explain.scales import clipped, explained_name, on_scale
from bedside.runtime.explain.shapley import (
    Coalitions,
    Shares,
    every,
    exact,
    nobody_everybody,
    on_the_way,
    sampled,
    singles,
)
from bedside.runtime.explained import FieldsExplained
from bedside.runtime.postprocess import Answer
from bedside.runtime.table import Table

CELLS_AT_ONCE: Final = 2**18
"""Fields × rows that are asked together; bounds memory for models of thousands of fields."""

MOST_PASSES: Final = 200_000
"""Rows that one request may make the network compute, for all its explanations: some seconds."""

ADDS_UP: Final = 1e-3
"""How far fields may be from adding up on the logit: a thousandth of the odds."""

ADDS_UP_RELATIVELY: Final = 1e-5
"""The same on the other scales, relative to all that is added: rounding in a float32 network."""

PlainRow: TypeAlias = Mapping[str, Json]
"""Every declared field, in declared order and in its own unit; None where it is missing."""

Answering: TypeAlias = Callable[[Sequence[Json]], Sequence[Answer]]


def plain_rows(fields: Sequence[InputField], table: Table) -> tuple[PlainRow, ...]:
    """Return the rows of `table` as raw rows: numbers in their fields' own units, codes, None."""
    columns: dict[str, list[Json]] = {}
    numbers, codes = iter(table.numbers.T.tolist()), iter(table.codes)
    for field in fields:
        if isinstance(field, NumberField):
            columns[field.name] = [None if math.isnan(value) else value for value in next(numbers)]
        else:
            columns[field.name] = list(next(codes))
    return tuple(
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    )


def contributions(
    explanation: Contributions, output: Output, rows: Sequence[PlainRow], answer: Answering
) -> tuple[FieldsExplained, ...]:
    """Return what each field of each row added to its answer.

    Args:
        explanation: As the manifest declares it.
        output: What the scores mean; says which score is explained.
        rows: Plain rows, inside the domain.
        answer: The model's answers to raw rows. It is asked for at most `explanation.passes`
            rows for each row.

    Raises:
        LimitExceeded: so many rows would take more than `MOST_PASSES`.
        PackageRefused: the fields are declared to add up, and do not.
    """
    if len(rows) * explanation.passes > MOST_PASSES:
        raise LimitExceeded(
            f"Explaining {len(rows)} rows at once may take {len(rows) * explanation.passes} passes "
            f"of the model; at most {MOST_PASSES}.",
            advice=f"Ask for at most {MOST_PASSES // explanation.passes} explanations at once.",
        )
    return tuple(_Row(explanation, output, row, answer).explained() for row in rows)


def adds_up(
    explanation: Contributions, output: Output, row: PlainRow, answer: Answering
) -> bool | None:
    """Return whether the fields of one row add up to its answer, by a linear explanation.

    None where that cannot be told, because a probability is beyond the explanation's clip.
    """
    start = _Row(explanation, output, row, answer).started()
    return None if start.cut else start.gap <= start.allowed(explanation.scale)


@dataclass(frozen=True, slots=True, eq=False)
class _Start:
    """What is known once the reference and the row were answered.

    Attributes:
        of: Name of the score that is explained.
        base: The answer to the reference, on the scale.
        total: The answer to the row.
        added: What each field adds alone; empty where that was not asked.
        cut: Whether a probability was cut off before its logit was taken.
    """

    of: str
    base: float
    total: float
    added: NDArray[np.float64]
    cut: bool

    @property
    def gap(self) -> float:
        """How far the fields alone are from adding up to the answer."""
        return abs(math.fsum(self.added) - (self.total - self.base))

    def allowed(self, scale: str) -> float:
        """Return how far they may be."""
        if scale == "logit":
            return ADDS_UP
        size = abs(self.base) + abs(self.total) + math.fsum(np.abs(self.added))
        return ADDS_UP_RELATIVELY * size


class _Row:
    """One row while it is explained."""

    __slots__ = ("_active", "_answer", "_explanation", "_output", "_passes", "_row")

    def __init__(
        self, explanation: Contributions, output: Output, row: PlainRow, answer: Answering
    ) -> None:
        self._explanation, self._output, self._row, self._answer = explanation, output, row, answer
        reference = explanation.reference
        self._active = [name for name in row if row[name] != reference[name]]
        """The fields that differ from the reference; no other adds anything."""
        self._passes = 0

    def started(self) -> _Start:
        """Return what the first answers tell: to the reference and to the row.

        A linear explanation also asks for the reference with each field changed alone.
        """
        first = nobody_everybody(len(self._active))
        if self._explanation.method == "linear":
            first = np.concatenate([first, singles(len(self._active))])
        answers = self._answers(first)
        of = explained_name(self._output, answers[1])
        scores = _scores(answers, of)
        base, total, *alone = on_scale(scores, self._explanation).tolist()
        cut = clipped(scores, self._explanation)
        return _Start(of, base, total if self._active else base, np.array(alone) - base, cut)

    def explained(self) -> FieldsExplained:
        """Return the contributions of all fields, in the order of the row."""
        start = self.started()
        if not self._active:
            shares = Shares(np.zeros(0), np.zeros(0))
        elif self._explanation.method == "linear" and not start.cut:
            shares = self._added_up(start)
        else:
            shares = self._shapley(start)
        return FieldsExplained(
            contributions=self._of_every_field(shares.values),
            errors=self._of_every_field(shares.errors),
            base=start.base,
            total=start.total,
            scale=self._explanation.scale,
            of=start.of,
            passes=self._passes,
        )

    def _of_every_field(self, values: NDArray[np.float64]) -> dict[str, float]:
        return dict.fromkeys(self._row, 0.0) | dict(zip(self._active, values.tolist(), strict=True))

    def _added_up(self, start: _Start) -> Shares:
        if start.gap > start.allowed(self._explanation.scale):
            raise PackageRefused(
                f"The explanation is declared linear, and what the fields add is {start.gap:.3g} "
                f"away from the answer on the scale {self._explanation.scale!r}.",
                advice="Freeze the model again, with the method sampled-shapley.",
            )
        return Shares(start.added, np.zeros(len(start.added)))

    def _shapley(self, start: _Start) -> Shares:
        permutations, fields = self._explanation.permutations, len(self._row)
        players = len(self._active)

        def worths(coalitions: Coalitions) -> NDArray[np.float64]:
            return on_scale(_scores(self._answers(coalitions), start.of), self._explanation)

        if 2**players <= 2 + permutations * (fields - 1):
            between = worths(every(players)[1:-1])
            return exact(np.concatenate([[start.base], between, [start.total]]), players)
        positions = {name: position for position, name in enumerate(self._row)}
        drawn = orders(self._explanation.seed, fields, permutations)
        drawn = _among(drawn, [positions[name] for name in self._active])
        return sampled(drawn, worths(on_the_way(drawn)), start.base, start.total)

    def _answers(self, coalitions: Coalitions) -> list[Answer]:
        step = max(2, CELLS_AT_ONCE // len(self._row))
        found: list[Answer] = []
        for start in range(0, len(coalitions), step):
            found += self._answer([self._mixed(c) for c in coalitions[start : start + step]])
        self._passes += len(coalitions)
        return found

    def _mixed(self, coalition: NDArray[np.bool_]) -> dict[str, Json]:
        """Return the reference row with the values of this row for the fields of a coalition."""
        names = [self._active[place] for place in coalition.nonzero()[0].tolist()]
        return {**self._explanation.reference, **{name: self._row[name] for name in names}}


def _scores(answers: Sequence[Answer], of: str) -> NDArray[np.float64]:
    return np.array([answer.scores[of] for answer in answers], dtype=np.float64)


def _among(drawn: NDArray[np.intp], active: Sequence[int]) -> NDArray[np.intp]:
    """Return the orders among the `active` fields alone, counted from 0 among those."""
    places = np.full(drawn.shape[1], -1, dtype=np.intp)
    places[list(active)] = np.arange(len(active))
    renamed = places[drawn]
    return renamed[renamed >= 0].reshape(len(drawn), len(active))
