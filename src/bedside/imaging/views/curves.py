"""What a chart shows: curves over two axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bedside.imaging.views.ticks import Numbers


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One line or row of points.

    Attributes:
        name: What the legend calls it; empty is in no legend.
        x: Where, from left to right.
        y: As many; NaN leaves a gap.
        drawn: As a line, a line of dashes, or points.
        lower: Lower limits of an interval around `y`, or none.
        upper: Upper limits.
        faint: Whether it stays behind the others.
    """

    name: str
    x: Numbers
    y: Numbers
    drawn: Literal["line", "dashes", "points"] = "line"
    lower: Numbers | None = None
    upper: Numbers | None = None
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """One plot.

    Attributes:
        title: Above it.
        across: What the horizontal axis is.
        up: What the vertical axis is.
        curves: What is drawn.
        x_range: Ends of the horizontal axis; None takes them from the curves.
        y_range: Of the vertical one.
        logarithmic: Whether the vertical axis is in powers of ten.
        size: Rows and columns in pixels.
    """

    title: str
    across: str
    up: str
    curves: tuple[Curve, ...]
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    logarithmic: bool = False
    size: tuple[int, int] = (420, 720)
