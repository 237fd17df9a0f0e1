"""The shape of one lesion: an ellipsoid whose surface a smooth random field has moved.

It is made of the so many voxels that lie deepest in it, less what does not hang together with the
most of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bedside.lab.evaluating.regions import TOUCHING
from bedside.lab.lesions.places import Field

Box: TypeAlias = tuple[slice, slice, slice]
Vector: TypeAlias = NDArray[np.float64]

ROOM: Final = 1.7
"""A lesion is looked for this many times as far from its middle as its longest half axis."""

FORBIDDEN: Final = np.float32(1e6)
"""Cost of a voxel where no lesion may be."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What is asked of a lesion.

    Attributes:
        middle: In voxels of the grid, (3,).
        volume: mm³.
        axes: (3, 3): its rows, in voxels, times a place from the middle give a radius, in units in
            which a ball of the volume has 1; see `axes_along`.
        rough: How far its surface is moved, as a share of the radius.
    """

    middle: Vector
    volume: float
    axes: Vector
    rough: float


def radius(volume: float) -> float:
    """Return the radius of a ball, mm for mm³."""
    return math.cbrt(3 * volume / (4 * math.pi))


def axes_along(direction: Vector, long: float, flat: float, around: float) -> Vector:
    """Return axes for a lesion that is `long` times as long along a direction; the volume stays.

    Args:
        direction: (3,), of any length but 0.
        long: Along it, relative to a ball.
        flat: Ratio of the two other axes.
        around: Angle about the direction, radians.
    """
    first = direction / np.linalg.norm(direction)
    helper = np.eye(3)[int(np.abs(first).argmin())]
    second = np.cross(first, helper)
    second /= np.linalg.norm(second)
    third = np.cross(first, second)
    turned = math.cos(around) * second + math.sin(around) * third
    other = np.cross(first, turned)
    side = math.sqrt(1 / long)
    lengths = (long, side * math.sqrt(flat), side / math.sqrt(flat))
    return np.stack([first / lengths[0], turned / lengths[1], other / lengths[2]])


def blob(shape: Shape, field: Field, cost: Field, spacing: float) -> tuple[Box, Field] | None:
    """Return where a lesion lies, and its share of each voxel there; None where it finds no room.

    The voxels with a share above a half are in one piece, and at most as many as the volume says.

    Args:
        shape: What is asked.
        field: A smooth random field over the whole grid, of standard deviation about 1.
        cost: Over the whole grid: 1 where lesions grow freely, more where less, `FORBIDDEN` where not.
        spacing: mm.
    """
    ball = radius(shape.volume) / spacing
    reach = ROOM * ball / float(np.linalg.svd(shape.axes, compute_uv=False)[-1]) + 1
    low = np.maximum(np.floor(shape.middle - reach), 0).astype(int)
    high = np.minimum(np.ceil(shape.middle + reach) + 1, cost.shape).astype(int)
    if (high <= low).any():
        return None
    box = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    depth = _away(shape, (low, high)) / np.float32(ball)
    depth *= np.exp(np.float32(shape.rough) * field[box]) * cost[box]
    depth[cost[box] >= FORBIDDEN] = FORBIDDEN
    count = max(1, round(shape.volume / spacing**3))
    flat = depth.ravel()
    if count >= flat.size:
        return None
    deepest = np.partition(flat, (count - 1, count))
    if deepest[count] >= FORBIDDEN:
        return None
    edge = (deepest[count - 1] + deepest[count]) / 2
    share: Field = (edge - depth) * np.float32(max(ball, 0.5))
    share += np.float32(0.5)
    return box, _in_one_piece(share.clip(0, 1, out=share))


def _in_one_piece(share: Field) -> Field:
    """Return the share without what touches the largest piece by no face, edge or corner."""
    pieces, count = ndimage.label(share > 0.5, TOUCHING)
    if count < 2:
        return share
    largest = pieces == np.bincount(pieces.ravel())[1:].argmax() + 1
    kept: Field = share * ndimage.binary_dilation(largest, TOUCHING)
    kept[~largest] = np.minimum(kept[~largest], 0.5)
    return kept


def _away(shape: Shape, box: tuple[NDArray[np.int_], NDArray[np.int_]]) -> Field:
    """Return the length of `axes` times the place of each voxel from the middle."""
    places = [
        np.arange(low, high, dtype=np.float32) - np.float32(middle)
        for low, high, middle in zip(*box, shape.middle, strict=True)
    ]
    total = np.zeros(tuple(len(one) for one in places), dtype=np.float32)
    for row in shape.axes.astype(np.float32):
        along = (row[0] * places[0])[:, None, None] + (row[1] * places[1])[:, None]
        along = along + row[2] * places[2]
        total += along * along
    away: Field = np.sqrt(total, out=total)
    return away
