"""A sheet on which panels, words, letters and scale bars are put."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.views.overlay import Colour, Coloured, colour_of, heat
from bedside.imaging.views.planes import Plane
from bedside.imaging.views.strokes import HEIGHT, can_be_drawn, text
from bedside.imaging.views.view import ShownClass

WHITE: Final[Colour] = (1.0, 1.0, 1.0)
GREY: Final[Colour] = (0.72, 0.72, 0.72)
WARNING: Final[Colour] = (1.0, 0.75, 0.2)

_STEPS: Final = (1.0, 2.0, 5.0)
_LONGEST_BAR: Final = 0.35
"""Of a panel's width, at most."""

_SWATCH: Final = 16
_AROUND: Final = 3
_BAR_LENGTH: Final = 120


def blank(rows: int, columns: int) -> Coloured:
    """Return a black sheet."""
    return np.zeros((rows, columns, 3), dtype=np.float32)


def put(sheet: Coloured, part: Coloured, row: int, column: int) -> None:
    """Put a part on a sheet, what reaches over its edges left out."""
    rows, columns = sheet.shape[:2]
    target = sheet[row : min(row + len(part), rows), column : min(column + part.shape[1], columns)]
    target[:] = part[: target.shape[0], : target.shape[1]]


def write(sheet: Coloured, line: str, row: int, column: int, colour: Colour = WHITE) -> int:
    """Write a line of text, a dark rim around it; return the column at its end."""
    ink = text(line)
    _stamp(sheet, ink, row, column, colour)
    return column + int(ink.shape[1])


def letter(sheet: Coloured, plane: Plane) -> None:
    """Write what lies at a plane's four sides into its panel."""
    rows, columns = sheet.shape[:2]
    left, right, top, bottom = plane.letters
    middle = (rows - HEIGHT) // 2
    write(sheet, left, middle, 4)
    write(sheet, right, middle, columns - text(right).shape[1] - 2)
    write(sheet, top, 2, (columns - text(top).shape[1]) // 2)
    write(sheet, bottom, rows - HEIGHT, (columns - text(bottom).shape[1]) // 2)


def scale_bar(sheet: Coloured, scale: float) -> None:
    """Draw a bar of a round number of millimetres at a panel's lower right.

    Args:
        sheet: The panel.
        scale: Pixels of a millimetre.
    """
    rows, columns = sheet.shape[:2]
    length = round_length(columns * _LONGEST_BAR / scale)
    pixels = max(round(length * scale), 1)
    words = text(f"{length:g} ㎜")
    left = columns - pixels - 8
    bar = np.zeros((8, pixels), dtype=np.float32)
    bar[3:5], bar[:, :2], bar[:, -2:] = 1, 1, 1
    _stamp(sheet, bar, rows - 12, left, WHITE)
    _stamp(sheet, words, rows - 14 - HEIGHT, columns - words.shape[1] - 6, WHITE)


def round_length(most: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20, 50 … (and 0.5, 0.2 …) mm that is not above `most`."""
    power = 10.0 ** np.floor(np.log10(most))
    return float(max(step * power for step in _STEPS if step * power <= most * (1 + 1e-9)))


def class_legend(classes: tuple[ShownClass, ...], columns: int) -> Coloured:
    """Return rows of colours with names: of each class the first that can be drawn."""
    sheet = blank(HEIGHT, columns)
    row, column = 0, 4
    for place, one in enumerate(classes):
        names = (one.name, one.label, str(one.value))
        shown = next(name for name in names if name and can_be_drawn(name))
        needed = _SWATCH + 8 + text(shown).shape[1] + 16
        if column > 4 and column + needed > columns:
            sheet = np.vstack([sheet, blank(HEIGHT + 4, columns)])
            row, column = row + HEIGHT + 4, 4
        sheet[row + 4 : row + 4 + _SWATCH, column : column + _SWATCH] = colour_of(place)
        column = write(sheet, shown, row, column + _SWATCH + 8) + 16
    return sheet


def heat_legend(title: str, columns: int) -> Coloured:
    """Return a row with the heat map's colours from 0 to 1."""
    sheet = blank(HEIGHT, columns)
    column = write(sheet, f"{title}  0", 0, 4) + 6
    bar = heat(np.linspace(0, 1, _BAR_LENGTH, dtype=np.float32)[np.newaxis])
    sheet[4:20, column : column + _BAR_LENGTH] = bar
    write(sheet, "1", 0, column + _BAR_LENGTH + 6)
    return sheet


def _stamp(
    sheet: Coloured, ink: NDArray[np.float32], row: int, column: int, colour: Colour
) -> None:
    """Put ink on a sheet, darkening what lies around it, so that it can be read on white too."""
    row, column = max(row, 0), max(column, 0)
    target = sheet[row : row + ink.shape[0], column : column + ink.shape[1]]
    ink = ink[: target.shape[0], : target.shape[1]]
    rim = np.pad(ink, _AROUND)
    around = _max_around(rim)[_AROUND:-_AROUND, _AROUND:-_AROUND]
    dark = target * (1 - np.float32(0.75) * around[..., np.newaxis])
    share = ink[..., np.newaxis]
    target[:] = dark * (1 - share) + np.array(colour, dtype=np.float32) * share


def _max_around(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the largest of each pixel and its neighbours two pixels around."""
    out = ink
    for axis in (0, 1):
        shifted = [np.roll(out, step, axis=axis) for step in (-2, -1, 0, 1, 2)]
        out = np.maximum.reduce(shifted)
    return out
