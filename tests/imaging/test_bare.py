from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.imaging.bare import bare_png
from bedside.imaging.reading import read_picture

SHAPES = st.one_of(
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)),
)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_written_is_read_again(data: st.DataObject) -> None:
    shape = data.draw(SHAPES)
    kinds = [np.uint8] if len(shape) == 3 else [np.uint8, np.uint16]
    pixels = data.draw(npst.arrays(data.draw(st.sampled_from(kinds)), shape))
    picture = read_picture(bare_png(pixels))
    grey = pixels if pixels.ndim == 2 else pixels[..., 0]
    found = picture.values if picture.values.ndim == pixels.ndim else picture.values[..., None]
    expected = pixels if picture.values.ndim == pixels.ndim else grey[..., None]
    np.testing.assert_array_equal(found, expected)
    assert (picture.facts.rows, picture.facts.columns) == shape[:2]
    assert picture.highest == np.iinfo(pixels.dtype).max


def test_a_picture_of_many_blocks_is_whole() -> None:
    pixels = np.random.default_rng(7).integers(0, 65_536, (700, 501), dtype=np.uint16)
    np.testing.assert_array_equal(read_picture(bare_png(pixels)).values, pixels)
    np.testing.assert_array_equal(
        read_picture(bare_png(pixels[::2, ::-1])).values, pixels[::2, ::-1]
    )


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((0, 3), np.uint8),
        np.zeros((3,), np.uint8),
        np.zeros((3, 3, 4), np.uint8),
        np.zeros((3, 3, 3), np.uint16),
        np.zeros((3, 3), np.uint32),
        np.zeros((3, 3), np.float32),
        np.zeros((3, 3), np.int8),
    ],
    ids=lambda one: f"{one.dtype}{one.shape}",
)
def test_what_no_png_can_say_is_refused(pixels: NDArray[Any]) -> None:
    with pytest.raises(UsageError):
        bare_png(pixels)
