"""Drawn heads of any size, as files: a head of 180 mm in so many voxels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.phantoms import drawn_head
from bedside.imaging.volume_writing import nifti_bytes

REACH = 256.0
"""mm along each axis."""

BRIGHTEST = 2_000
"""Above anything that is drawn: what is stored are shares of it, in 16 bits."""

DRAWN = 200
"""Voxels along each axis of the largest that is drawn; larger ones repeat its voxels."""

NOISE = 12.0
"""Of each voxel by itself where voxels are repeated, so that a file packs no better for it."""


def head_of(side: int, folder: Path, *, compressed: bool = True) -> Path:
    """Return the file of a drawn head of side³ voxels, 16 bits each, written once."""
    path = folder / f"head-{side}.nii{'.gz' if compressed else ''}"
    if not path.exists():
        shares = _values(side)
        shares /= np.float32(BRIGHTEST)
        affine = np.eye(4)
        affine[:3, :3] = np.eye(3) * (REACH / side)
        affine[:3, 3] = -REACH / side * (side - 1) / 2
        path.write_bytes(nifti_bytes(shares, affine, stored="uint16", compressed=compressed))
    return path


def _values(side: int) -> NDArray[np.float32]:
    drawn = min(side, DRAWN)
    values = drawn_head((drawn,) * 3, (REACH / drawn,) * 3, seed=1).values
    if side == drawn:
        return values.copy()
    nearest = np.arange(side) * drawn // side
    values = values[nearest][:, nearest][:, :, nearest]
    noise = np.random.default_rng(side).standard_normal(values.shape, dtype=np.float32)
    noise *= np.float32(NOISE)
    noise += values
    return np.abs(noise, out=noise)
