"""How far something reaches along the patient's own axes, and where its middle lies."""

from __future__ import annotations

import numpy as np

from bedside.imaging.measuring.masks import Mask, boxed, centroid, in_millimetres, outermost
from bedside.imaging.volume import Affine

Triple = tuple[float, float, float]
"""Towards the patient's right, front and head, in mm."""


def bounds(mask: Mask, affine: Affine) -> tuple[Triple, Triple] | None:
    """Return the lowest and highest corner of the box around a mask, along the patient's axes.

    In mm, RAS+. Voxels count with their whole body, which for an oblique volume stands on a corner:
    half of |A| · (1, 1, 1) on each side of a voxel's centre. None where the mask is empty.
    """
    inside, first = boxed(mask)
    if not inside.size:
        return None
    places = in_millimetres(outermost(inside) + first, affine)
    half = np.abs(affine[:3, :3]).sum(axis=1) / 2
    return _triple(places.min(axis=0) - half), _triple(places.max(axis=0) + half)


def extents(mask: Mask, affine: Affine) -> Triple | None:
    """Return how far a mask reaches along the patient's axes, in mm; None where it is empty."""
    found = bounds(mask, affine)
    if found is None:
        return None
    lowest, highest = (np.array(corner) for corner in found)
    return _triple(highest - lowest)


def centre(mask: Mask, affine: Affine) -> Triple | None:
    """Return a mask's centre of mass in mm, RAS+; None where it is empty."""
    inside, first = boxed(mask)
    if not inside.size:
        return None
    return _triple(in_millimetres((centroid(inside) + first)[np.newaxis], affine)[0])


def _triple(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Triple:
    right, front, head = (float(value) for value in values)
    return right, front, head
