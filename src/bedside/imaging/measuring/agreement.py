"""How well two masks agree: overlap, and the distance between their surfaces.

Source: Maier-Hein et al., "Metrics reloaded", Nature Methods 21 (2024), for names and edge cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from bedside.errors import LimitExceeded, UsageError
from bedside.imaging.measuring.masks import Mask, boxed, check_mask, in_millimetres
from bedside.imaging.measuring.measurement import Measurement
from bedside.imaging.volume import Affine

MOST_SURFACE: Final = 4_000_000
"""Voxels of a surface; a brain at 1 mm has about 150,000. They take 200 bytes each."""

_PERCENTILE: Final = 95


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much of two masks is common, from 0 to 1; 1 where both are empty.

    Attributes:
        dice: 2 |A ∩ B| / (|A| + |B|).
        jaccard: |A ∩ B| / |A ∪ B|.
        sensitivity: |A ∩ B| / |B|: how much of the reference was found; 1 of an empty one.
        precision: |A ∩ B| / |A|: how much of what was found is right; 1 where nothing was found.
    """

    dice: float
    jaccard: float
    sensitivity: float
    precision: float


@dataclass(frozen=True, slots=True)
class SurfaceDistances:
    """How far two surfaces lie from each other, in mm.

    Attributes:
        mean: Mean over all voxels of both surfaces (average symmetric surface distance).
        percentile_95: The larger one of both directions' 95th percentile (Hausdorff, 95 %).
        most: The largest distance (Hausdorff).
    """

    mean: float
    percentile_95: float
    most: float


def overlap(found: Mask, reference: Mask) -> Overlap:
    """Return how much two masks on one grid overlap.

    Raises:
        UsageError: the shapes differ, or an array is no mask.
    """
    _check_pair(found, reference)
    common = int(np.count_nonzero(found & reference))
    of_found, of_reference = int(np.count_nonzero(found)), int(np.count_nonzero(reference))
    return Overlap(
        _share(2 * common, of_found + of_reference),
        _share(common, of_found + of_reference - common),
        _share(common, of_reference),
        _share(common, of_found),
    )


def surface_distances(found: Mask, reference: Mask, affine: Affine) -> SurfaceDistances:
    """Return the distances between the surfaces of two masks on one grid.

    A surface is the centres of the mask's voxels of which a face looks out of it. Distances are
    Euclidean in the affine's millimetres, by a k-d tree of those points: on right-angled axes what
    a distance transform gives, and right on sheared ones as well.

    Raises:
        UsageError: one is empty, the shapes differ, or an array is no mask.
        LimitExceeded: a surface of more than `MOST_SURFACE` voxels.
    """
    _check_pair(found, reference)
    one, other = surface(found, affine), surface(reference, affine)
    if not len(one) or not len(other):
        raise UsageError(
            f"Surfaces of {len(one)} and {len(other)} voxels have no distance.",
            advice="Compare masks that are not empty.",
        )
    there, back = _nearest(one, other), _nearest(other, one)
    return SurfaceDistances(
        float((there.sum() + back.sum()) / (len(there) + len(back))),
        float(max(np.percentile(there, _PERCENTILE), np.percentile(back, _PERCENTILE))),
        float(max(there.max(), back.max())),
    )


def surface(mask: Mask, affine: Affine) -> NDArray[np.float64]:
    """Return the centres of a mask's outermost voxels, n × 3 in mm; the volume's edge is outside.

    Raises:
        LimitExceeded: more than `MOST_SURFACE`.
    """
    inside, first = boxed(mask)
    if not inside.size:
        return np.zeros((0, 3))
    rim = inside & ~ndimage.binary_erosion(inside)
    number = int(np.count_nonzero(rim))
    if number > MOST_SURFACE:
        raise LimitExceeded(
            f"The surface of the mask has {number} voxels; at most {MOST_SURFACE} are compared.",
            advice="Remove what is noise first, or resample to larger voxels.",
        )
    return in_millimetres(np.argwhere(rim) + first, affine)


def agreement(found: Mask, reference: Mask, affine: Affine) -> tuple[Measurement, ...]:
    """Return overlap and, where neither mask is empty, surface distances as measurements."""
    shared = overlap(found, reference)
    out = [
        Measurement(name, (getattr(shared, name),), "1", "voxel-overlap")
        for name in Overlap.__slots__
    ]
    if found.any() and reference.any():
        apart = surface_distances(found, reference, affine)
        method = "surface-voxel-centres"
        out.append(Measurement("surface-distance-mean", (apart.mean,), "mm", method))
        out.append(Measurement("surface-distance-95", (apart.percentile_95,), "mm", method))
    return tuple(out)


def _check_pair(found: Mask, reference: Mask) -> None:
    check_mask(found)
    check_mask(reference)
    if found.shape != reference.shape:
        raise UsageError(
            f"Masks of {found.shape} and {reference.shape} voxels lie on different grids.",
            advice="Resample one onto the other's grid first.",
        )


def _nearest(points: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each point is from the nearest of the others."""
    distances: NDArray[np.float64] = cKDTree(others).query(points)[0]
    return distances


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
