"""Where an axis begins and ends, and the round numbers on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = Sequence[float] | NDArray[np.float64]

_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


def reach(parts: Sequence[Numbers], *, logarithmic: bool) -> tuple[float, float]:
    """Return the ends of an axis that holds all finite numbers, a little wider than they are."""
    every = np.concatenate(
        [np.asarray(part, np.float64).ravel() for part in parts] or [np.zeros(0)]
    )
    every = every[np.isfinite(every) & ((every > 0) | (not logarithmic))]
    if not len(every):
        return (0.1, 1.0) if logarithmic else (0.0, 1.0)
    low, high = float(every.min()), float(every.max())
    if logarithmic:
        return low / 1.1, high * 1.1 if high > low else high * 10
    width = (high - low) or abs(high) or 1.0
    return low - 0.04 * width, high + 0.04 * width


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers from `low` to `high`, at most about `most`."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(one * power for one in _STEPS if one * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [place * step for place in range(first, last + 1)]


def decades(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 of each power of ten, or the powers alone where they are many."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    marks = (1.0, 2.0, 5.0) if last - first <= 3 else (1.0,)
    every = [mark * 10.0**power for power in range(first, last + 1) for mark in marks]
    return [one for one in every if low <= one <= high]


def told(number: float) -> str:
    """Return a number as it stands beside an axis."""
    if abs(number) >= 10_000:
        return f"{number / 1000:.6g}k"
    return f"{round(number, 12):.6g}"
