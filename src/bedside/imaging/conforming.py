"""The grid that FreeSurfer and models made for it want: a cube along the room's axes, stored LIA.

As `mri_convert --conform` and FastSurfer's `conform.py` place it: the source's voxel place n / 2
(half a voxel beyond the middle of its field of view) lies at place side / 2 of the cube. So a file
that is conformed already stays as it is. FreeSurfer counts n / 2 in the order in which the file is
stored, and so moves by a voxel with it; here it is counted in the order of the cube, and every file
of one image gives one answer.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from bedside.errors import UsageError
from bedside.imaging.axes import orientation_of, turn_between, turned_grid
from bedside.imaging.bands import Interpolation
from bedside.imaging.grid import Grid, Placed
from bedside.imaging.resampling import resampled

SIDE: Final = 256
SPACING: Final = 1.0
CODE: Final = "LIA"


def conformed_grid(
    grid: Grid, side: int = SIDE, spacing: float = SPACING, code: str = CODE
) -> Grid:
    """Return the cube for a grid.

    Args:
        grid: Where the source lies.
        side: Voxels along each axis.
        spacing: Millimetres from voxel to voxel.
        code: Where the axes of the cube point.

    Raises:
        UsageError: a spacing not above 0, a side below 1, or no orientation code.
        LimitExceeded: more voxels than a volume may have.
    """
    if not (np.isfinite(spacing) and spacing > 0):
        raise UsageError(f"The spacing {spacing:g} mm is not above 0.")
    stored = turned_grid(grid, turn_between(orientation_of(grid.affine), code))
    middle = (stored.affine @ [*(size / 2 for size in stored.shape), 1.0])[:3]
    affine = np.eye(4)
    affine[:3, :3] = turn_between("RAS", code).matrix(stored.shape)[:3, :3] * spacing
    affine[:3, 3] = middle - affine[:3, :3] @ np.full(3, side / 2)
    return Grid((side, side, side), affine)


def conformed(
    placed: Placed,
    grid: Grid | None = None,
    interpolation: Interpolation = "linear",
    *,
    antialias: bool = False,
) -> Placed:
    """Return the values on the cube; 0 beyond the source. `intensities.eight_bit` is apart.

    Args:
        placed: The source.
        grid: The cube; `conformed_grid` of the source where none is given.
        interpolation: FreeSurfer's own is linear.
        antialias: FreeSurfer does not.
    """
    cube = conformed_grid(placed.grid) if grid is None else grid
    return resampled(placed, cube, interpolation, antialias=antialias)
