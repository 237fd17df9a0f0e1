"""Curves as a picture: lines and points over two axes with ticks, words and a legend.

White paper, the colours of the other pictures, letters drawn from strokes: no font, no further
library, and the same pixels on every machine.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bedside.errors import UsageError
from bedside.imaging.views.curves import Chart
from bedside.imaging.views.frame import INK, ON_WHITE, Frame, Paper
from bedside.imaging.views.strokes import HEIGHT, text
from bedside.imaging.views.ticks import told


def charts(plots: Sequence[Chart], columns: int = 1) -> bytes:
    """Return a PNG of plots side by side, filled row by row.

    Args:
        plots: At least one, all of one size.
        columns: Plots in a row.

    Raises:
        UsageError: no plot, or a curve whose parts differ in length.
    """
    if not plots:
        raise UsageError("There is no plot to draw.")
    drawn = [_plotted(one) for one in plots]
    empty = np.ones_like(drawn[0])
    drawn += [empty] * (-len(drawn) % columns)
    rows = [np.hstack(drawn[start : start + columns]) for start in range(0, len(drawn), columns)]
    whole = np.vstack(rows)
    out = io.BytesIO()
    Image.fromarray(np.rint(np.clip(whole, 0, 1) * 255).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def _plotted(chart: Chart) -> Paper:
    for one in chart.curves:
        parts = [one.y, *(limits for limits in (one.lower, one.upper) if limits is not None)]
        if any(len(part) != len(one.x) for part in parts):
            raise UsageError(f"The curve {one.name!r} has parts of different lengths.")
    frame = Frame(chart)
    paper = frame.drawn()
    _words(paper, chart, frame)
    return paper


def _words(paper: Paper, chart: Chart, frame: Frame) -> None:
    left, top, right, bottom = frame.box
    _write(paper, chart.title, (top - HEIGHT) // 2, (left + right) // 2, "middle")
    _write(paper, chart.across, paper.shape[0] - HEIGHT - 4, (left + right) // 2, "middle")
    turned = np.rot90(text(chart.up))
    _stamp(paper, turned, (top + bottom - turned.shape[0]) // 2, 4)
    for tick, place in zip(frame.x_ticks, frame.column(np.array(frame.x_ticks)), strict=True):
        _write(paper, told(tick), bottom + 6, int(place), "middle")
    for tick, place in zip(frame.y_ticks, frame.row(np.array(frame.y_ticks)), strict=True):
        _write(paper, told(tick), int(place) - HEIGHT // 2, left - 6, "end")
    _legend(paper, chart, frame)


def _legend(paper: Paper, chart: Chart, frame: Frame) -> None:
    """Name the curves in the corner where the least is drawn."""
    named = [(place, one.name) for place, one in enumerate(chart.curves) if one.name]
    if not named:
        return
    left, top, right, bottom = frame.box
    height = HEIGHT * len(named)
    width = max(text(name).shape[1] for _, name in named) + 44
    corners = [
        (row, column)
        for row in (top + 6, bottom - height - 6)
        for column in (right - width - 6, left + 6)
    ]
    row, column = min(corners, key=lambda at: _ink(paper, at, (height, width)))
    paper[row : row + height, column : column + width] = 1.0
    for place, name in named:
        colour = np.array(ON_WHITE[place % len(ON_WHITE)], dtype=np.float32)
        middle = row + HEIGHT // 2
        paper[middle - 2 : middle + 2, column + 6 : column + 30] = colour
        _write(paper, name, row, column + 38, "start")
        row += HEIGHT


def _ink(paper: Paper, at: tuple[int, int], size: tuple[int, int]) -> float:
    """Return how much colour there is in a part of the paper; grey lines count little."""
    part = paper[at[0] : at[0] + size[0], at[1] : at[1] + size[1]]
    return float((part.max(axis=2) - part.min(axis=2)).sum())


def _write(
    paper: Paper, line: str, row: int, column: int, where: Literal["start", "middle", "end"]
) -> None:
    ink = text(line)
    shift = {"start": 0, "middle": ink.shape[1] // 2, "end": ink.shape[1]}[where]
    _stamp(paper, ink, row, column - shift)


def _stamp(paper: Paper, ink: NDArray[np.float32], row: int, column: int) -> None:
    row, column = max(row, 0), max(column, 0)
    target = paper[row : row + ink.shape[0], column : column + ink.shape[1]]
    share = ink[: target.shape[0], : target.shape[1], np.newaxis]
    target[:] = target * (1 - share) + np.array(INK, dtype=np.float32) * share
