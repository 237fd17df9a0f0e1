"""Where a pixel lies in the patient: coordinates, outlines looked up by them, dots put on them.

Patient coordinates: x runs from −1 to 1 across an average film, 0 being the midline, and the
patient's left is positive (at the right of the film, as films are hung); y runs from −1 at the
top to 1 at the bottom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Plane: TypeAlias = NDArray[np.floating]
"""Rows × columns, single precision; the top row and the leftmost column first."""

REACH = 1.6
"""How far a table of an outline reaches, above and below the film's middle."""

STEPS = 2048
"""Entries of such a table: finer than a pixel of a film of 1024 rows."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How the patient stands before the detector.

    Attributes:
        turn: Rotation in radians, clockwise on the film.
        right: Shift of the patient, in units of the coordinates.
        down: The same, downward.
        across: Magnification from side to side.
        along: Magnification from head to foot.
    """

    turn: float = 0.0
    right: float = 0.0
    down: float = 0.0
    across: float = 1.0
    along: float = 1.0

    @staticmethod
    def drawn(random: np.random.Generator) -> Pose:
        """Return a pose as a radiographer achieves it: nearly straight, nearly in the middle."""
        size = random.normal(1.0, 0.05)
        return Pose(
            turn=float(np.clip(random.normal(0, 0.025), -0.07, 0.07)),
            right=float(np.clip(random.normal(0, 0.03), -0.08, 0.08)),
            down=float(np.clip(random.normal(0, 0.05), -0.12, 0.12)),
            across=float(np.clip(size * random.normal(1.0, 0.03), 0.85, 1.18)),
            along=float(np.clip(size * random.normal(1.0, 0.03), 0.85, 1.18)),
        )


