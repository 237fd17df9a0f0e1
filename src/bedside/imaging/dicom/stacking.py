"""Planes in any order to one stack: their order and the affine, from their positions alone.

Slice thickness, spacing between slices, instance numbers and file names are never looked at.
Planes lie along the normal of their orientation; every gap is held against the typical one, and
every plane against the straight line through the stack.
Source: DICOM PS3.3, section C.7.6.2.1.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.errors import VolumeRefused
from bedside.imaging.dicom.planes import Plane
from bedside.imaging.volume import Affine
from bedside.imaging.volume_checks import FARTHEST
from bedside.imaging.volume_refusals import corrupt, four_dimensional, not_a_volume

_UNEVEN: Final = 0.05
"""Of the typical gap: what rounding to hundredths of a millimetre makes of half a millimetre."""

_ROUNDING: Final = 2e-3
"""Millimetres that a gap may differ in any case."""

_SAME: Final = 0.01
"""Of the typical gap, or millimetres where there is none: closer planes are at one place."""

_LEAST: Final = 1e-4
"""Millimetres; closer planes are at one place in any case."""

_ASIDE: Final = 0.1
"""Of the gap: how far a plane may lie from the line through all of them."""

_ASKEW: Final = 0.1
"""Of a pixel: how far a corner of a plane may lie from where the median of all directions has it.
Directions in four digits, the last of which is one more or less, move the far corner of 512 × 512
pixels by 0.07; scanners write six digits or more."""

_UNIT: Final = 1e-3
"""How far directions may be from length 1 and from a right angle."""


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Planes in order.

    Attributes:
        planes: From the foot of the normal (row × column) upwards.
        affine: (column, row, plane) to RAS+ mm; sheared where the planes are.
    """

    planes: tuple[Plane, ...]
    affine: Affine


def stacked(planes: Sequence[Plane], rows: int, columns: int) -> Stack:
    """Return planes of one orientation and spacing in their order, and where they lie.

    Of directions and spacings that differ within rounding the median counts, so that neither the
    order in which planes came nor a single one of them decides.

    Args:
        planes: In any order.
        rows: Pixels down each of them.
        columns: Pixels along each of them.

    Raises:
        VolumeRefused: `no-geometry`, `too-few-slices`, `missing-slices`, `duplicate-slices`,
            `four-dimensional`, or `corrupt` where a header says what cannot be.
    """
    _check_placed(planes)
    orientations = np.array([plane.orientation for plane in planes])
    spacings = np.array([plane.spacing for plane in planes])
    orientation, spacing = np.median(orientations, axis=0), np.median(spacings, axis=0)
    across, down = _directions(orientation)
    positions = np.array([plane.position for plane in planes])
    if not (np.abs(positions) <= FARTHEST).all():
        raise corrupt(f"a slice lies more than {FARTHEST:g} mm away")
    heights = positions @ np.cross(across, down)
    order = np.argsort(heights, kind="stable")
    ordered = tuple(planes[place] for place in order)
    _check_gaps(heights[order], ordered)
    step = _step(positions[order])
    if not (np.isfinite(spacings).all() and spacings.min() > 0):
        raise corrupt(f"its pixel spacing is {spacing[0]:g} by {spacing[1]:g}")
    _check_parallel(orientations, spacings, (rows, columns))
    patient = np.eye(4)
    patient[:3] = np.column_stack(
        (across * spacing[1], down * spacing[0], step, positions[order[0]])
    )
    affine = np.diag((-1.0, -1.0, 1.0, 1.0)) @ patient  # LPS to RAS
    return Stack(ordered, affine)


def _check_placed(planes: Sequence[Plane]) -> None:
    frames = max(plane.frames for plane in planes)
    if frames > 1:
        raise VolumeRefused(
            "no-geometry",
            f"The DICOM object has {frames} frames and does not say where each of them lies.",
            advice="Send the original series of the scanner, or an enhanced object.",
        )
    if len(planes) == 1 and not planes[0].position:
        raise not_a_volume("This is one DICOM picture", "Send all slices of a series together.")
    if not all(plane.is_placed for plane in planes):
        raise VolumeRefused(
            "no-geometry",
            "The DICOM objects do not say where their pixels lie in the patient (Image Position, "
            "Image Orientation and Pixel Spacing).",
            advice="Send the original series of the scanner.",
        )


