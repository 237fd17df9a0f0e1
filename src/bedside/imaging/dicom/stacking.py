"""Planes in any order to one stack: their order and the affine, from their positions alone.

Slice thickness, spacing between slices, instance numbers and file names are never looked at.
Planes lie along the normal of their orientation; every gap is held against the typical one, and
every plane against the straight line through the stack.
Source: DICOM PS3.3, section C.7.6.2.1.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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

_JITTER: Final = 0.05
"""Of a wide gap: what is closer is one place, seen again a little beside."""

_ASIDE: Final = 0.1
"""Of the gap: how far a plane may lie from the line through all of them."""

_OFF: Final = 0.1
"""Of a pixel: how far a corner of any plane may lie from where the affine puts it."""

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


def stacked(planes: Sequence[Plane]) -> Stack:
    """Return planes of one orientation and spacing in their order, and where they lie.

    Orientation and spacing are the means of all planes', so that no file's place decides.

    Raises:
        VolumeRefused: `no-geometry`, `too-few-slices`, `missing-slices`, `duplicate-slices`,
            `four-dimensional`, or `corrupt` where a header says what cannot be.
    """
    planes = sorted(planes, key=by_place)
    if len(planes) == 1 and not planes[0].position:
        raise not_a_volume("This is one DICOM picture", "Send all slices of a series together.")
    if not all(plane.is_placed for plane in planes):
        raise VolumeRefused(
            "no-geometry",
            "The DICOM objects do not say where their pixels lie in the patient (Image Position, "
            "Image Orientation and Pixel Spacing).",
            advice="Send the original series of the scanner.",
        )
    across, down = _directions(_mean([plane.orientation for plane in planes]))
    positions = np.array([plane.position for plane in planes])
    if not (np.abs(positions) <= FARTHEST).all():
        raise corrupt(f"a slice lies more than {FARTHEST:g} mm away")
    heights = positions @ np.cross(across, down)
    order = np.argsort(heights, kind="stable")
    ordered = tuple(planes[place] for place in order)
    _check_gaps(heights[order], ordered)
    _check_moments(ordered)
    step = _step(positions[order])
    rows, columns = _mean([plane.spacing for plane in planes])
    if not (np.isfinite((rows, columns)).all() and min(rows, columns) > 0):
        raise corrupt(f"its pixel spacing is {rows:g} by {columns:g}")
    patient = np.eye(4)
    patient[:3] = np.column_stack((across * columns, down * rows, step, positions[order[0]]))
    affine = np.diag((-1.0, -1.0, 1.0, 1.0)) @ patient  # LPS to RAS
    return Stack(ordered, affine)


def check_corners(stack: Stack, rows: int, columns: int) -> None:
    """Check that the pixels of each plane lie where the affine puts them, apart from its position.

    Args:
        stack: From `stacked`.
        rows: Pixels down a column.
        columns: Pixels along a row.

    Raises:
        VolumeRefused: `missing-slices`: a plane is turned against the others, or larger.
    """
    lps = np.diag((-1.0, -1.0, 1.0)) @ stack.affine[:3, :2]
    said = np.array([plane.orientation for plane in stack.planes])
    steps = np.array([plane.spacing for plane in stack.planes])
    with np.errstate(over="ignore", invalid="ignore"):  # enormous spacings are refused later
        along = (said[:, :3] * steps[:, 1:] - lps[:, 0]) * (columns - 1)
        down = (said[:, 3:] * steps[:, :1] - lps[:, 1]) * (rows - 1)
        corners = np.linalg.norm([along, down, along + down], axis=2)
        far, pixel = float(corners.max()), float(np.linalg.norm(lps, axis=0).min())
    if far > _OFF * pixel:
        raise VolumeRefused(
            "missing-slices",
            f"The slices are not parallel, or their pixels not of one size: a corner of one lies "
            f"{far:.3g} mm beside its place.",
            advice="Send slices of one acquisition.",
        )


def holds_places(stack: Stack, positions: Sequence[tuple[float, ...]]) -> bool:
    """Return whether each position (LPS mm) is that of one of the stack's planes."""
    patient = np.diag((-1.0, -1.0, 1.0, 1.0)) @ stack.affine
    first, step = patient[:3, 3], patient[:3, 2]
    away = np.array(positions) - first
    near = np.clip(np.rint(away @ step / (step @ step)), 0, len(stack.planes) - 1)
    off = np.linalg.norm(away - near[:, None] * step, axis=1)
    return bool(off.max() <= max(_ASIDE * float(np.linalg.norm(step)), _ROUNDING))


def by_place(plane: Plane) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Return what puts planes in an order that has nothing to do with their files."""
    return plane.orientation, plane.spacing, plane.position


def _mean(rows: Sequence[tuple[float, ...]]) -> NDArray[np.float64]:
    """Return the mean of numbers that are nearly alike; of equal ones exactly themselves."""
    numbers = np.array(rows)
    with np.errstate(invalid="ignore", over="ignore"):  # checked as one plane's are
        mean: NDArray[np.float64] = numbers[0] + (numbers - numbers[0]).mean(axis=0)
    return mean


def _directions(orientation: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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


def _check_gaps(heights: NDArray[np.float64], planes: tuple[Plane, ...]) -> None:
    """Check that sorted heights are evenly spaced and that each occurs once."""
    count = len(heights)
    gaps = np.diff(heights)
    least = _SAME if gaps.size and gaps.max() > _SAME else _LEAST
    wide = gaps[gaps > max(least, _JITTER * float(np.quantile(gaps, 0.75)) if gaps.size else 0.0)]
    typical = float(np.median(wide)) if wide.size else 0.0
    begins = gaps > max(_SAME * typical, _LEAST)
    places = 1 + int(begins.sum())
    if places < 2:
        raise VolumeRefused(
            "too-few-slices",
            f"There {'is 1 slice' if count == 1 else f'are {count} slices'} at one place; a volume "
            "needs two or more.",
            advice="Send all slices of the series together.",
        )
    if places < count:
        raise _repeated(planes, np.concatenate(([0], np.cumsum(begins))))
    off = np.abs(gaps - typical)
    if off.max() > max(_UNEVEN * typical, _ROUNDING):
        raise _uneven(heights, gaps, typical)


def _check_moments(planes: tuple[Plane, ...]) -> None:
    """Refuse planes at places of their own that are of several times, echoes or weightings."""
    if (found := len({plane.moment for plane in planes})) > 1:
        raise four_dimensional(
            f"The {len(planes)} images of the series, each at its own place, are of {found} times, "
            "echoes or weightings"
        )


def _repeated(planes: tuple[Plane, ...], at: NDArray[np.int64]) -> VolumeRefused:
    """Return why planes are refused that stand several at a place; `at` numbers their places."""
    times = np.bincount(at)
    count, places = len(planes), len(times)
    sent = {(plane.instance, plane.frame) for plane in planes if plane.instance is not None}
    named = sum(plane.instance is not None for plane in planes)
    if len(sent) == named and times.min() == times.max():
        return four_dimensional(
            f"The series has {count} images at {places} places: {count // places} volumes, such as "
            "times, echoes or directions"
        )
    return VolumeRefused(
        "duplicate-slices",
        f"The series has {count} images at {places} places: some stand twice.",
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
