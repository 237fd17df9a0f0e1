"""A NIfTI header to an affine: which of its two ways to say it counts, and when neither does.

The rule: the sform where it has a code above 0, otherwise the qform where it has one, otherwise the
file is refused: it does not say which side is the patient's left. Where both have a code, the sform
is used; that it moves a corner elsewhere is noted, and where the two disagree about a side (an axis
more than 45° apart, or one of them mirrored) the file is refused. A qform that makes no sense beside
an sform (a spacing of 0 or less, as old converters wrote, no rotation, no numbers) is left out, with a
note.
Source: NIfTI-1.1, nifti1.h, "3D image (volume) orientation and location in space".
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.errors import VolumeRefused
from bedside.imaging.nifti.header import Header
from bedside.imaging.volume import Affine
from bedside.imaging.volume_refusals import corrupt

Notes = list[tuple[str, str]]

_FRAMES: Final[Mapping[int, str]] = MappingProxyType(
    {1: "scanner", 2: "aligned", 3: "talairach", 4: "mni", 5: "template"}
)
_MOST: Final = 1e12
"""Larger numbers are no lengths in any unit, and their squares need not be finite."""

_SMALL_MOVE: Final = 0.05
"""Of the smallest spacing: what rounding to 32 bits and to a quaternion can do."""

_CLOSE: Final = 0.01
"""Relative: a spacing that pixdim says otherwise."""

_COSINE_45: Final = float(np.sqrt(0.5))
_ROUNDING: Final = 1e-3
"""How far beyond 1 a unit quaternion of 32 bits may be."""


def placed(header: Header) -> tuple[Affine, str, Notes]:
    """Return the affine (voxel indices to RAS+ mm), the name of its frame, and what was decided.

    Raises:
        VolumeRefused: it says no orientation, or two that contradict each other, or an
            impossible one.
    """
    notes: Notes = []
    by_matrix = _sform(header) if header.sform_code else None
    by_quaternion = _qform_beside(by_matrix, header, notes) if header.qform_code else None
    if by_matrix is not None and by_quaternion is not None:
        _compare(by_matrix, by_quaternion, header, notes)
    chosen = by_quaternion if by_matrix is None else by_matrix
    if chosen is None:
        raise VolumeRefused(
            "orientation-unknown",
            "The NIfTI file says nothing of its orientation (qform_code and sform_code are 0), "
            "so that left and right cannot be told.",
            advice="Convert it again from its DICOM slices, or set its sform knowingly.",
        )
    code = header.sform_code or header.qform_code
    chosen[:3] *= header.unit
    if by_matrix is not None:
        _note_pixdim(chosen, header, notes)
    _note_units(header, notes)
    return chosen, _FRAMES.get(code, "unknown"), notes


def _sform(header: Header) -> Affine:
    affine = np.eye(4)
    affine[:3] = np.array(header.matrix).reshape(3, 4)
    if not (np.abs(affine) <= _MOST).all():
        raise corrupt("its sform holds numbers that are not finite, or enormous")
    return affine


def _qform_beside(by_matrix: Affine | None, header: Header, notes: Notes) -> Affine | None:
    """Return the qform's affine; None, with a note, where it makes no sense beside an sform."""
    try:
        return _qform(header)
    except VolumeRefused as refused:
        if by_matrix is None:
            raise
        notes.append(("qform-ignored", f"sform used; of the qform: {refused.message}"))
        return None


def _qform(header: Header) -> Affine:
    """Return the affine of the quaternion. Source: nifti1.h, method 2."""
    numbers = np.array((*header.quaternion, *header.pixdim))
    if not (np.abs(numbers) <= _MOST).all():
        raise corrupt("its qform holds numbers that are not finite, or enormous")
    b, c, d = header.quaternion[:3]
    square = b * b + c * c + d * d
    if square > 1 + _ROUNDING:
        raise corrupt(f"its quaternion is no rotation: b² + c² + d² is {square:g}")
    a = float(np.sqrt(max(1 - square, 0.0)))
    affine = np.eye(4)
    affine[:3, :3] = rotation_of(a, b, c, d) @ np.diag(header.pixdim[1:4])
    affine[:3, 3] = header.quaternion[3:]
    if min(header.pixdim[1:4]) <= 0:
        raise corrupt(f"its spacing is {' × '.join(f'{one:g}' for one in header.pixdim[1:4])}")
    if header.pixdim[0] < 0:
        affine[:3, 2] *= -1
    return affine


def rotation_of(a: float, b: float, c: float, d: float) -> NDArray[np.float64]:
    """Return the 3 × 3 rotation of a quaternion that is not 0. Source: nifti1.h, method 2."""
    norm = float(np.sqrt(a * a + b * b + c * c + d * d))
    a, b, c, d = a / norm, b / norm, c / norm, d / norm
    return np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )


def _compare(used: Affine, other: Affine, header: Header, notes: Notes) -> None:
    """Note how far the two ways lie apart, or refuse where they contradict each other."""
    sizes = [np.linalg.norm(one[:3, :3], axis=0) for one in (used, other)]
    if min(sizes[0].min(), sizes[1].min()) <= 0:
        raise corrupt("its sform or qform has an axis of no length")
    cosines = ((used[:3, :3] / sizes[0]) * (other[:3, :3] / sizes[1])).sum(axis=0)
    mirrored = np.linalg.det(used[:3, :3]) * np.linalg.det(other[:3, :3]) < 0
    if mirrored or cosines.min() < _COSINE_45:
        raise VolumeRefused(
            "orientation-contradicts",
            "The NIfTI file says two orientations that contradict each other: between its sform "
            f"and its qform an axis turns by {np.degrees(np.arccos(np.clip(cosines.min(), -1, 1))):.0f}°"
            f"{', and one is the mirror image of the other' if mirrored else ''}.",
            advice="Find out which is right, and set the other's code to 0.",
        )
    ends = np.array(np.meshgrid(*[(0, side - 1) for side in header.shape])).reshape(3, -1)
    corners = np.vstack([ends, np.ones(ends.shape[1])])
    moved = float(np.linalg.norm((used - other)[:3] @ corners, axis=0).max())
    if moved > _SMALL_MOVE * float(sizes[0].min()):
        notes.append(
            ("sform-over-qform", f"sform used; by the qform a corner lies {moved * header.unit:.3g} mm away")
        )  # fmt: skip


def _note_pixdim(affine: Affine, header: Header, notes: Notes) -> None:
    """Note spacings of the sform that pixdim says otherwise."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    said = np.abs(np.array(header.pixdim[1:4])) * header.unit
    with np.errstate(invalid="ignore", over="ignore"):
        same = np.abs(spacing - said) <= _CLOSE * spacing
    if not same.all():
        told = [" × ".join(f"{one:.4g}" for one in three) for three in (spacing, said)]
        notes.append(
            ("pixdim-ignored", f"the sform's spacing {told[0]} mm used, pixdim says {told[1]}")
        )


def _note_units(header: Header, notes: Notes) -> None:
    if header.units == 0:
        notes.append(("units-assumed", "the file states no unit of length; millimetres assumed"))
    elif header.unit != 1.0:
        name = "metres" if header.unit > 1 else "micrometres"
        notes.append(("units-converted", f"lengths converted from {name} to millimetres"))
