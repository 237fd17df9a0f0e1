"""Values of one grid on another: nearest, linear or cubic, in the room, whatever the two grids are.

What `resampled` computes. Each voxel of the grid asked for has a point in the room, which has a
place x among the source's voxels, on each of its axes. There stands, of the three axes together,

- `nearest`: the voxel at floor(x + 0.5);
- `linear`: the weights of a triangle of half-width 1;
- `cubic`: Catmull-Rom's cubic of half-width 2 (Keys 1981, a = -0.5), which passes through the
  values and can leave their range.

Where a step of the grid is f > 1 source voxels long, what lies between would be lost (aliasing).
Before linear and cubic the source is therefore smoothed by a Gaussian with a standard deviation of
sqrt((f² - 1) / (8 ln 2)) voxels, cut at 4 deviations (Cardoso et al., MICCAI 2015: the point spread
function of the larger voxel).

A source goes on to the outer faces of its outer voxels, half a voxel beyond their points, and has
their values there. Beyond lies `outside`.

The answer does not depend on the order in which files hold their voxels: axes are exchanged and
reversed, which is exact, until both grids count the same way, the one asked for along RAS+, and
only then is anything computed, each sum in one order, in 32-bit floats. Affines that differ by
rounding count as equal: the places of a grid's outer voxels are rounded to 1/4096 voxel. So a grid
whose voxels are the source's own, turned, cropped or padded, gets a copy, bit by bit, and what went
there comes back with the affines alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.imaging.axes import (
    Matrix,
    nearest_turn,
    orientation_of,
    turn_between,
    turned,
    turned_grid,
)
from bedside.imaging.bands import LATTICE, Interpolation, band_of, combined, deviation
from bedside.imaging.grid import Grid, Placed
from bedside.imaging.oblique import oblique, smoothed
from bedside.imaging.volume import Affine, Voxels


def resampled(
    placed: Placed,
    onto: Grid,
    interpolation: Interpolation = "linear",
    *,
    outside: float | None = 0.0,
    antialias: bool = True,
) -> Placed:
    """Return the values at the voxels of another grid, as the module says.

    Args:
        placed: The source, and where it lies.
        onto: The grid asked for.
        interpolation: What stands between the source's voxels.
        outside: What stands beyond the source; None repeats its outer values for ever.
        antialias: Whether to smooth before a larger step; never with `nearest`.

    Returns:
        New values on `onto`, in memory along RAS+ (a view in the order of `onto`).

    Raises:
        UsageError: there is no such interpolation.
    """
    if interpolation not in get_args(Interpolation):
        raise UsageError(
            f"There is no interpolation {interpolation!r}; there are "
            f"{', '.join(get_args(Interpolation))}."
        )
    turn = turn_between(orientation_of(onto.affine), "RAS")
    target = turned_grid(onto, turn)
    source = _counted_alike(placed, target)
    places = _places(source.affine, target)
    out = np.full(target.shape, 0.0 if outside is None else outside, dtype=np.float32)
    sigmas = _sigmas(places, antialias and interpolation != "nearest")
    endless = outside is None
    if _parallel(places):
        i, j, k = (
            band_of(
                places[axis, 3] + places[axis, axis] * np.arange(target.shape[axis]),
                source.shape[axis],
                interpolation,
                sigmas[axis],
                endless=endless,
            )
            for axis in range(3)
        )
        combined(source.values, (i, j, k), out)
    else:
        oblique(smoothed(source.values, sigmas), places, interpolation, out, endless=endless)
    return Placed(turned(out, turn.inverse), onto.affine)


def strongest(
    channels: Sequence[Voxels] | Voxels, affine: Affine, onto: Grid, *, antialias: bool = True
) -> tuple[NDArray[np.uint8], Voxels]:
    """Return which of several probabilities is the largest on another grid, and how large it is.

    Each channel goes there by itself (linear), and is let go before the next. Of equals, the first.
    Beyond the source channel 0 has 1.

    Args:
        channels: Probabilities 0 to 1, each along (i, j, k); 2 to 256 of them.
        affine: Where they lie.
        onto: The grid asked for.
        antialias: As `resampled` says.

    Returns:
        Number of the channel, uint8, and its probability, float32, both on `onto`.

    Raises:
        UsageError: not 2 to 256 channels.
    """
    if not 2 <= len(channels) <= 256:
        raise UsageError(f"There are {len(channels)} channels; 2 to 256 can be compared.")
    best = resampled(Placed(channels[0], affine), onto, outside=1.0, antialias=antialias).values
    number = np.zeros_like(best, dtype=np.uint8)
    for at in range(1, len(channels)):
        other = resampled(Placed(channels[at], affine), onto, antialias=antialias).values
        larger = other > best
        number[larger] = at
        np.copyto(best, other, where=larger)
    return number, best


def _counted_alike(placed: Placed, target: Grid) -> Placed:
    """Return the source with axes that count as nearly as can be along those of the target."""
    relative = np.linalg.inv(target.affine[:3, :3]) @ placed.affine[:3, :3]
    turn = nearest_turn(relative)
    return Placed(turned(placed.values, turn), placed.affine @ turn.matrix(placed.shape))


def _places(source: Affine, target: Grid) -> Matrix:
    """Return indices of the target to indices of the source, 4 × 4.

    The place of the first voxel, and the way from it to the last along each axis, are rounded to
    1/4096 voxel.
    """
    places: Matrix = np.linalg.inv(source) @ target.affine
    steps = np.array([*(max(size - 1, 1) for size in target.shape), 1])
    places[:3] = np.round(places[:3] * steps * LATTICE) / LATTICE / steps
    places[3] = (0.0, 0.0, 0.0, 1.0)
    return places


def _parallel(places: Matrix) -> bool:
    across = places[:3, :3].copy()
    np.fill_diagonal(across, 0.0)
    return not across.any()


def _sigmas(places: Matrix, wanted: bool) -> tuple[float, float, float]:
    """Return the Gaussian's deviation along each axis of the source, in its voxels."""
    steps = np.linalg.norm(places[:3, :3], axis=1)
    i, j, k = (deviation(float(step)) if wanted else 0.0 for step in steps)
    return i, j, k
