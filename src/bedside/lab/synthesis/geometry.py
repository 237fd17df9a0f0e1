"""Where each point of the wanted grid lies in a head: turned, stretched, sheared, bent, mirrored."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bedside.lab.synthesis.chance import Chance
from bedside.lab.synthesis.settings import SynthesisSettings

Shape: TypeAlias = tuple[int, int, int]
Matrix: TypeAlias = NDArray[np.float64]

_TURNS: Final = tuple(
    np.diag(signs)[list(order)]
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1.0, -1.0), repeat=3)
)


def points(
    chance: Chance,
    settings: SynthesisSettings,
    shape: Shape,
    spacing: float,
    middle: tuple[float, float, float],
) -> Tensor:
    """Return for each voxel of a grid the voxel of a head at 1 mm that shows there.

    Args:
        chance: Of this case.
        settings: How far it may go.
        shape: Of the grid.
        spacing: Of the grid, mm.
        middle: Voxel of the head that comes near the middle of the grid.

    Returns:
        (3, i, j, k), float32, in voxels of the head.
    """
    matrix = _matrix(chance, settings)
    shift = chance.numbers.uniform(-settings.shift, settings.shift, 3)
    device = chance.device
    axes = [
        (torch.arange(side, device=device, dtype=torch.float32) - (side - 1) / 2) * spacing
        for side in shape
    ]
    where = torch.empty(3, *shape, device=device)
    for axis in range(3):
        row = matrix[axis]
        offset = middle[axis] + float(matrix[axis] @ shift)
        where[axis] = (
            (axes[0] * row[0] + offset)[:, None, None]
            + (axes[1] * row[1])[None, :, None]
            + (axes[2] * row[2])[None, None, :]
        )
    return where.add_(_bend(chance, settings, shape, spacing))


def sampled(volume: Tensor, where: Tensor, offset: Sequence[float] = (0.0, 0.0, 0.0)) -> Tensor:
    """Return the voxel of the volume that is nearest to each point; beyond the volume its outer voxel.

    Args:
        volume: (i, j, k), of any type.
        where: (3, …) points in voxels of the volume.
        offset: What is added to every point, in voxels.
    """
    flat = torch.zeros(where.shape[1:], dtype=torch.int32, device=where.device)
    for axis, side in enumerate(volume.shape):
        place = (where[axis] + (offset[axis] + 0.5)).clamp_(0, side - 0.5).to(torch.int32)
        flat = flat.mul_(side).add_(place)
    return volume.flatten().index_select(0, flat.flatten()).view(flat.shape)


def _matrix(chance: Chance, settings: SynthesisSettings) -> Matrix:
    """Return the 3 × 3 matrix from millimetres of the grid to voxels of the head."""
    tilts = np.radians(chance.numbers.uniform(-settings.tilt, settings.tilt, 3))
    matrix = np.eye(3)
    for axis, tilt in enumerate(tilts):
        matrix = matrix @ _rotation(axis, float(tilt))
    scales = 1 + chance.numbers.uniform(-settings.stretch, settings.stretch, 3)
    scales /= math.exp(chance.between(math.log(settings.smallest), math.log(settings.largest)))
    matrix = matrix @ np.diag(scales)
    shear = np.eye(3)
    shear[np.triu_indices(3, 1)] = chance.numbers.uniform(-settings.shear, settings.shear, 3)
    matrix = matrix @ shear
    if chance.happens(settings.mirrored):
        matrix[0] *= -1  # along the head's own left to right
    if chance.happens(settings.turned):
        matrix = matrix @ _TURNS[chance.whole(0, len(_TURNS))]
    return matrix


def _rotation(axis: int, angle: float) -> Matrix:
    matrix = np.eye(3)
    first, second = (other for other in range(3) if other != axis)
    matrix[first, first] = matrix[second, second] = math.cos(angle)
    matrix[first, second], matrix[second, first] = -math.sin(angle), math.sin(angle)
    return matrix


def _bend(chance: Chance, settings: SynthesisSettings, shape: Shape, spacing: float) -> Tensor:
    """Return a smooth deformation, (3, i, j, k), in mm: few knots for the shape of the head."""
    apart = chance.between(22.0, 60.0)
    knots = [max(3, round(side * spacing / apart) + 1) for side in shape]
    return chance.smooth(3, shape, knots) * chance.between(0, settings.bending)
