"""How good one mask is, held against a reference of the same volume."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from bedside.imaging.measuring.agreement import overlap, surface_distances
from bedside.imaging.measuring.masks import Mask, voxel_millilitres
from bedside.imaging.volume import Affine


@dataclass(frozen=True, slots=True)
class MaskScores:
    """A mask against a reference.

    Attributes:
        dice: 2 |A ∩ B| / (|A| + |B|); 1 where both are empty.
        hausdorff_95: 95th percentile of the distances between the surfaces, the larger of both
            directions, mm; None where one is empty.
        surface_mean: Mean distance between the surfaces, mm; None where one is empty.
        sensitivity: Share of the reference that was found.
        specificity: Share of what is outside the reference, in the whole field of view, that was
            left out. It grows with the air in the volume: compare it on equal volumes only.
        precision: Share of what was found that is right.
        volume_ml: Found, mL.
        reference_ml: Of the reference, mL.
        volume_error: Found less reference, as a share of the reference; None where that is empty.
    """

    dice: float
    hausdorff_95: float | None
    surface_mean: float | None
    sensitivity: float
    specificity: float
    precision: float
    volume_ml: float
    reference_ml: float
    volume_error: float | None


MEASURES: Final = tuple(one.name for one in fields(MaskScores))
"""The names of the scores, in the order of tables."""

UNITS: Final = {"hausdorff_95": "mm", "surface_mean": "mm", "volume_ml": "mL", "reference_ml": "mL"}
"""Of the scores that have one."""

TITLES: Final = {
    "dice": "Dice",
    "hausdorff_95": "95 % Hausdorff distance (mm)",
    "surface_mean": "mean surface distance (mm)",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "precision",
    "volume_ml": "volume (mL)",
    "reference_ml": "reference volume (mL)",
    "volume_error": "relative volume error",
}
"""What people read."""


def mask_scores(found: Mask, reference: Mask, affine: Affine) -> MaskScores:
    """Return the scores of a mask, held against a reference on the same grid.

    Raises:
        UsageError: the shapes differ, or an array is no mask.
        LimitExceeded: a surface of too many voxels.
    """
    shared = overlap(found, reference)
    voxel = voxel_millilitres(affine)
    in_found, in_reference = int(np.count_nonzero(found)), int(np.count_nonzero(reference))
    outside = reference.size - in_reference
    wrongly = in_found - int(np.count_nonzero(found & reference))
    apart = surface_distances(found, reference, affine) if in_found and in_reference else None
    return MaskScores(
        dice=shared.dice,
        hausdorff_95=None if apart is None else apart.percentile_95,
        surface_mean=None if apart is None else apart.mean,
        sensitivity=shared.sensitivity,
        specificity=1 - wrongly / outside if outside else 1.0,
        precision=shared.precision,
        volume_ml=in_found * voxel,
        reference_ml=in_reference * voxel,
        volume_error=(in_found - in_reference) / in_reference if in_reference else None,
    )