@dataclass(frozen=True)
class Grid:
    """The pixels of a square film, each with its place in the patient.

    Attributes:
        side: Rows, and columns.
        pose: How the patient stands.
    """

    side: int
    pose: Pose

    @cached_property
    def _places(self) -> tuple[Plane, Plane]:
        line = ((np.arange(self.side, dtype=np.float32) + 0.5) * 2 / self.side) - 1
        across, down = line[None, :] - self.pose.right, line[:, None] - self.pose.down
        cos, sin = math.cos(self.pose.turn), math.sin(self.pose.turn)
        x = (cos * across + sin * down) / self.pose.across
        y = (cos * down - sin * across) / self.pose.along
        return x.astype(np.float32), y.astype(np.float32)

    @property
    def x(self) -> Plane:
        """How far to the patient's left each pixel lies."""
        return self._places[0]

    @property
    def y(self) -> Plane:
        """How far down each pixel lies."""
        return self._places[1]

    @cached_property
    def _entries(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        scale = (STEPS - 1) / (2 * REACH)
        across, down = (
            np.clip((place + REACH) * scale, 0, STEPS - 1).astype(np.int32)
            for place in (self.x, self.y)
        )
        return across, down

    @cached_property
    def coarse(self) -> Grid:
        """The same film on every second pixel; `doubled` leads back."""
        return Grid(self.side // 2, self.pose)

    def by_height(self, heights: list[float], values: list[float], smooth: float = 0.04) -> Plane:
        """Return, for each pixel, the value that a smooth curve through the points has at its y."""
        return _table(heights, values, smooth)[self._entries[1]]

    def by_breadth(self, places: list[float], values: list[float], smooth: float = 0.04) -> Plane:
        """Return, for each pixel, the value that a smooth curve through the points has at its x."""
        return _table(places, values, smooth)[self._entries[0]]

    def ellipse(
        self, centre: tuple[float, float], half: tuple[float, float], tilt: float = 0.0
    ) -> Plane:
        """Return 1 at the centre of an ellipse, 0 on its outline and less than 0 outside.

        Args:
            centre: x and y.
            half: Half axes.
            tilt: Rotation of the axes in radians, clockwise on the film.
        """
        dx, dy = self.x - centre[0], self.y - centre[1]
        cos, sin = math.cos(tilt), math.sin(tilt)
        along, across = (cos * dx + sin * dy) / half[0], (cos * dy - sin * dx) / half[1]
        return (1 - (along * along + across * across)).astype(np.float32)

    def dots(
        self,
        x: NDArray[np.floating],
        y: NDArray[np.floating],
        weight: NDArray[np.floating],
        blur: float,
    ) -> Plane:
        """Return the dots added up and blurred: weight per area, in units of the coordinates.

        Args:
            x: Places of the dots, of any shape.
            y: The same shape.
            weight: The same shape; what the dots of an area of 1 × 1 add up to.
            blur: Standard deviation of the blur, in units of the coordinates.
        """
        pose, half = self.pose, self.side / 2
        cos, sin = math.cos(pose.turn), math.sin(pose.turn)
        across, down = x * pose.across, y * pose.along
        column = ((cos * across - sin * down + pose.right + 1) * half).astype(np.int64).ravel()
        row = ((cos * down + sin * across + pose.down + 1) * half).astype(np.int64).ravel()
        inside = (column >= 0) & (column < self.side) & (row >= 0) & (row < self.side)
        counted = np.bincount(
            (row * self.side + column)[inside],
            weights=np.broadcast_to(weight, x.shape).ravel()[inside],
            minlength=self.side**2,
        )
        plane = (counted * (half * half)).reshape(self.side, self.side).astype(np.float32)
        return blurred(plane, blur * half)

    def cloud(self, random: np.random.Generator, grain: float) -> Plane:
        """Return noise with mean 0 and deviation 1, with details about `grain` wide."""
        cells = max(4, round(2 / grain))
        rough = random.standard_normal((cells + 3, cells + 3), dtype=np.float32)
        plane = _stretched(rough, _spline(self.side, cells))
        return np.asarray((plane - plane.mean()) / plane.std(), dtype=np.float32)


def soft(height: Plane, width: float) -> Plane:
    """Return 0 where `height` is below −width / 2, 1 above width / 2, and a smooth slope between."""
    step = np.clip(height / width + 0.5, 0, 1)
    return np.asarray(step * step * (3 - 2 * step), dtype=np.float32)


def dome(height: Plane) -> Plane:
    """Return the thickness of a ball whose outline is where `height` is 0."""
    return np.sqrt(np.clip(height, 0, None)).astype(np.float32)


def doubled(plane: Plane | NDArray[np.bool_]) -> Plane:
    """Return a plane of a coarse grid on twice as many rows and columns, interpolated linearly."""
    for _ in range(2):
        before = np.concatenate([plane[:1], plane[:-1]])
        after = np.concatenate([plane[1:], plane[-1:]])
        fine = np.empty((2 * len(plane), plane.shape[1]), dtype=np.float32)
        fine[::2] = 0.75 * plane + 0.25 * before
        fine[1::2] = 0.75 * plane + 0.25 * after
        plane = fine.T
    return np.ascontiguousarray(plane)


def blurred(plane: Plane, pixels: float) -> Plane:
    """Return a square `plane` blurred by a Gaussian; a wide one is calculated on coarser pixels."""
    coarse = min(int(pixels // 3), 32)
    if coarse < 2:
        fine = gaussian_filter(plane, pixels, mode="nearest", truncate=2.5)
        return np.asarray(fine, dtype=np.float32)
    side = len(plane)
    padded = np.pad(plane, (0, -side % coarse), mode="edge")
    cells = len(padded) // coarse
    small = padded.reshape(cells, coarse, cells, coarse).mean(axis=(1, 3))
    small = gaussian_filter(small, pixels / coarse, mode="nearest", truncate=3)
    places = np.clip((np.arange(side) + 0.5) / coarse - 0.5, 0, cells - 1)
    first = np.minimum(places.astype(np.intp), cells - 2)
    share = (places - first).astype(np.float32)
    return _stretched(small, [(first, 1 - share), (first + 1, share)])


Taps: TypeAlias = list[tuple[NDArray[np.intp], Plane]]
"""For each pixel of a line: which coarse values it is made of, and the weight of each."""


def _stretched(small: Plane, taps: Taps) -> Plane:
    """Return a coarse square plane on the pixels of `taps`, in both directions."""
    plane = small
    for _ in range(2):
        plane = np.sum([weight[:, None] * plane[at] for at, weight in taps], axis=0).T
    return np.ascontiguousarray(plane, dtype=np.float32)


def _spline(side: int, cells: int) -> Taps:
    """Return what `side` pixels are made of: a uniform cubic B-spline of `cells` + 3 knots."""
    place = (np.arange(side) + 0.5) / side * cells
    first = place.astype(np.intp)
    t = (place - first).astype(np.float32)
    weights = (
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    )
    return [(first + position, weight) for position, weight in enumerate(weights)]


def _table(places: list[float], values: list[float], smooth: float) -> Plane:
    line = np.linspace(-REACH, REACH, STEPS)
    rough = np.interp(line, places, values)
    return np.asarray(
        gaussian_filter(rough, smooth * STEPS / (2 * REACH), mode="nearest"), dtype=np.float32
    )
