"""Time and identifiers: the only place that asks the system for either.

Rules never read a clock; they are given a time. `Clock` is passed from the site, so a test
passes its own.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeAlias

from bedside.errors import UsageError

ID_FORM: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""How every id of ours is written, as a regular expression."""

_ID: Final = re.compile(ID_FORM)

_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""The variant's two bits are 10; the other two of that digit are random (RFC 9562, section 4.1)."""

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
    # of fixed length, as strftime's %Y is not, and four times as fast
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


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
    try:
        return moment.astimezone(UTC)
    except OverflowError as problem:  # in the first or last hours of the calendar
        raise UsageError(f"{text!r} is no time that can be said in UTC.") from problem


def is_id(text: str) -> bool:
    """Return whether a text can be an id of ours; of one that cannot, nobody need be asked."""
    return _ID.fullmatch(text) is not None


def new_id() -> str:
    """Return a new UUID, version 7: 48 bits of milliseconds, then 74 random bits.

    Source: RFC 9562, section 5.7.
    """
    return new_ids(1)[0]


def new_ids(count: int) -> list[str]:
    """Return `count` new UUIDs of one moment, version 7, in rising order.

    Rising numbers are written beside each other in an index; the random bits stay 74 for each.

    Source: RFC 9562, section 5.7.
    """
    moment = f"{time.time_ns() // 1_000_000 & ((1 << 48) - 1):012x}"
    first = f"{moment[:8]}-{moment[8:]}-7"
    random = os.urandom(10 * count).hex()
    drawn = [random[start : start + 20] for start in range(0, 20 * count, 20)]
    return sorted([f"{first}{d[:3]}-{_VARIANT[d[3]]}{d[4:7]}-{d[7:19]}" for d in drawn])
