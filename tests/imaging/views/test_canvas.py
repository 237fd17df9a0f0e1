from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.imaging.views.canvas import blank, class_legend, round_length, scale_bar, write
from bedside.imaging.views.overlay import COLOURS
from bedside.imaging.views.strokes import HEIGHT
from bedside.imaging.views.view import ShownClass


@pytest.mark.parametrize(
    ("most", "length"),
    [
        (60.0, 50.0),
        (50.0, 50.0),
        (49.9, 20.0),
        (19.0, 10.0),
        (1.0, 1.0),
        (0.7, 0.5),
        (300.0, 200.0),
    ],
)
def test_a_scale_bar_has_a_round_length(most: float, length: float) -> None:
    assert round_length(most) == pytest.approx(length)


@given(st.floats(1e-3, 1e5))
def test_a_round_length_is_never_too_long_and_never_far_too_short(most: float) -> None:
    assert most / 2.51 < round_length(most) <= most * (1 + 1e-8)


def test_the_bar_is_as_long_as_its_millimetres() -> None:
    panel = blank(100, 400)
    scale_bar(panel, scale=2.0)
    row = panel[-8, :, 0]
    assert np.count_nonzero(row == 1) == 100  # 50 mm at 2 pixels a millimetre


def test_words_can_be_read_on_white_and_on_black() -> None:
    for background in (0.0, 1.0):
        sheet = np.full((HEIGHT, 60, 3), background, dtype=np.float32)
        write(sheet, "R", 0, 20)
        assert sheet.max() == 1
        assert sheet.min() <= 0.25


def test_words_at_the_edge_are_cut_off() -> None:
    sheet = blank(HEIGHT, 30)
    write(sheet, "RADIOLOGICAL", 10, 10)
    assert sheet.shape == (HEIGHT, 30, 3)
    assert sheet.any()


def test_a_legend_has_a_colour_for_each_class_and_wraps() -> None:
    classes = tuple(ShownClass(value, f"class {value}") for value in range(1, 9))
    found = class_legend(classes, 400)
    assert found.shape[0] > 2 * HEIGHT
    for colour in COLOURS:
        assert np.isclose(found, colour, atol=1e-6).all(axis=2).sum() >= 16 * 16


def test_a_name_that_cannot_be_drawn_is_told_by_its_label_and_else_by_its_value() -> None:
    assert np.array_equal(
        class_legend((ShownClass(7, "睾丸"),), 200), class_legend((ShownClass(1, "7"),), 200)
    )
    assert np.array_equal(
        class_legend((ShownClass(7, "睾丸", "testis"),), 200),
        class_legend((ShownClass(1, "testis"),), 200),
    )
