"""Time and identifiers: the only place that asks the system for either.

Rules never read a clock; they are given a time. `Clock` is passed from the site, so a test
passes its own.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from bedside.errors import UsageError

Clock: TypeAlias = Callable[[], datetime]
"""Returns the present moment as an aware datetime in UTC."""


def system_clock() -> datetime:
    """Return now, in UTC, from the operating system."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """Return `moment` as RFC 3339 text in UTC with microseconds, such as 2026-11-21T08:00:00.000000Z.

    Text of equal length sorts as time does.

    Raises:
        UsageError: `moment` has no time zone.
    """
    if moment.tzinfo is None:
        raise UsageError(f"The time {moment!r} has no zone.", advice="Pass an aware datetime.")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_timestamp(text: str) -> datetime:
    """Parse RFC 3339 text with a zone.

    Raises:
        UsageError: not a date and time, or one without a zone.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as problem:
        raise UsageError(
            f"{text!r} is not a time.", advice="Write it like 2026-11-21T17:00:00+09:00."
        ) from problem
    if moment.tzinfo is None:
        raise UsageError(
            f"The time {text!r} has no zone.", advice="Add Z or an offset like +09:00."
        )
    return moment.astimezone(UTC)


def new_id() -> str:
    """Return a new UUID, version 7: 48 bits of milliseconds, then 74 random bits.

    Source: RFC 9562, section 5.7.
    """
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    high, low = random >> 64, random & ((1 << 62) - 1)
    value = (
        (milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | (high & 0xFFF) << 64 | 0b10 << 62 | low
    )
    return str(uuid.UUID(int=value))
