"""The few characters of a legend's numbers, drawn the same on every machine, without a font."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_ENLARGED: Final = 2
_GLYPHS: Final = {
    "0": (".###.", "#...#", "#..##", "#.#.#", "##..#", "#...#", ".###."),
    "1": ("..#..", ".##..", "..#..", "..#..", "..#..", "..#..", ".###."),
    "2": (".###.", "#...#", "....#", "...#.", "..#..", ".#...", "#####"),
    "3": ("#####", "...#.", "..#..", "...#.", "....#", "#...#", ".###."),
    "4": ("...#.", "..##.", ".#.#.", "#..#.", "#####", "...#.", "...#."),
    "5": ("#####", "#....", "####.", "....#", "....#", "#...#", ".###."),
    "6": ("..##.", ".#...", "#....", "####.", "#...#", "#...#", ".###."),
    "7": ("#####", "....#", "...#.", "..#..", ".#...", ".#...", ".#..."),
    "8": (".###.", "#...#", "#...#", ".###.", "#...#", "#...#", ".###."),
    "9": (".###.", "#...#", "#...#", ".####", "....#", "...#.", ".##.."),
    "+": (".....", "..#..", "..#..", "#####", "..#..", "..#..", "....."),
    "-": (".....", ".....", ".....", "#####", ".....", ".....", "....."),
    ".": (".....", ".....", ".....", ".....", ".....", ".##..", ".##.."),
    "e": (".....", ".....", ".###.", "#...#", "#####", "#....", ".###."),
}
"""Five columns and seven rows each; # is ink."""


def drawn(text: str) -> NDArray[np.float32]:
    """Return a number's characters as rows × columns, 1 where there is ink; 14 rows."""
    columns: list[NDArray[np.float32]] = []
    for character in text:
        ink = [[float(one == "#") for one in row + "."] for row in _GLYPHS[character]]
        columns.append(np.array(ink, dtype=np.float32))
    line: NDArray[np.float32] = np.hstack(columns)
    return line.repeat(_ENLARGED, axis=0).repeat(_ENLARGED, axis=1)
