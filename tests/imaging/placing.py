"""Grids and volumes that the tests of geometry share."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
from hypothesis import strategies as st

from bedside.imaging.axes import CODES, turn_between, turned_grid
from bedside.imaging.grid import Grid, Placed

CODE = st.sampled_from(CODES)
SIDES = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
STEPS = st.tuples(*(st.sampled_from([0.5, 0.7, 1.0, 1.3, 2.0, 3.0]) for _ in range(3)))


def affine_of(
    spacing: tuple[float, float, float],
    origin: tuple[float, float, float] = (0, 0, 0),
    tilt: float = 0.0,
) -> np.ndarray:
    """RAS+, turned by `tilt` degrees about the x axis and half as much about the z axis."""
    x, z = np.radians(tilt), np.radians(tilt / 2)
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    out = np.eye(4)
    out[:3, :3] = about_z @ about_x @ np.diag(spacing)
    out[:3, 3] = origin
    return out


def grid(
    shape: tuple[int, int, int] = (7, 8, 9),
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    code: str = "RAS",
    tilt: float = 0.0,
) -> Grid:
    ras = Grid(shape, affine_of(spacing, (-3.0, 5.0, 11.0), tilt))
    return turned_grid(ras, turn_between("RAS", code))


def noise(where: Grid, seed: int = 1) -> Placed:
    values = np.random.default_rng(seed).normal(100, 30, where.shape).astype(np.float32)
    return Placed(values, where.affine)


def smooth(where: Grid) -> Placed:
    """A value that is a plane in the room: 2 x - 3 y + z + 40, which linear gives back exactly."""
    i, j, k = np.indices(where.shape)
    points = np.einsum("ab,b...->a...", where.affine[:3, :3], np.stack([i, j, k]).astype(float))
    points += where.affine[:3, 3].reshape(3, 1, 1, 1)
    return Placed((2 * points[0] - 3 * points[1] + points[2] + 40).astype(np.float32), where.affine)


def stored(path: Path) -> Placed:
    """A NIfTI file as nibabel reads it."""
    image = nibabel.Nifti1Image.from_filename(path)
    return Placed(image.get_fdata(dtype=np.float32), image.affine)
