from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.imaging import grey
from bedside.imaging.picture import Facts, Picture
from bedside.imaging.reading import read_picture


def picture(
    values: NDArray[np.generic],
    *,
    highest: float = 4095,
    negative: bool = False,
    windows: tuple[tuple[float, float], ...] = (),
) -> Picture:
    facts = Facts("dicom", *values.shape[:2])
    return Picture(values.astype(np.float32), 0, highest, negative, windows, facts)


RAMP = np.arange(4096).reshape(64, 64)
RULES: dict[str, Callable[[Picture], NDArray[np.float32]]] = {
    "full range": grey.full_range,
    "header": grey.header_window,
    "window": lambda one: grey.fixed_window(one, 2000, 1500),
    "percentiles": lambda one: grey.percentile_window(one, 2, 90),
}


@pytest.mark.parametrize("rule", RULES)
class TestEveryRule:
    def test_gives_binary32_from_0_to_1(self, rule: str) -> None:
        unit = RULES[rule](picture(RAMP, windows=((1000, 500),)))
        assert unit.dtype == np.float32
        assert unit.shape == (64, 64)
        assert (unit.min(), unit.max()) == (0, 1)

    def test_never_falls_where_values_rise(self, rule: str) -> None:
        unit = RULES[rule](picture(RAMP)).ravel()
        assert np.all(np.diff(unit) >= 0)

    def test_makes_large_values_dark_where_the_picture_is_negative(self, rule: str) -> None:
        unit = RULES[rule](picture(RAMP, negative=True)).ravel()
        assert np.all(np.diff(unit) <= 0)

    def test_leaves_the_picture_as_it_was(self, rule: str) -> None:
        one = picture(RAMP)
        RULES[rule](one)
        assert np.array_equal(one.values, RAMP)


@pytest.mark.parametrize("rule", ["full range", "header", "percentiles"])
class TestARuleWithoutStoredValues:
    def test_gives_a_picture_and_its_twin_in_negative_the_same(self, rule: str) -> None:
        chance = np.random.default_rng(1).integers(0, 4096, (20, 30))
        one, other = (
            RULES[rule](picture(chance)),
            RULES[rule](picture(4095 - chance, negative=True)),
        )
        assert np.abs(one - other).max() < 1e-6


class TestWindow:
    @given(
        st.floats(-1000, 5000),
        st.floats(1, 6000),
        st.lists(st.integers(0, 4095), min_size=4, max_size=4),
    )
    def test_is_the_function_linear_of_the_standard(
        self, centre: float, width: float, values: list[int]
    ) -> None:
        unit = grey.fixed_window(picture(np.array([values])), centre, width)
        for x, y in zip(values, unit[0], strict=True):
            if x <= centre - 0.5 - (width - 1) / 2:
                expected = 0.0
            elif x > centre - 0.5 + (width - 1) / 2:
                expected = 1.0
            else:
                expected = (x - (centre - 0.5)) / (width - 1) + 0.5
            assert y == pytest.approx(expected, abs=2e-3 if width < 1.5 else 1e-5) or width < 1.01

    def test_of_width_1_is_a_step(self) -> None:
        unit = grey.fixed_window(picture(np.array([[9, 10, 11]])), 10.5, 1)
        assert unit.tolist() == [[0, 0, 1]]

    def test_of_the_header_is_its_first(self) -> None:
        one = picture(RAMP, windows=((1000, 500), (3000, 100)))
        assert np.array_equal(grey.header_window(one), grey.fixed_window(one, 1000, 500))

    @pytest.mark.parametrize(("centre", "width"), [(0, 0.5), (0, -1), (np.nan, 5), (0, np.inf)])
    def test_that_is_none_is_refused(self, centre: float, width: float) -> None:
        with pytest.raises(UsageError, match="width"):
            grey.fixed_window(picture(RAMP), centre, width)


class TestPercentiles:
    def test_are_numpys_linear_ones(self) -> None:
        values = np.array([[0, 10, 20, 30, 1000]])
        unit = grey.percentile_window(picture(values), 0, 75)
        assert unit.tolist()[0] == pytest.approx([0, 1 / 3, 2 / 3, 1, 1])

    def test_of_a_flat_picture_are_dark(self) -> None:
        assert not grey.percentile_window(picture(np.full((3, 3), 7), negative=True), 1, 99).any()

    @pytest.mark.parametrize(("low", "high"), [(50, 50), (60, 40), (-1, 5), (5, 101)])
    def test_out_of_order_are_refused(self, low: float, high: float) -> None:
        with pytest.raises(UsageError, match="percentiles"):
            grey.percentile_window(picture(RAMP), low, high)


class TestColour:
    COLOUR = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]])

    def test_keeps_three_channels_on_the_full_range(self) -> None:
        unit = grey.full_range(picture(self.COLOUR, highest=255))
        assert np.array_equal(unit, self.COLOUR / 255)

    def test_becomes_grey_by_the_weights_of_bt_601(self) -> None:
        unit = grey.luma(grey.full_range(picture(self.COLOUR, highest=255)))
        assert unit.tolist()[0] == pytest.approx([0.299, 0.587, 0.114, 1])

    @pytest.mark.parametrize("rule", ["header", "window", "percentiles"])
    def test_takes_no_window(self, rule: str) -> None:
        with pytest.raises(UsageError, match="colour"):
            RULES[rule](picture(self.COLOUR))


def test_the_pair_that_differs_in_one_byte_is_positive_and_negative(samples: Path) -> None:
    one, two = (
        grey.full_range(
            read_picture((samples / "films" / f"chest_MONOCHROME{which}.dcm").read_bytes())
        )
        for which in "12"
    )
    assert np.array_equal(one, 1 - two)
