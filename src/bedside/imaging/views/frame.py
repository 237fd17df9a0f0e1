"""The inside of a chart: grid, lines, points and the bands of intervals, on paper without words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bedside.imaging.views.curves import Chart, Curve
from bedside.imaging.views.overlay import COLOURS
from bedside.imaging.views.ticks import Numbers, decades, reach, ticks

Paper: TypeAlias = NDArray[np.float32]
"""Rows × columns × 3, from 0 (black) to 1 (white)."""

INK: Final = (0.15, 0.15, 0.15)
ON_WHITE: Final = tuple(COLOURS[place] for place in (6, 5, 2, 3, 0, 1))
"""Of the pictures' colours those that stand out from white."""

_GRID: Final = (0.88, 0.88, 0.88)
_FINER: Final = 4
"""Lines are drawn so many times larger, and made smaller, so that they are smooth."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 116, 24, 40, 64
_MOST_POINTS: Final = 4_000
"""Points of a line beyond which it is thinned: more than a picture has columns."""


class Frame:
    """Where numbers lie on the paper.

    Attributes:
        box: Left, top, right and bottom of what the axes enclose, in pixels.
        x: Ends of the horizontal axis.
        y: Ends of the vertical one.
        x_ticks: Round numbers on it.
        y_ticks: On the other.
    """

    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        rows, columns = chart.size
        self.box = (_LEFT, _TOP, columns - _RIGHT, rows - _BOTTOM)
        self.x = chart.x_range or reach([one.x for one in chart.curves], logarithmic=False)
        limits = [part for one in chart.curves for part in (one.y, one.lower, one.upper)]
        found = [part for part in limits if part is not None]
        self.y = chart.y_range or reach(found, logarithmic=chart.logarithmic)
        self.x_ticks = ticks(*self.x, 6)
        self.y_ticks = decades(*self.y) if chart.logarithmic else ticks(*self.y, 6)

    def column(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the columns of the paper on which numbers lie."""
        left, _, right, _ = self.box
        return left + (x - self.x[0]) / (self.x[1] - self.x[0]) * (right - left)

    def row(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the rows of the paper on which numbers lie."""
        _, top, _, bottom = self.box
        low, high = self.y
        if self._chart.logarithmic:
            y = np.log10(np.maximum(y, low))
            low, high = math.log10(low), math.log10(high)
        return bottom - (y - low) / (high - low) * (bottom - top)

    def drawn(self) -> Paper:
        """Return the paper with grid and curves."""
        rows, columns = self._chart.size
        image = Image.new("RGB", (columns * _FINER, rows * _FINER), (255, 255, 255))
        pen = ImageDraw.Draw(image, "RGBA")
        left, top, right, bottom = (one * _FINER for one in self.box)
        for place in self.column(np.array(self.x_ticks)) * _FINER:
            pen.line([(place, top), (place, bottom)], _rgb(_GRID), _FINER)
        for place in self.row(np.array(self.y_ticks)) * _FINER:
            pen.line([(left, place), (right, place)], _rgb(_GRID), _FINER)
        for place, one in enumerate(self._chart.curves):
            self._curve(pen, one, _rgb(ON_WHITE[place % len(ON_WHITE)]))
        for side in ((0, 0, columns, self.box[1]), (0, 0, self.box[0], rows),
                     (self.box[2], 0, columns, rows), (0, self.box[3], columns, rows)):  # fmt: skip
            pen.rectangle([one * _FINER for one in side], (255, 255, 255))
        pen.rectangle([left, top, right, bottom], None, _rgb(INK), _FINER)
        small = image.resize((columns, rows), Image.Resampling.BOX)
        return np.asarray(small, dtype=np.float32) / np.float32(255)

    def _curve(self, pen: ImageDraw.ImageDraw, one: Curve, colour: tuple[int, ...]) -> None:
        if one.lower is not None and one.upper is not None:
            there, back = self._places(one.x, one.lower), self._places(one.x, one.upper)[::-1]
            outline = [point for point in (*there, *back) if point is not None]
            if len(outline) > 2:
                pen.polygon(outline, (*colour, 45))
        places = self._places(one.x, one.y)
        if one.drawn == "points":
            for point in places:
                if point is not None:
                    radius = 4 * _FINER
                    pen.ellipse([point[0] - radius, point[1] - radius, point[0] + radius, point[1] + radius], (*colour, 200))  # fmt: skip
            return
        shade = (*colour, 90) if one.faint else (*colour, 255)
        for piece in _pieces(places):
            for stretch in _dashes(piece) if one.drawn == "dashes" else [piece]:
                pen.line(stretch, shade, (1 if one.faint else 2) * _FINER, joint="curve")

    def _places(self, x: Numbers, y: Numbers) -> list[tuple[float, float] | None]:
        """Return points on the finer paper; None where a curve has a gap."""
        across, up = np.asarray(x, np.float64), np.asarray(y, np.float64)
        step = max(1, len(across) // _MOST_POINTS)
        across, up = across[::step], up[::step]
        columns, rows = self.column(across) * _FINER, self.row(up) * _FINER
        there = np.isfinite(columns) & np.isfinite(rows)
        return [
            (float(column), float(row)) if known else None
            for column, row, known in zip(columns, rows, there, strict=True)
        ]


def _pieces(places: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """Return the unbroken parts of a line."""
    parts: list[list[tuple[float, float]]] = [[]]
    for place in places:
        if place is None:
            parts.append([])
        else:
            parts[-1].append(place)
    return [part for part in parts if len(part) > 1]


def _dashes(piece: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Return a line as dashes of 8 pixels, 6 apart."""
    points = np.array(piece)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    starts = np.arange(0.0, float(along[-1]), 14.0 * _FINER)
    found = []
    for start in starts.tolist():
        ends = (start, min(start + 8.0 * _FINER, float(along[-1])))
        across = np.interp(ends, along, points[:, 0]).tolist()
        up = np.interp(ends, along, points[:, 1]).tolist()
        found.append(list(zip(across, up, strict=True)))
    return found


def _rgb(colour: tuple[float, float, float]) -> tuple[int, int, int]:
    red, green, blue = (round(one * 255) for one in colour)
    return red, green, blue
