"""A range proposed from the values that were seen: a little wider, at round numbers."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

MARGIN: Final = Decimal("0.1")
"""How much of the spread is added at each end, before rounding outwards."""


def proposed_range(lowest: Decimal, highest: Decimal, *, whole: bool) -> tuple[Decimal, Decimal]:
    """Return a range that holds `lowest` to `highest` with a margin, at round ends.

    The ends are rounded outwards to a tenth of the spread's power of ten. What was never
    negative stays at or above 0, what was never above 1 (a share) stays at or below it.
    """
    spread = highest - lowest or abs(highest) or Decimal(1)
    step = Decimal(1).scaleb(spread.adjusted() - 1)
    if whole:
        step = max(step, Decimal(1))
    low = ((lowest - spread * MARGIN) / step).to_integral_value(ROUND_FLOOR) * step
    high = ((highest + spread * MARGIN) / step).to_integral_value(ROUND_CEILING) * step
    if lowest >= 0:
        low = max(low, Decimal(0))
    if highest <= 1 and lowest >= 0 and not whole:
        high = min(high, Decimal(1))
    return low, high


def written(number: Decimal) -> str:
    """Return a number as TOML reads it: plain digits where they are few, else with an exponent."""
    number = number.normalize() if number else Decimal(0)
    if -7 <= number.adjusted() <= 15:
        return f"{number:f}"
    return f"{float(number):e}" if number.adjusted() < -7 else f"{float(number)!r}"
