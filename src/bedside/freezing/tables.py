"""An author's table: rows of the declared fields, what to compare on, and golden cases from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bedside.freezing.data import Frozen, GoldenRow
from bedside.freezing.domain import Group, comparison_groups, evenly
from bedside.freezing.frames import as_frame, raw_rows, read_rows
from bedside.freezing.golden import golden_cases
from bedside.freezing.outside import refuse_outside
from bedside.freezing.rows import RawRow
from bedside.freezing.spec import ComparisonOptions, GoldenOptions, Spec
from bedside.package.fields import TabularInput
from bedside.package.outputs import Output

COMPARED = 2_000
"""Rows of the author's that are compared where the spec says no other number."""


@dataclass(frozen=True, slots=True)
class TableData:
    """Rows of named fields; an `AuthorData`.

    Attributes:
        frame: The author's table, as they lay it out.
        rows: The same as a client would send it.
        declared: The fields.
    """

    frame: pd.DataFrame
    rows: tuple[RawRow, ...]
    declared: TabularInput

    @property
    def libraries(self) -> Mapping[str, str]:
        """None beside those of the model: a row is plain JSON."""
        return {}

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing: what is wrong with a table is refused."""
        return ()

    def some(self, most: int) -> Sequence[RawRow]:
        """Return at most `most` rows, evenly spaced."""
        return evenly(self.rows, most)

    def refuse_outside(self) -> None:
        """Refuse declared fields that do not hold the author's own rows."""
        refuse_outside(self.rows, self.declared.fields)

    def groups(self, options: ComparisonOptions) -> tuple[Group, ...]:
        """Return the rows, and what the fields allow beside them."""
        return comparison_groups(
            evenly(self.rows, options.data_rows or COMPARED),
            self.declared.fields,
            seed=options.seed,
            random_rows=options.random_rows,
        )

    def golden(
        self, frozen: Frozen, output: Output, options: GoldenOptions
    ) -> tuple[GoldenRow, ...]:
        """Return golden cases whose fields are drawn one by one from the data's middle."""
        return golden_cases(self.declared.fields, self.rows, frozen, output, options)


def table_data(data: object, spec: Spec) -> TableData:
    """Return `data` as rows of the spec's fields.

    Raises:
        UsageError: data of another kind than the path of a CSV file, a frame, an array or rows.
        FreezeRefused: a declared field that is not in the data, or a value that does not fit it.
    """
    if isinstance(data, str | Path):
        data = read_rows(Path(data), spec.fields)
    frame = as_frame(data, spec.fields)
    rows = tuple(raw_rows(frame, spec.fields))
    return TableData(frame, rows, TabularInput(fields=spec.fields))
