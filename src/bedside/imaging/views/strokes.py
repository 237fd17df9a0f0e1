"""Draws characters from strokes: the same pixels on every machine, without a font."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.views.kana_and_kanji import SQUARE, WIDE
from bedside.imaging.views.latin import LATIN, TALL

HEIGHT: Final = 24
"""Rows of a line of text."""

_EM: Final = 20.0
"""Pixels of a square character."""

_CAPITAL: Final = 14.0
"""Pixels of a Latin capital's height."""

_PEN: Final = 0.85
"""Half the width of a stroke in pixels."""

_GAP: Final = 3
_SPACE: Final = 7


def text(line: str) -> NDArray[np.float32]:
    """Return a line of text, `HEIGHT` rows × columns, 1 where there is ink, softened at its edges.

    Small Latin letters are drawn as capitals; what has no glyph is drawn as a point in the middle.
    """
    drawn = [np.zeros((HEIGHT, 1), dtype=np.float32)]
    for character in line:
        drawn.append(_glyph(character))
        drawn.append(np.zeros((HEIGHT, _GAP), dtype=np.float32))
    whole: NDArray[np.float32] = np.hstack(drawn)
    return whole


def can_be_drawn(line: str) -> bool:
    """Return whether every character has a glyph of its own."""
    return all(one == " " or one in SQUARE or _latin(one) in LATIN for one in line)


def _glyph(character: str) -> NDArray[np.float32]:
    if character == " ":
        return np.zeros((HEIGHT, _SPACE), dtype=np.float32)
    if character in SQUARE:
        return _inked(SQUARE[character], _EM / WIDE, (HEIGHT - _EM) / 2)
    strokes = LATIN.get(_latin(character), LATIN["·"])
    return _inked(strokes, _CAPITAL / TALL, (HEIGHT - _CAPITAL) / 2)


def _latin(character: str) -> str:
    return character if character in LATIN else character.upper()


def _inked(strokes: str, scale: float, top: float) -> NDArray[np.float32]:
    """Return a glyph; its strokes are polylines of hexadecimal digits, x and y in turn."""
    lines = [_points(stroke) * scale for stroke in strokes.split()]
    everything = np.concatenate(lines)
    everything_left = everything[:, 0].min()
    columns = int(np.ceil(everything[:, 0].max() - everything_left)) + 2
    y, x = np.mgrid[0:HEIGHT, 0:columns].astype(np.float64) + 0.5
    nearest = np.full((HEIGHT, columns), np.inf)
    shift = np.array([1.0 - everything_left, top])
    for line in lines:
        placed = line + shift
        for start, end in pairwise(placed):
            nearest = np.minimum(nearest, _distance(x, y, start, end))
    ink: NDArray[np.float32] = np.clip(_PEN + 0.5 - nearest, 0, 1).astype(np.float32)
    return ink


def _points(stroke: str) -> NDArray[np.float64]:
    numbers = [int(digit, 16) for digit in stroke]
    return np.array(numbers, dtype=np.float64).reshape(-1, 2)


def _distance(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return how far each pixel's centre is from a straight stroke, in pixels."""
    along = end - start
    length = float(along @ along)
    share = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / (length or 1.0)
    share = np.clip(share, 0, 1)
    distance: NDArray[np.float64] = np.hypot(
        x - start[0] - share * along[0], y - start[1] - share * along[1]
    )
    return distance
