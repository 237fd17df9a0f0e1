"""Where the head lies in a volume: the box by which places in it are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bedside.imaging.axes import reoriented
from bedside.imaging.grid import Placed
from bedside.imaging.measuring.extents import Triple, bounds
from bedside.imaging.measuring.masks import Mask
from bedside.imaging.volume import Affine, Voxels

COARSE: Final = 4.0
"""Millimetres of the cells in which the head is sought; noise and hair vanish in them."""

NECK: Final = 180.0
"""Millimetres below the vertex where a head ends and a neck begins, on adults roughly the chin's
height; a volume that shows more of the neck has its head's box end here."""

BINS: Final = 256
_MOST: Final = 99.5
"""Percentile above which values are cut, so that one bright voxel does not spoil the threshold."""


@dataclass(frozen=True, slots=True)
class Head:
    """The box of a head along the patient's axes, in mm, RAS+.

    Attributes:
        lowest: Its left, hind, lower corner.
        highest: Its right, front, upper corner.
    """

    lowest: Triple
    highest: Triple

    @property
    def centre(self) -> Triple:
        """The middle of the box."""
        right, front, head = (
            (low + high) / 2 for low, high in zip(self.lowest, self.highest, strict=True)
        )
        return right, front, head


def head_of(values: Voxels, affine: Affine) -> Head | None:
    """Return the box of what stands out from the background, without the neck.

    The volume is averaged to cells of about `COARSE` mm, split from the background by Otsu's
    threshold (IEEE Trans. SMC 9(1), 1979), and the largest piece is taken. Below `NECK` mm under
    its highest point it is no head any more.

    Args:
        values: float32 along (i, j, k), of any contrast in which air is dark.
        affine: Voxel indices to mm, RAS+.

    Returns:
        None where nothing stands out: a volume of one value.
    """
    found = body_of(values, affine)
    if found is None:
        return None
    (right, front, low), (to_right, to_front, vertex) = found
    return Head((right, front, max(low, vertex - NECK)), (to_right, to_front, vertex))


def body_of(values: Voxels, affine: Affine) -> tuple[Triple, Triple] | None:
    """Return the box around the largest thing that stands out from the background.

    Lowest and highest corner along the patient's axes, in mm, RAS+; None where nothing stands out.
    """
    upright = reoriented(Placed(values, affine), "RAS")
    cells, coarse = averaged(upright.values, upright.affine, COARSE)
    return bounds(_largest(foreground(cells)), coarse)


def averaged(values: Voxels, affine: Affine, millimetres: float) -> tuple[Voxels, Affine]:
    """Return means over whole numbers of voxels, and the affine of the cells.

    A cell is as near to a cube of `millimetres` as whole voxels allow; an incomplete cell at the
    end of an axis is left out.
    """
    factors = []
    cells: Voxels = values
    for axis, spacing in enumerate(np.linalg.norm(affine[:3, :3], axis=0)):
        factor = min(max(round(millimetres / float(spacing)), 1), values.shape[axis])
        kept = values.shape[axis] // factor * factor
        total = np.zeros((), dtype=np.float32)
        for offset in range(factor):
            part = [slice(None)] * 3
            part[axis] = slice(offset, kept, factor)
            total = total + cells[tuple(part)]
        cells = total / np.float32(factor)
        factors.append(float(factor))
    coarse = affine.astype(np.float64).copy()
    coarse[:3, :3] *= factors
    coarse[:3, 3] += affine[:3, :3] @ ((np.array(factors) - 1) / 2)
    return cells, coarse


def foreground(values: Voxels) -> Mask:
    """Return what is brighter than Otsu's threshold; nothing where all is equal."""
    lowest, highest = float(values.min()), float(np.percentile(values, _MOST))
    if not highest > lowest:
        highest = float(values.max())
    if not highest > lowest:
        return np.zeros(values.shape, dtype=np.bool_)
    cut = np.clip(values, lowest, highest).astype(np.float64)  # bins finer than 32 bits tell apart
    counts, edges = np.histogram(cut, BINS, (lowest, highest))
    mask: Mask = values > edges[_split(counts.astype(np.float64)) + 1]
    return mask


def _split(counts: NDArray[np.float64]) -> int:
    """Return the last bin of the background: where the variance between the classes is largest."""
    places = np.arange(len(counts), dtype=np.float64)
    below, sums = np.cumsum(counts)[:-1], np.cumsum(counts * places)[:-1]
    above = counts.sum() - below
    total = float((counts * places).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (total * below / counts.sum() - sums) ** 2 / (below * above)
    return int(np.argmax(np.nan_to_num(between, nan=0, posinf=0)))


def _largest(mask: Mask) -> Mask:
    """Return the largest piece, or nothing of nothing.

    Two pieces are one where less than two cells are between them: in many contrasts a skull is as
    dark as air, and the scalp around it is of the head.
    """
    wide = ndimage.binary_dilation(mask, structure=np.ones((3, 3, 3), dtype=np.bool_))
    labels, count = ndimage.label(wide)
    if not count:
        return mask
    sizes = np.bincount(labels[mask])
    piece: Mask = mask & (labels == int(np.argmax(sizes)))
    return piece
