"""How refused sign-ins are recorded when they come in floods.

Each one gets an event until `RECORDED_PER_MINUTE` of them came within one minute of the clock. The
rest of that minute is only counted: in memory, and once in `FLUSH_SECONDS` in the database, so that
several processes count together and a flood costs no durable write for each attempt. Once the
minute has passed, one event holds the sum. So a flood adds at most `RECORDED_PER_MINUTE` + 1 events
a minute to the ledger; a process that is killed loses the count of at most `FLUSH_SECONDS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bedside.clock import timestamp

RECORDED_PER_MINUTE: Final = 20
"""Mistyped keys at a hospital stay below this; the worst flood adds 30,240 events a day, about 15 MB."""

FLUSH_SECONDS: Final = 1.0
"""How long refusals above the limit are counted in memory alone."""


@dataclass(frozen=True, slots=True)
class Sum:
    """All refused sign-ins of one minute of which some have no event of their own."""

    minute: str
    refused: int
    recorded: int


def minute_of(moment: datetime) -> str:
    """Return the minute of the clock that `moment` lies in, such as 2026-11-21T08:00."""
    return timestamp(moment)[:16]


def latest(refused: Mapping[str, int], minute: str) -> str:
    """Return the minute that a refusal counts in: of all processes' clocks, the one furthest on.

    So two clocks that differ share one limit, and neither closes a minute that another counts in.
    """
    return max([minute, *refused])


def sums(refused: Mapping[str, int], minute: str) -> tuple[Sum, ...]:
    """Return a sum for each minute before `minute` that had more than were recorded."""
    return tuple(
        Sum(past, count, RECORDED_PER_MINUTE)
        for past, count in sorted(refused.items())
        if past < minute and count > RECORDED_PER_MINUTE
    )
