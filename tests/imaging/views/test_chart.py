"""Curves lie where their numbers say, on axes with round numbers."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bedside.errors import UsageError
from bedside.imaging.views.chart import charts
from bedside.imaging.views.curves import Chart, Curve
from bedside.imaging.views.frame import ON_WHITE, Frame
from bedside.imaging.views.ticks import decades, reach, ticks, told


def pixels(chart: Chart, *more: Chart, columns: int = 1) -> NDArray[np.float64]:
    data = charts((chart, *more), columns)
    return np.asarray(Image.open(io.BytesIO(data)), dtype=np.float64) / 255


def near(picture: NDArray[np.float64], colour: tuple[float, ...]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.abs(picture - np.array(colour)).max(axis=2) < 0.12
    return found


def test_a_line_goes_through_its_points_and_has_a_gap_where_a_number_is_missing() -> None:
    x, y = list(range(9)), [0.0, 1.0, 4.0, 9.0, math.nan, 25.0, 36.0, 49.0, 64.0]
    chart = Chart("squares", "n", "n²", (Curve("", x, y),))
    inked = near(pixels(chart), ON_WHITE[0])
    frame = Frame(chart)
    columns, rows = frame.column(np.array(x, float)), frame.row(np.array([n * n for n in x], float))
    drawn = [
        bool(inked[round(row) - 2 : round(row) + 3, round(column) - 2 : round(column) + 3].any())
        for column, row in zip(columns, rows, strict=True)
    ]
    assert drawn == [True] * 4 + [False] + [True] * 4


def test_a_band_lies_between_its_limits() -> None:
    x = [0.0, 1.0]
    chart = Chart("band", "x", "y", (Curve("", x, [0.5, 0.5], lower=[0.2, 0.2], upper=[0.8, 0.8]),), y_range=(0.0, 1.0))  # fmt: skip
    picture, frame = pixels(chart), Frame(chart)
    middle = round(float(frame.column(np.array([0.37]))[0]))
    shades = [float(picture[round(float(frame.row(np.array([at]))[0])), middle].min()) for at in (0.1, 0.3, 0.7, 0.9)]  # fmt: skip
    assert shades[0] == shades[3] == 1.0
    assert max(shades[1:3]) < 0.95


def test_plots_stand_in_rows_and_the_last_row_is_filled_with_paper() -> None:
    one = Chart("one", "x", "y", (Curve("", [0, 1], [0, 1]),), size=(300, 400))
    assert pixels(one, one, one, columns=2).shape == (600, 800, 3)
    assert pixels(one, one, one, columns=2)[300:, 400:].min() == 1.0


def test_equal_charts_give_equal_pictures_and_a_title_is_written() -> None:
    def drawn(title: str) -> bytes:
        return charts([Chart(title, "x", "y", (Curve("a", [0, 1], [1, 2]), Curve("b", [0, 1], [2, 1], drawn="dashes")))])  # fmt: skip

    assert drawn("same") == drawn("same") != drawn("other")


def test_the_legend_hides_no_point() -> None:
    for y in ([0.0, 1.0, 2.0, 3.0], [3.0, 2.0, 1.0, 0.0]):
        chart = Chart("t", "x", "y", (Curve("a name", [0, 1, 2, 3], y, drawn="points"),))
        inked, frame = np.ptp(pixels(chart), axis=2) > 0.3, Frame(chart)
        places = zip(frame.column(np.arange(4.0)), frame.row(np.array(y)), strict=True)
        for column, row in places:
            assert inked[
                round(row) - 5 : round(row) + 6, round(column) - 5 : round(column) + 6
            ].any()


def test_parts_of_different_lengths_and_no_plot_are_refused() -> None:
    with pytest.raises(UsageError, match="'c' has parts of different lengths"):
        charts([Chart("t", "x", "y", (Curve("c", [0, 1], [0]),))])
    with pytest.raises(UsageError, match="no plot"):
        charts([])


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-3.0, 47.0, [0, 10, 20, 30, 40]),
        (0.93, 0.97, [0.93, 0.94, 0.95, 0.96, 0.97]),
    ],
)
def test_ticks_are_round_and_inside(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high, 6) == pytest.approx(expected)


def test_powers_of_ten_are_marked_at_1_2_and_5_where_they_are_few() -> None:
    assert decades(0.15, 3.0) == pytest.approx([0.2, 0.5, 1, 2])
    assert decades(1e-6, 1.0) == pytest.approx([10.0**power for power in range(-6, 1)])


def test_an_axis_holds_every_number_and_survives_none() -> None:
    low, high = reach([[1.0, math.nan, 3.0], [2.0]], logarithmic=False)
    assert low < 1
    assert high > 3
    assert reach([], logarithmic=False) == (0.0, 1.0)
    assert reach([[5.0, 5.0]], logarithmic=False)[0] < 5 < reach([[5.0, 5.0]], logarithmic=False)[1]
    assert reach([[0.0, 0.1, 10.0]], logarithmic=True)[0] == pytest.approx(0.1 / 1.1)


def test_large_numbers_are_told_in_thousands() -> None:
    assert [told(one) for one in (0.1 + 0.2, 5.0, 20_000.0)] == ["0.3", "5", "20k"]