def _directions(
    orientation: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the unit vectors along a row and down a column, at right angles."""
    across, down = orientation[:3], orientation[3:]
    if not (np.abs((across, down)) <= 1 + _UNIT).all():
        raise corrupt("its Image Orientation is not two directions of length 1")
    off = max(abs(across @ across - 1), abs(down @ down - 1), abs(across @ down))
    if off > 2 * _UNIT:
        raise corrupt("its Image Orientation is not two directions at a right angle")
    across = across / np.linalg.norm(across)
    down = down - (down @ across) * across
    return across, down / np.linalg.norm(down)


def _check_parallel(
    orientations: NDArray[np.float64], spacings: NDArray[np.float64], sides: tuple[int, int]
) -> None:
    """Check that the corners of each plane lie where the medians of all have them."""
    across = orientations[:, :3] * spacings[:, 1:] * (sides[1] - 1)
    down = orientations[:, 3:] * spacings[:, :1] * (sides[0] - 1)
    corners = np.stack((across, down, across + down))
    usual = np.stack((np.median(across, axis=0), np.median(down, axis=0)))
    off = corners - np.stack((usual[0], usual[1], usual.sum(axis=0)))[:, None]
    farthest = float(np.linalg.norm(off, axis=2).max())
    pixel = float(np.median(spacings, axis=0).min())
    if farthest > _ASKEW * pixel:
        raise VolumeRefused(
            "missing-slices",
            f"The slices are not quite parallel or not of one pixel size: the corner of one lies "
            f"{farthest:.3g} mm from where the others have it, and a pixel is {pixel:.3g} mm.",
            advice="Send slices of one acquisition, or have them resampled where they were made.",
        )


def _check_gaps(heights: NDArray[np.float64], planes: Sequence[Plane]) -> None:
    """Check that sorted heights are evenly spaced and that each occurs once."""
    count = len(heights)
    groups = _places(heights)
    if len(groups) < 2:
        raise VolumeRefused(
            "too-few-slices",
            f"There {'is 1 slice' if count == 1 else f'are {count} slices'} at one place; a volume "
            "needs two or more.",
            advice="Send all slices of the series together.",
        )
    if len(groups) < count:
        raise _repeated([[planes[place] for place in group] for group in groups])
    gaps = np.diff(heights)
    typical = float(np.median(gaps))
    off = np.abs(gaps - typical)
    if off.max() > max(_UNEVEN * typical, _ROUNDING):
        raise _uneven(heights, gaps, typical)


def _places(heights: NDArray[np.float64]) -> list[range]:
    """Return which of the sorted heights lie at one place.

    They do where the group of them is narrow beside the widest gap (several times, each moved a
    little), or else where one is next to the other.
    """
    gaps = np.diff(heights)
    widest = gaps.max(initial=0.0)
    wide = gaps[gaps > (_SAME if widest > _SAME else _LEAST)]
    typical = float(np.median(wide)) if wide.size else 0.0
    if widest > _LEAST:
        groups = _split(gaps, _UNEVEN * widest)
        if all(heights[group[-1]] - heights[group[0]] <= _UNEVEN * widest for group in groups):
            return groups
    return _split(gaps, max(_SAME * typical, _LEAST))


def _split(gaps: NDArray[np.float64], apart: float) -> list[range]:
    edges = [0, *(int(place) + 1 for place in np.flatnonzero(gaps > apart)), len(gaps) + 1]
    return [range(low, high) for low, high in pairwise(edges)]


def _repeated(places: Sequence[Sequence[Plane]]) -> VolumeRefused:
    """Return why places are refused that were seen several times.

    They are as many volumes, if each was seen equally often and never by one image twice.
    """
    times = {len(group) for group in places}
    count = sum(map(len, places))
    named = [
        [(one.instance, one.frame) for one in group if one.instance is not None] for group in places
    ]
    if len(times) == 1 and all(len(set(group)) == len(group) for group in named):
        return four_dimensional(
            f"The series has {count} images at {len(places)} places: {times.pop()} volumes, such as "
            "times, echoes or directions"
        )
    return VolumeRefused(
        "duplicate-slices",
        f"The series has {count} images at {len(places)} places: some stand twice.",
        advice="Send each slice once.",
    )


def _uneven(
    heights: NDArray[np.float64], gaps: NDArray[np.float64], typical: float
) -> VolumeRefused:
    worst = int(np.argmax(np.abs(gaps - typical)))
    ratio = gaps[worst] / typical
    lost = round(float(ratio)) - 1
    guess = (
        f"{lost} slice{'s are' if lost > 1 else ' is'} missing"
        if lost >= 1 and abs(ratio - lost - 1) < 2 * _UNEVEN * (lost + 1)
        else "the slices are not evenly spaced"
    )
    return VolumeRefused(
        "missing-slices",
        f"Of {len(heights)} slices most lie {typical:.4g} mm apart, and those at {heights[worst]:.2f} "
        f"and {heights[worst + 1]:.2f} mm lie {gaps[worst]:.4g} mm apart: {guess}.",
        advice="Send all slices of the series; nothing is made up between them.",
    )


def _step(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the way from one plane to the next; sorted positions must lie on one line."""
    step: NDArray[np.float64] = (positions[-1] - positions[0]) / (len(positions) - 1)
    line = positions[0] + np.arange(len(positions))[:, None] * step
    aside = float(np.linalg.norm(positions - line, axis=1).max())
    gap = float(np.linalg.norm(step))
    if aside > max(_ASIDE * gap, _ROUNDING):
        raise VolumeRefused(
            "missing-slices",
            f"The slices do not lie on one straight line with even steps of {gap:.4g} mm: one lies "
            f"{aside:.3g} mm beside it.",
            advice="Send slices of one acquisition.",
        )
    return step
