"""The frozen model before it is a package: the runtime's own pipeline, asked in small parts."""

from __future__ import annotations

from collections.abc import Sequence

from bedside.errors import FreezeRefused, PackageRefused
from bedside.freezing.rows import RawRow
from bedside.package.fields import TabularInput
from bedside.runtime.pipeline import Parts, Pipeline
from bedside.runtime.postprocess import Answer

PICTURES_AT_ONCE = 8
"""Below what the runtime reads at once, and some hundred MiB of films."""


class FrozenModelPath:
    """Raw rows in, answers out, by the same pipeline that a `Runner` has.

    A `Runner` exists only for a whole package with golden cases; these are what the golden
    cases are made from.
    """

    def __init__(self, parts: Parts) -> None:
        self._pipeline = Pipeline(parts)
        table = isinstance(parts.declared, TabularInput)
        self._at_once = 4_096 if table else PICTURES_AT_ONCE

    def close(self) -> None:
        """End what runs beside this process."""
        self._pipeline.close()

    def __call__(self, rows: Sequence[RawRow]) -> tuple[Answer, ...]:
        """Return one answer for each row.

        Raises:
            InputRefused: a row lies outside the declared domain.
            FreezeRefused: the frozen model has no usable answer for a row of its domain.
        """
        try:
            return tuple(
                answer
                for start in range(0, len(rows), self._at_once)
                for answer in self._pipeline.answer(rows[start : start + self._at_once])
            )
        except PackageRefused as problem:
            raise FreezeRefused(
                f"The frozen model has no answer inside the declared domain: {problem.message}",
                advice=problem.advice,
            ) from problem
