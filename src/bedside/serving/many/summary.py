"""What came of many volumes, as one table: for a spreadsheet, and for a program."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from bedside.canonical import Json
from bedside.serving.many.diary import Entry
from bedside.serving.many.plan import Plan

CSV: Final = "summary.csv"
JSON: Final = "summary.json"
NOTICE: Final = "UNRECORDED, not for clinical use"

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would compute; an apostrophe before it makes it text."""


def names_of(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return the names of all values, in the order in which they come first."""
    return tuple(dict.fromkeys(name for entry in entries for name in entry.values))


def csv_of(entries: Sequence[Entry], unit: str, *, recorded: bool) -> str:
    """Return the table: a line for each volume, a column for each value.

    Args:
        entries: In the order of the table.
        unit: Of the values.
        recorded: Whether a site did it.
    """
    names = names_of(entries)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    measured = [f"{name} ({unit})" for name in names]
    about = ["flags", "out_of_domain", "seconds", "reason", "analysis" if recorded else "notice"]
    columns = ["volume", "state", *measured, *about]
    writer.writerow(_safe(column) for column in columns)
    for one in entries:
        score = "" if one.out_of_domain is None else f"{one.out_of_domain:.4f}"
        values = [f"{one.values[name]:.3f}" if name in one.values else "" for name in names]
        flags = " ".join(code for code, _ in one.flags)
        cells = [_safe(one.name), one.state, *values, flags, score, f"{one.seconds:.2f}"]
        writer.writerow([*cells, _safe(one.reason), one.id if recorded else NOTICE])
    return text.getvalue()


def told(entries: Sequence[Entry], plan: Plan, unit: str, *, recorded: bool) -> dict[str, Json]:
    """Return the same as a JSON object, with all that was noted."""
    states = [one.state for one in entries]
    value: dict[str, Json] = {
        "model": plan.manifest.name,
        "version": plan.manifest.version,
        "package": plan.digest,
        "recorded": recorded,
    }
    if not recorded:
        value["notice"] = NOTICE
    return value | {
        "unit": unit,
        "counts": {state: states.count(state) for state in ("done", "refused", "failed")},
        "volumes": [asdict(one) | {"flags": [list(flag) for flag in one.flags]} for one in entries],
    }


def _safe(cell: str) -> str:
    line = " ".join(cell.split("\n"))
    return f"'{line}" if line.startswith(FORMULA) else line
