"""Rows that have passed the gate: numbers in their declared units, and category codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.package.fields import Category

Matrix: TypeAlias = NDArray[np.float64]
"""Two axes: rows, columns."""


@dataclass(frozen=True, slots=True)
class Table:
    """What the gate lets through, in the order of the declared fields of each kind.

    Attributes:
        numbers: Rows × number fields, float64, each in its field's unit; NaN is missing.
        codes: For each category field one tuple with a code for each row; None is missing.
    """

    numbers: Matrix
    codes: tuple[tuple[Category | None, ...], ...]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.numbers)

    def slice(self, start: int, stop: int) -> Table:
        """Return the rows from `start` up to, not including, `stop`."""
        return Table(self.numbers[start:stop], tuple(column[start:stop] for column in self.codes))
