"""Bodies whose volume, place and extent are known, in volumes that lie in the room in any way."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.measuring.masks import Mask
from bedside.imaging.volume import Affine


def placed(
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    turn: float = 0.0,
    shear: float = 0.0,
    shape: tuple[int, int, int] = (32, 32, 32),
) -> Affine:
    """Return an affine with a volume's middle at the origin, turned around the axis to the head."""
    sine, cosine = np.sin(turn), np.cos(turn)
    turned = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    sheared = np.eye(3)
    sheared[1, 2] = shear
    affine = np.eye(4)
    affine[:3, :3] = turned @ sheared @ np.diag(spacing)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def millimetres(shape: tuple[int, ...], affine: Affine) -> NDArray[np.float64]:
    """Return the place of every voxel, … × 3."""
    indices = np.moveaxis(np.indices(shape, dtype=np.float64), 0, -1)
    found: NDArray[np.float64] = indices @ affine[:3, :3].T + affine[:3, 3]
    return found


def ball(
    affine: Affine,
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0),
    radius: float = 10.0,
    shape: tuple[int, int, int] = (32, 32, 32),
) -> Mask:
    """Return which voxels' centres lie in a ball, in mm."""
    inside: Mask = np.linalg.norm(millimetres(shape, affine) - centre, axis=-1) <= radius
    return inside


def stored_in_48_ways(
    array: NDArray[np.generic], affine: Affine
) -> Iterator[tuple[NDArray[np.generic], Affine]]:
    """Yield one volume with its axes in every order and direction, always at the same place."""
    for order in itertools.permutations(range(3)):
        moved, columns = array.transpose(order), affine[:, [*order, 3]]
        for flips in itertools.product((False, True), repeat=3):
            out, where = moved, columns.copy()
            for axis in np.flatnonzero(flips):
                backwards = [slice(None)] * 3
                backwards[axis] = slice(None, None, -1)
                out = out[tuple(backwards)]
                where[:3, 3] += where[:3, axis] * (moved.shape[axis] - 1)
                where[:3, axis] *= -1
            yield out, where
