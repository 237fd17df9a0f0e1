"""Drawn heads of any size, as files: a head of 180 mm in so many voxels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bedside.imaging.phantoms import drawn_head
from bedside.imaging.volume_writing import nifti_bytes

REACH = 256.0
"""mm along each axis."""

BRIGHTEST = 2_000
"""Above anything that is drawn: what is stored are shares of it, in 16 bits."""


def head_of(side: int, folder: Path, *, compressed: bool = True) -> Path:
    """Return the file of a drawn head of side³ voxels, 16 bits each, written once."""
    path = folder / f"head-{side}.nii{'.gz' if compressed else ''}"
    if not path.exists():
        head = drawn_head((side,) * 3, (REACH / side,) * 3, seed=1)
        shares = head.values / np.float32(BRIGHTEST)
        data = nifti_bytes(shares, head.affine, stored="uint16", compressed=compressed)
        path.write_bytes(data)
    return path
