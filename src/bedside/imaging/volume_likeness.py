"""How much two heads look alike on a coarse grid that is centred on the head.

A first version: brightness alone. The nearness of two is Pearson's correlation
(`imaging.likeness.correlation`).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.grid import Grid, Placed
from bedside.imaging.measuring.head import Head
from bedside.imaging.resampling import resampled
from bedside.imaging.volume import Affine, Voxels

REACH: Final = 240.0
"""Millimetres of the cube around the head's middle."""

FLAT: Final = 1e-6


def likeness_of(values: Voxels, affine: Affine, head: Head, side: int) -> NDArray[np.float64]:
    """Return side × side × side numbers of mean 0 and deviation 1, along R, A, S in C order.

    Args:
        values: float32 along (i, j, k).
        affine: Voxel indices to mm, RAS+.
        head: Where the head lies.
        side: Cells along each axis of the cube.
    """
    step = REACH / side
    cube = np.diag([step, step, step, 1.0])
    cube[:3, 3] = np.array(head.centre) - step * (side - 1) / 2
    cells = resampled(Placed(values, affine), Grid((side, side, side), cube)).values
    flat = cells.astype(np.float64).ravel()
    centred = flat - flat.mean()
    deviation = float(np.sqrt(np.mean(centred**2)))
    found: NDArray[np.float64] = centred / deviation if deviation > FLAT else centred * 0
    return found
