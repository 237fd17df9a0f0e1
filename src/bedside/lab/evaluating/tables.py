"""Tables as CSV that a spreadsheet opens as they are."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that a spreadsheet would compute; a name of a case may."""


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV; an apostrophe goes before a text that would be read as a formula.

    Args:
        rows: The columns' names first. None is an empty cell; numbers stay as they are.

    Source: OWASP, CSV Injection.
    """
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([_cell(one) for one in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULAS):
        return f"'{value}"
    return value
