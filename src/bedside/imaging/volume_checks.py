"""What holds for every volume, however it came: spacing that can be, right angles, finite values."""

from __future__ import annotations

from typing import Final

import numpy as np

from bedside.errors import VolumeRefused
from bedside.imaging.volume import Affine, Voxels
from bedside.imaging.volume_refusals import corrupt

Note = tuple[str, str]

SHEAR: Final = 0.1
"""Degrees from a right angle that rounding explains: 0.35 mm over 200 mm."""

_SPACINGS: Final = (1e-3, 1e3)
"""Millimetres: a micrometre to a metre."""

FARTHEST: Final = 1e5
"""Millimetres: 100 m from the scanner's centre."""

_FLATTEST: Final = 0.01
"""Least |determinant| of the axes' unit vectors; below it they lie almost in a plane."""

_MOST_MISSING: Final = 1_000
"""One voxel in so many may be not a number."""


def checked_affine(affine: Affine, *, sheared: bool) -> list[Note]:
    """Check an affine, and note where its axes are not at right angles.

    Args:
        affine: 4 × 4, voxel indices to millimetres.
        sheared: Whether axes that are not at right angles are let through, with a note.

    Raises:
        VolumeRefused: the affine is impossible (`corrupt`), or sheared.
    """
    columns = affine[:3, :3]
    spacing = np.linalg.norm(columns, axis=0)
    if not (np.isfinite(affine).all() and np.abs(affine[:3, 3]).max() <= FARTHEST):
        raise corrupt(f"its position is {affine[:3, 3].tolist()} mm")
    if spacing.min() < _SPACINGS[0] or spacing.max() > _SPACINGS[1]:
        raise corrupt(f"its spacing is {' × '.join(f'{one:.4g}' for one in spacing)} mm")
    cosines = (columns / spacing).T @ (columns / spacing)
    angles = np.degrees(np.arcsin(np.clip(np.abs(cosines[np.triu_indices(3, 1)]), 0, 1)))
    tilt = float(angles.max())
    if tilt > 80:
        raise corrupt(f"two of its axes lie {90 - tilt:.2g}° apart")
    if abs(float(np.linalg.det(columns / spacing))) < _FLATTEST:
        raise corrupt("its three axes lie in one plane")
    if tilt <= SHEAR:
        return []
    words = f"its axes are {tilt:.1f}° away from right angles (gantry tilt, or a registration)"
    if not sheared:
        raise VolumeRefused(
            "sheared",
            f"The volume is sheared: {words}.",
            advice="Have it straightened where it was made; a model that resamples takes it as it is.",
        )
    return [("sheared", words)]


def without_gaps(values: Voxels, missing: int) -> list[Note]:
    """Give voxels that are not a number the lowest value of the others, where they are few.

    Args:
        values: float32; changed in place.
        missing: How many are not a number.

    Raises:
        VolumeRefused: more than one voxel in a thousand is not a number.
    """
    if not missing:
        return []
    if missing * _MOST_MISSING > values.size:
        raise not_finite(f"{missing} of {values.size} voxels are not a number")
    lowest = np.nanmin(values)
    values[np.isnan(values)] = lowest
    return [
        ("not-a-number-replaced", f"{missing} voxels were not a number and got {lowest:g}, the lowest")
    ]  # fmt: skip


def not_finite(what: str) -> VolumeRefused:
    """Return the refusal of values that are no numbers."""
    return VolumeRefused(
        "not-finite",
        f"The volume has values that are no numbers: {what}.",
        advice="Find out what made them, and export the volume with numbers alone.",
    )
