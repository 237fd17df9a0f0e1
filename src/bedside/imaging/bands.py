"""Resampling along parallel axes: of each axis a band of weights, all three applied slab by slab.

Where the axes of two grids are parallel, a new value is a weighted sum along i of weighted sums
along j of weighted sums along k. A band says it of one axis: which source voxels each new voxel
takes, and what they weigh; smoothing against aliasing is part of the weights. Of one new slab
everything fits into the processor's cache, so no volume is held between the axes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.volume import Voxels

Interpolation: TypeAlias = Literal["nearest", "linear", "cubic"]
Places: TypeAlias = NDArray[np.float64]

LATTICE: Final = 4096
"""Places of outer voxels are rounded to so many parts of a voxel: a quarter of a micrometre at 1 mm."""

TIE: Final = 2.0**-20
"""Voxels by which `nearest` moves every place up, so that half-way is above, whatever the rounding."""

DEVIATIONS: Final = 4.0
"""Where the Gaussian against aliasing is cut, in standard deviations."""

THREADS: Final = 2
"""Of one large volume: each makes slabs of its own, so that the answer does not depend on them."""

BY_ONE: Final = 2**20
"""New voxels below which one thread is as quick."""

SLABS: Final = 16
"""Slabs that are made contiguous together, so that each line of memory is read once."""


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """What each new voxel along one axis takes of the source's voxels along that axis.

    Attributes:
        start: First new voxel that lies in the source.
        sources: New voxels from `start` on × taps: which source voxel.
        weights: The same shape: what it weighs, float32; rows sum to 1.
    """

    start: int
    sources: NDArray[np.intp]
    weights: NDArray[np.float32]

    @property
    def stop(self) -> int:
        """The first new voxel beyond the source again."""
        return self.start + len(self.sources)

    @property
    def copies(self) -> bool:
        """Whether it takes single values as they are."""
        return self.weights.shape[1] == 1 and bool((self.weights == 1).all())


def deviation(step: float) -> float:
    """Return the standard deviation, in source voxels, of the Gaussian for a step of so many.

    Source: Cardoso et al., "Scale factor point spread function matching", MICCAI 2015.
    """
    return float(np.sqrt((step**2 - 1) / (8 * np.log(2)))) if step > 1 else 0.0


def band_of(
    places: Places, size: int, interpolation: Interpolation, sigma: float = 0.0, *, endless: bool
) -> Band:
    """Return the band of one axis.

    Args:
        places: Where each new voxel lies, in source voxels; ascending.
        size: Source voxels.
        interpolation: As `resampling.py` says.
        sigma: Standard deviation of the Gaussian before, in source voxels; 0 is none.
        endless: Whether the outer values go on for ever; otherwise half a voxel.
    """
    inside = np.full(len(places), True) if endless else within(places, size)
    start = int(np.argmax(inside)) if inside.any() else 0
    first, weights = kernel(places[inside], interpolation)
    if sigma > 0:
        first, weights = _smoothed(first, weights, sigma)
    sources = np.clip(first[:, None] + np.arange(weights.shape[1]), 0, size - 1)
    narrow = weights.astype(np.float32)
    used = (narrow != 0).any(axis=0)
    return Band(start, sources[:, used], narrow[:, used])


def within(places: Places, size: int) -> NDArray[np.bool_]:
    """Return which places lie between the outer faces of an axis of so many voxels."""
    spare = 0.5 / LATTICE
    inside: NDArray[np.bool_] = (places >= -0.5 - spare) & (places <= size - 0.5 + spare)
    return inside


def kernel(
    places: Places, interpolation: Interpolation
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the first voxel that each place takes, and the weights of it and of the next ones.

    Returns:
        Indices (places), which may lie outside; weights (places × taps).
    """
    if interpolation == "nearest":
        return np.floor(places + 0.5 + TIE).astype(np.intp), np.ones((len(places), 1))
    below = np.floor(places)
    x = places - below
    if interpolation == "linear":
        return below.astype(np.intp), np.stack([1 - x, x], axis=1)
    weights = np.stack(
        [
            ((-0.5 * x + 1) * x - 0.5) * x,
            (1.5 * x - 2.5) * x * x + 1,
            ((-1.5 * x + 2) * x + 0.5) * x,
            (0.5 * x - 0.5) * x * x,
        ],
        axis=1,
    )
    return below.astype(np.intp) - 1, weights


