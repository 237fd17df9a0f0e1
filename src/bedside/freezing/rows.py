"""A raw row, as a client sends it, and how a message shows one."""

from __future__ import annotations

from typing import TypeAlias

from bedside.canonical import Json, canonical_bytes

RawRow: TypeAlias = dict[str, Json]
"""Field name to number, code, or None where the value is missing; or a picture and what is stated of it."""

MOST_SHOWN = 300
"""Characters of a row that a message repeats."""


def told_row(row: RawRow) -> str:
    """Return `row` as JSON, cut where it is long."""
    text = canonical_bytes(row).decode("utf-8")
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"
