"""Grey values to the range that a network was trained on; arrays in, new arrays out.

Statistics are of the whole array and do not depend on the order in which it lies in memory: a mean
and a standard deviation are summed in 64-bit floats along i, j, k; the standard deviation is the
population's (divided by n). Arithmetic on values is float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.imaging.bands import SLABS
from bedside.imaging.volume import Voxels

BINS: Final = 1000
"""Of the histogram by which FreeSurfer finds the brightest that counts."""

BACKGROUND: Final = 1e-15
"""FreeSurfer counts what is smaller as background."""


def clipped(values: Voxels, low: float, high: float) -> Voxels:
    """Return the values, none below `low`, none above `high`.

    Raises:
        UsageError: low is above high.
    """
    if not low <= high:
        raise UsageError(f"Values cannot be kept from {low:g} to {high:g}.")
    out: Voxels = np.clip(values, np.float32(low), np.float32(high))
    return out


def rescaled(
    values: Voxels,
    before: tuple[float, float],
    after: tuple[float, float] = (0.0, 1.0),
    *,
    clip: bool = True,
) -> Voxels:
    """Return `(value - a) / (b - a) · (d - c) + c`: what goes from a to b goes from c to d.

    Args:
        values: Along (i, j, k).
        before: a and b, a window of the values.
        after: c and d.
        clip: Whether what lies beyond c and d is cut.

    Raises:
        UsageError: a range does not ascend.
    """
    (a, b), (c, d) = before, after
    if not (a < b and c < d and np.isfinite([a, b, c, d]).all()):
        raise UsageError(f"{a:g} to {b:g} and {c:g} to {d:g} are not two ascending ranges.")
    out: Voxels = values - np.float32(a)
    out /= np.float32(b - a)
    if (c, d) != (0.0, 1.0):
        out *= np.float32(d - c)
        out += np.float32(c)
    return np.clip(out, np.float32(c), np.float32(d), out=out) if clip else out


def shifted(values: Voxels, subtract: float, divide: float) -> Voxels:
    """Return `(value - subtract) / divide`.

    Raises:
        UsageError: the divisor is 0, or one of them is not finite.
    """
    if not np.isfinite([subtract, divide]).all() or divide == 0:
        raise UsageError(f"Values cannot be shifted by {subtract:g} and divided by {divide:g}.")
    out: Voxels = values - np.float32(subtract)
    out /= np.float32(divide)
    return out


def min_max(values: Voxels, after: tuple[float, float] = (0.0, 1.0)) -> Voxels:
    """Return the values so that the smallest is c and the largest is d; a flat volume is c."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.full(values.shape, after[0], dtype=np.float32)
    return rescaled(values, (low, high), after)


def percentile_scaled(
    values: Voxels, low: float, high: float, *, nonzero: bool = False, clip: bool = True
) -> Voxels:
    """Return the values so that one percentile is 0 and another is 1; 0 where both are one value.

    Args:
        values: Along (i, j, k).
        low: Percentile, 0 to 100, by NumPy's method `linear`.
        high: Percentile, above `low`.
        nonzero: Whether only what is not 0 is counted; all is scaled.
        clip: Whether what lies beyond 0 and 1 is cut.

    Raises:
        UsageError: not 0 ≤ low < high ≤ 100.
    """
    if not 0 <= low < high <= 100:
        raise UsageError(f"The percentiles {low:g} and {high:g} are not 0 ≤ low < high ≤ 100.")
    counted = values[values != 0] if nonzero else values
    if not counted.size:
        return np.zeros(values.shape, dtype=np.float32)
    darkest, brightest = (float(one) for one in np.percentile(counted, (low, high)))
    if not darkest < brightest:
        return np.zeros(values.shape, dtype=np.float32)
    return rescaled(values, (darkest, brightest), clip=clip)


def z_scored(values: Voxels, *, nonzero: bool = False) -> Voxels:
    """Return `(value - mean) / standard deviation`; a flat volume gives 0 everywhere.

    Args:
        values: Along (i, j, k).
        nonzero: Whether only what is not 0 is counted and changed; 0 stays 0.
    """
    mean, deviation = _moments(values, nonzero)
    out: Voxels = values - np.float32(mean)
    out -= np.float32(mean - float(np.float32(mean)))  # what 32 bits could not hold of the mean
    if deviation > 0:
        out /= np.float32(deviation)
    else:
        out[...] = 0
    if nonzero:
        out[values == 0] = 0
    return out


def eight_bit(values: Voxels, share: float = 0.999) -> Voxels:
    """Return whole numbers 0 to 255, the brightest few cut: how FreeSurfer conforms intensities.

    Source: FastSurfer, `conform.py`, after FreeSurfer's `mri_convert`. Of 1,000 bins from the smallest to the
    largest value, b is the first by which all voxels are counted but the share `1 - share` of those
    that are not background. From the smallest value to the lower edge of the bin before b is the
    range that becomes 0 to 255; then rounded, halves to even.

    Args:
        values: Along (i, j, k).
        share: How much of what is not background counts.

    Raises:
        UsageError: the share is not between 0 and 1.
    """
    if not 0 < share <= 1:
        raise UsageError(f"The share {share:g} is not above 0 and at most 1.")
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.zeros(values.shape, dtype=np.float32)
    counts = np.zeros(BINS, dtype=np.int64)
    for part in _parts(values, nonzero=False):  # in 64 bits: bins may be finer than 32 tell apart
        counts += np.histogram(part.astype(np.float64), bins=BINS, range=(low, high))[0]
    bright = int(np.count_nonzero(np.abs(values) >= BACKGROUND))
    wanted = values.size - int((1 - share) * bright)
    reached = int(np.searchsorted(np.cumsum(counts), wanted))
    top = low + (reached - 1) * (high - low) / BINS
    if top <= low:
        top = high
    out = rescaled(values, (low, top), (0.0, 255.0))
    return np.rint(out, out=out)


def _moments(values: Voxels, nonzero: bool) -> tuple[float, float]:
    """Return mean and standard deviation, summed in one order; 0 and 0 of nothing."""
    count = sum(part.size for part in _parts(values, nonzero))
    if not count:
        return 0.0, 0.0
    mean = sum(float(part.sum(dtype=np.float64)) for part in _parts(values, nonzero)) / count
    squares = 0.0
    for part in _parts(values, nonzero):
        away = part.astype(np.float64) - mean
        away *= away
        squares += float(away.sum())
    return mean, float(np.sqrt(squares / count))


def _parts(values: Voxels, nonzero: bool) -> Iterator[NDArray[np.float32]]:
    for begin in range(0, len(values), SLABS):
        part = np.ascontiguousarray(values[begin : begin + SLABS])
        yield part[part != 0] if nonzero else part