def gaussian(size: int, sigma: float) -> Band:
    """Return the band that smooths an axis of so many voxels, and leaves its grid as it is."""
    return band_of(np.arange(size, dtype=np.float64), size, "nearest", sigma, endless=True)


def combined(values: Voxels, bands: tuple[Band, Band, Band], out: Voxels) -> None:
    """Write the weighted sums into `out`, where the bands say that the source lies.

    Sums run along i first, then j, then k, each from the lowest voxel up, in float32.

    Args:
        values: The source, in memory in any order.
        bands: Of i, j, k.
        out: New values, C order; what lies outside the source is left as it is.
    """
    along, down, across = bands
    part = out[:, down.start : down.stop, across.start : across.stop]
    if not (len(along.sources) and part.size):
        return
    begins = range(0, len(along.sources), SLABS)
    if part.size < BY_ONE:
        for begin in begins:
            _combine(values, bands, part, begin)
        return
    with ThreadPoolExecutor(THREADS, "bedside-slabs") as pool:
        list(pool.map(partial(_combine, values, bands, part), begins))


def _combine(values: Voxels, bands: tuple[Band, Band, Band], part: Voxels, begin: int) -> None:
    """Write `SLABS` new slabs, which no other call writes."""
    along, down, across = bands
    sources = along.sources[begin : begin + SLABS]
    low = int(sources.min())
    block = np.ascontiguousarray(values[low : int(sources.max()) + 1])
    for at, (taken, weights) in enumerate(
        zip(sources - low, along.weights[begin : begin + SLABS], strict=True)
    ):
        slab = _rows(_slab(block, taken, weights), down)
        part[along.start + begin + at] = _columns(slab, across)


def _slab(
    block: Voxels, taken: NDArray[np.intp], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the weighted sum of a block's slabs, j × k; a single one as it is."""
    used = np.flatnonzero(weights)
    first: NDArray[np.float32] = block[taken[used[0]]]
    if len(used) == 1 and weights[used[0]] == 1:
        return first
    total: NDArray[np.float32] = first * weights[used[0]]
    for tap in used[1:]:
        total += block[taken[tap]] * weights[tap]
    return total


def _rows(slab: NDArray[np.float32], band: Band) -> NDArray[np.float32]:
    """Return the weighted sums of rows."""
    total: NDArray[np.float32] = slab[band.sources[:, 0]]
    if band.copies:
        return total
    total *= band.weights[:, :1]
    for tap in range(1, band.weights.shape[1]):
        more = slab[band.sources[:, tap]]
        more *= band.weights[:, tap : tap + 1]
        total += more
    return total


def _columns(slab: NDArray[np.float32], band: Band) -> NDArray[np.float32]:
    """Return the weighted sums of columns: of rows, turned over."""
    if band.copies:
        return slab[:, band.sources[:, 0]]
    return _rows(np.ascontiguousarray(slab.T), band).T


def _smoothed(
    first: NDArray[np.intp], weights: NDArray[np.float64], sigma: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return what is taken of a source when what was taken before is taken of it smoothed."""
    reach = int(DEVIATIONS * sigma + 0.5)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    bell /= bell.sum()
    places, taps = weights.shape
    wide = np.zeros((places, taps + 2 * reach))
    for tap in range(taps):
        wide[:, tap : tap + len(bell)] += weights[:, tap : tap + 1] * bell
    return first - reach, wide
