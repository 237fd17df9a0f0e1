"""Which way the axes point: orientation codes, and turning an array without touching a value.

A code has one letter for each of i, j, k: the side of the patient towards which the index grows:
R or L, A (front) or P, S (head) or I. "RAS" is a grid along the room's own axes; FreeSurfer stores
"LIA".
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.imaging.grid import Grid, Placed, Shape
from bedside.imaging.volume import Affine

Matrix: TypeAlias = NDArray[np.float64]
Kind = TypeVar("Kind", bound=np.generic)

ENDS: Final = (("R", "L"), ("A", "P"), ("S", "I"))
"""Of each axis of the room: the letter towards which millimetres grow, and the other."""

CODES: Final = tuple(
    sorted(
        "".join(letters)
        for order in itertools.permutations(ENDS)
        for letters in itertools.product(*order)
    )
)
"""All 48."""

AMBIGUOUS: Final = 1e-9
"""By so much one arrangement of axes must be better than another to be taken before it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Axes exchanged and reversed; nothing is computed.

    Attributes:
        axes: Axis a of the result is axis `axes[a]` of what is turned.
        flipped: Whether axis a of the result runs backwards.
    """

    axes: Shape = (0, 1, 2)
    flipped: tuple[bool, bool, bool] = (False, False, False)

    def __post_init__(self) -> None:
        if sorted(self.axes) != [0, 1, 2]:
            raise UsageError(f"A turn names each of the axes 0, 1, 2 once; this is {self.axes}.")

    @property
    def inverse(self) -> Turn:
        """What brings it back."""
        i, j, k = (self.axes.index(axis) for axis in range(3))
        return Turn((i, j, k), (self.flipped[i], self.flipped[j], self.flipped[k]))

    def matrix(self, shape: Shape) -> Matrix:
        """Return indices of the result to indices of what is turned, 4 × 4.

        Args:
            shape: Of what is turned.
        """
        out = np.zeros((4, 4))
        out[3, 3] = 1.0
        for axis, (source, flipped) in enumerate(zip(self.axes, self.flipped, strict=True)):
            out[source, axis] = -1.0 if flipped else 1.0
            out[source, 3] = shape[source] - 1 if flipped else 0.0
        return out


def turned(values: NDArray[Kind], turn: Turn) -> NDArray[Kind]:
    """Return a view with the axes exchanged and reversed."""
    steps = tuple(slice(None, None, -1 if flipped else 1) for flipped in turn.flipped)
    return values.transpose(turn.axes)[steps]


def turned_grid(grid: Grid, turn: Turn) -> Grid:
    """Return the same voxels in the same places, counted along other axes."""
    i, j, k = (grid.shape[axis] for axis in turn.axes)
    return Grid((i, j, k), grid.affine @ turn.matrix(grid.shape))


def nearest_turn(matrix: Matrix) -> Turn:
    """Return the turn after which the columns lie nearest to the rows' positive axes.

    Of all 48, the one with the largest sum of cosines in the polar factor of the columns' unit
    vectors, so that neither spacing nor shear decides; of equals, the first by axes.

    Args:
        matrix: 3 × 3, columns are steps along i, j, k.
    """
    rotated, _, back = np.linalg.svd(matrix / np.linalg.norm(matrix, axis=0))
    cosines = rotated @ back
    best, found = -np.inf, Turn()
    for i, j, k in itertools.permutations(range(3)):
        right, front, head = (float(cosines[row, axis]) for row, axis in enumerate((i, j, k)))
        along = abs(right) + abs(front) + abs(head)
        if along > best + AMBIGUOUS:
            best, found = along, Turn((i, j, k), (right < 0, front < 0, head < 0))
    return found


def orientation_of(affine: Affine) -> str:
    """Return the code that is nearest to where the axes point."""
    turn = nearest_turn(affine[:3, :3])
    letters = [""] * 3
    for end, axis, flipped in zip(ENDS, turn.axes, turn.flipped, strict=True):
        letters[axis] = end[flipped]
    return "".join(letters)


def obliquity(affine: Affine) -> float:
    """Return degrees between the room's axes and the voxels' axes nearest to them; the largest."""
    turn = nearest_turn(affine[:3, :3])
    unit = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    cosines = np.abs(unit[np.arange(3), turn.axes])
    return float(np.degrees(np.arccos(np.clip(cosines, 0.0, 1.0))).max())


def turn_between(before: str, after: str) -> Turn:
    """Return what brings an array of one orientation code to another.

    Raises:
        UsageError: one of them is no orientation code.
    """
    _check_code(before)
    _check_code(after)
    kinds = [_axis_of(letter) for letter in before]
    axes = [kinds.index(_axis_of(letter)) for letter in after]
    i, j, k = (before[axis] != letter for axis, letter in zip(axes, after, strict=True))
    return Turn((axes[0], axes[1], axes[2]), (i, j, k))


def reoriented(placed: Placed, code: str) -> Placed:
    """Return the same voxels in the same places with axes that point as the code says; a view.

    An oblique volume stays oblique: its axes point nearest to where the code says.

    Raises:
        UsageError: this is no orientation code.
    """
    turn = turn_between(orientation_of(placed.affine), code)
    return Placed(turned(placed.values, turn), placed.affine @ turn.matrix(placed.shape))


def _axis_of(letter: str) -> int:
    return next(axis for axis, ends in enumerate(ENDS) if letter in ends)


def _check_code(code: str) -> None:
    if code not in CODES:
        raise UsageError(
            f"{code!r} is no orientation.",
            advice="It has one of R or L, one of A or P and one of S or I, such as RAS.",
        )
