"""A heat map over its film, for people: what spoke for the answer, and what against.

Orange speaks for, blue against, the stronger the more opaque; grey stays grey where nothing
spoke. Orange and blue differ in lightness and hue for every kind of colour vision (Okabe and Ito,
2008: vermillion and blue). What the network did not see of the film is dimmed.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.geometry import Placement, put_back, resize
from bedside.imaging.glyphs import drawn
from bedside.imaging.grey import luma
from bedside.imaging.writing import grey_pixels, write_png

Colour = NDArray[np.float32]

LONGEST_SIDE: Final = 1_024
"""Of the picture with its legend."""

SHORTEST_LONGER_SIDE: Final = 512
FOR: Final = (213 / 255, 94 / 255, 0.0)
AGAINST: Final = (0.0, 114 / 255, 178 / 255)
_MOST_OPAQUE: Final = 0.7
_UNSEEN: Final = np.float32(0.4)
_LEGEND: Final = 128
_LEGEND_ROWS: Final = 320
_MARGIN: Final = 16
_LETTERS: Final = 6
"""Characters that find room beside the bar."""

_NOTHING: Final = 1e-98
"""What is smaller would need more characters, and is nothing."""

_BAR: Final = (12, 32)
"""First column and width of the legend's bar."""


def overlay(unit: NDArray[np.float32], grid: NDArray[np.float64], placement: Placement) -> bytes:
    """Return a PNG of the film with the heat map over it, and a legend at its right.

    Args:
        unit: Brightness of the whole picture, rows × columns, or rows × columns × 3.
        grid: What each pixel of the network's input added to the answer; positive speaks for it.
        placement: Where that input lies in the picture.
    """
    grey = unit if unit.ndim == 2 else luma(unit)
    before, after = grey.shape, _shown_size(*grey.shape)
    where = placement.shown(before, after)
    film = resize(grey, *after, "box" if after <= before else "bilinear")
    film = film * np.where(_seen(where, grid.shape, after), np.float32(1), _UNSEEN)
    strongest = float(np.abs(grid).max())
    heat = put_back((grid / (strongest or 1)).astype(np.float32), where, *after)
    picture = _blended(np.clip(film, 0, 1), heat)
    panel = _legend(max(after[0], _LEGEND_ROWS), strongest)
    out = np.zeros((len(panel), after[1] + _LEGEND, 3), dtype=np.float32)
    out[: after[0], : after[1]] = picture
    out[:, after[1] :] = panel
    return write_png(grey_pixels(out))


def _shown_size(rows: int, columns: int) -> tuple[int, int]:
    """Return the size with the longer side between the bounds, in proportion."""
    longer = max(rows, columns)
    side = min(max(longer, SHORTEST_LONGER_SIDE), LONGEST_SIDE - _LEGEND)
    return max(rows * side // longer, 1), max(columns * side // longer, 1)


def _seen(where: Placement, grid: tuple[int, ...], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which pixels lie in what the network got."""
    inside = []
    for (scale, offset), cells, pixels in zip(
        (where.inverse.rows, where.inverse.columns), grid, size, strict=True
    ):
        place = (np.arange(pixels) + 0.5) * scale + offset
        inside.append((place >= 0) & (place <= cells))
    return inside[0][:, np.newaxis] & inside[1]


def _blended(film: NDArray[np.float32], heat: NDArray[np.float32]) -> Colour:
    """Return the film under the heat map, whose values go from -1 to 1."""
    opacity = (np.abs(heat) * np.float32(_MOST_OPAQUE))[:, :, np.newaxis]
    colours = np.array([AGAINST, FOR], dtype=np.float32)[(heat > 0).astype(np.intp)]
    return film[:, :, np.newaxis] * (1 - opacity) + colours * opacity


def _legend(rows: int, strongest: float) -> Colour:
    """Return a panel with the colours from strongest for (top) to strongest against."""
    panel = np.zeros((rows, _LEGEND, 3), dtype=np.float32)
    height = min(rows, _LEGEND_ROWS) - 2 * _MARGIN
    column, width = _BAR
    scale = np.linspace(1, -1, height, dtype=np.float32)
    bar = _blended(np.full((height, 1), 0.5, dtype=np.float32), scale[:, np.newaxis])
    panel[_MARGIN : _MARGIN + height, column : column + width] = bar
    marks = (strongest, _MARGIN), (0.0, _MARGIN + height // 2), (-strongest, _MARGIN + height)
    for value, place in marks:
        text = drawn(_short(value))
        top, left = place - len(text) // 2, column + width + 8
        panel[top : top + len(text), left : left + text.shape[1]] = text[:, :, np.newaxis]
    return panel


def _short(value: float) -> str:
    """Return a number with its sign in at most `_LETTERS` characters, whatever its size."""
    if abs(value) < _NOTHING:
        return "0"
    ways = (f"{value:+.2g}", f"{value:+.0e}", f"{value:+.0e}".replace("e+", "e"))
    return next(text for text in ways if len(text) <= _LETTERS)
