"""Rows of named fields: gate, declared operations, network, answers; contributions if asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, TypeAlias

import numpy as np

from bedside.canonical import Json
from bedside.errors import PackageDamaged
from bedside.package.explanation import Contributions, Explanation
from bedside.package.fields import TabularInput
from bedside.package.outputs import Output
from bedside.package.preprocessing import AnyOperation, tabular_operations
from bedside.runtime.explain.contributions import contributions, plain_rows
from bedside.runtime.gate import Gate
from bedside.runtime.patience import GoingOn, always
from bedside.runtime.plain_gate import PlainGate
from bedside.runtime.postprocess import Answer, Postprocess
from bedside.runtime.preprocess import Preprocess
from bedside.runtime.session import Session
from bedside.runtime.table import Matrix, Table

ROWS_AT_ONCE: Final = 1024
"""Rows preprocessed together: with the widest blocks a manifest may declare, 1 GiB."""


PlainAnswers: TypeAlias = tuple[list[int], tuple[Answer, ...]]
"""The places of the rows that were answered, and an answer for each of those."""


class TabularPath:
    """The path of a row; safe to use from several threads."""

    __slots__ = (
        "_declared",
        "_explanation",
        "_gate",
        "_output",
        "_plain",
        "_postprocess",
        "_preprocess",
        "_session",
    )

    def __init__(
        self,
        declared: TabularInput,
        operations: Sequence[AnyOperation],
        session: Session,
        output: Output,
        explanation: Explanation | None,
    ) -> None:
        """Compile the path.

        Raises:
            PackageDamaged: operations or explanation are not for rows, or do not fit together.
        """
        if explanation is not None and not isinstance(explanation, Contributions):
            raise PackageDamaged(f"The explanation {explanation.kind!r} is not one of a table.")
        self._declared, self._output, self._explanation = declared, output, explanation
        self._gate = Gate(declared)
        self._plain = PlainGate(declared)
        self._preprocess = Preprocess(declared, tabular_operations(operations))
        self._session = session
        self._postprocess = Postprocess(output)

    def answer(self, rows: Sequence[Json], going_on: GoingOn = always) -> tuple[Answer, ...]:
        """Return one answer for each row."""
        return self._postprocess(self._scores(self._gate.check(rows)))

    def plain(self, rows: Sequence[Json], *, together: bool) -> PlainAnswers:
        """Return the places of the plain rows, and their answers; see `runtime.plain_gate`.

        Args:
            rows: What several people sent; none of them hears of another's.
            together: Whether the network may compute them in one call.
        """
        places, table = self._plain.sift(rows)
        if not places:
            return [], ()
        if together or len(places) == 1:
            return places, self._postprocess(self._scores(table))
        ready = self._preprocess(table)
        alone = [self._session(ready[at : at + 1]) for at in range(len(places))]
        return places, self._postprocess(np.concatenate(alone))

    def explained(self, rows: Sequence[Json], going_on: GoingOn = always) -> tuple[Answer, ...]:
        """Return one answer for each row, with the contribution of each field."""
        assert self._explanation is not None  # noqa: S101 - the pipeline asks first
        table = self._gate.check(rows)
        answers = self._postprocess(self._scores(table))
        plain = plain_rows(self._declared.fields, table)

        def answering(parts: Sequence[Json]) -> tuple[Answer, ...]:
            going_on()
            return self.answer(parts)

        why = contributions(self._explanation, self._output, plain, answering)
        return tuple(
            replace(answer, explanation=one) for answer, one in zip(answers, why, strict=True)
        )

    def _scores(self, table: Table) -> Matrix:
        """Return the network's output for every row, taken in parts where there are many."""
        if table.rows <= ROWS_AT_ONCE:
            return self._session(self._preprocess(table))
        starts = range(0, table.rows, ROWS_AT_ONCE)
        parts = (table.slice(start, start + ROWS_AT_ONCE) for start in starts)
        return np.concatenate([self._session(self._preprocess(part)) for part in parts])
