"""The operations on pictures against section 5.1 of the specification, computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.package.image_operations import (
    CropCentre,
    CropSquare,
    FullRange,
    Greyscale,
    ImageOperation,
    Normalise,
    PadSquare,
    RepeatChannel,
    Resize,
    ResizeShorter,
    image_shape,
)
from bedside.runtime.image_preprocess import ImagePreprocess, Prepared

RAMP = np.arange(35, dtype=np.float32).reshape(5, 7) / 34


def prepared(*operations: ImageOperation, unit: np.ndarray = RAMP) -> Prepared:
    return ImagePreprocess(operations)(unit)


def test_without_operations_the_picture_is_one_channel() -> None:
    found = prepared()
    assert found.tensor.shape == (1, 5, 7)
    assert found.tensor.dtype == np.float32
    np.testing.assert_array_equal(found.tensor[0], RAMP)


def test_crop_square_takes_the_middle_and_the_odd_column_goes_off_the_end() -> None:
    even = prepared(CropSquare())
    np.testing.assert_array_equal(even.tensor[0], RAMP[:, 1:6])
    odd = prepared(CropSquare(), unit=RAMP[:4])
    np.testing.assert_array_equal(odd.tensor[0], RAMP[:4, 1:5])
    assert odd.placement.columns == (1.0, 1.0)


def test_pad_square_surrounds_with_its_value() -> None:
    found = prepared(PadSquare(value=0.25))
    assert found.tensor.shape == (1, 7, 7)
    np.testing.assert_array_equal(found.tensor[0, 1:6], RAMP)
    assert (found.tensor[0, [0, 6]] == 0.25).all()
    assert found.placement.rows == (1.0, -1.0)


def test_crop_centre_pads_a_smaller_picture_with_black() -> None:
    found = prepared(CropCentre(rows=3, columns=9))
    np.testing.assert_array_equal(found.tensor[0, :, 1:8], RAMP[1:4])
    assert (found.tensor[0][:, [0, 8]] == 0).all()


def test_a_box_filter_means_whole_cells() -> None:
    unit = np.arange(64, dtype=np.float32).reshape(8, 8)
    found = prepared(Resize(rows=4, columns=2, filter="box"), unit=unit)
    np.testing.assert_allclose(found.tensor[0], unit.reshape(4, 2, 2, 4).mean(axis=(1, 3)))
    assert found.placement.rows == (2.0, 0.0)
    assert found.placement.columns == (4.0, 0.0)


@pytest.mark.parametrize(("shape", "wanted"), [((5, 7), (10, 14)), ((7, 5), (14, 10))])
def test_resize_shorter_keeps_the_proportion(
    shape: tuple[int, int], wanted: tuple[int, int]
) -> None:
    unit = np.zeros(shape, dtype=np.float32)
    found = prepared(ResizeShorter(side=10, filter="bilinear"), unit=unit)
    assert found.tensor.shape[1:] == wanted


def test_colour_becomes_grey_by_the_weights_of_bt_601() -> None:
    colour = np.zeros((2, 2, 3), dtype=np.float32)
    colour[0, 0], colour[0, 1], colour[1, 0] = (1, 0, 0), (0, 1, 0), (0, 0, 1)
    found = prepared(Greyscale(), unit=colour)
    np.testing.assert_allclose(found.tensor[0].ravel(), [0.299, 0.587, 0.114, 0], atol=1e-7)


def test_greys_are_weighed_and_never_clipped() -> None:
    colour = np.array([[[2.0, -3.0, 0.5]]], dtype=np.float32)
    found = prepared(Greyscale(), unit=colour)
    assert found.tensor[0, 0, 0] == pytest.approx(0.299 * 2 - 0.587 * 3 + 0.114 * 0.5, abs=1e-6)


def test_channels_are_normalised_one_by_one() -> None:
    found = prepared(RepeatChannel(), Normalise(mean=(0.0, 0.5, 1.0), deviation=(1.0, 0.5, 0.25)))
    np.testing.assert_allclose(found.tensor[0], RAMP, atol=1e-6)
    np.testing.assert_allclose(found.tensor[1], (RAMP - 0.5) / 0.5, atol=1e-6)
    np.testing.assert_allclose(found.tensor[2], (RAMP - 1.0) / 0.25, atol=1e-6)


sides = st.integers(1, 24)
filters = st.sampled_from(["nearest", "box", "bilinear", "bicubic", "lanczos"])
operation = st.one_of(
    st.just(CropSquare()),
    st.builds(PadSquare),
    st.builds(Resize, rows=sides, columns=sides, filter=filters),
    st.builds(ResizeShorter, side=sides, filter=filters),
    st.builds(CropCentre, rows=sides, columns=sides),
)


@given(st.lists(operation, max_size=5), sides, sides)
def test_what_comes_out_has_the_shape_that_was_declared(
    operations: list[ImageOperation], rows: int, columns: int
) -> None:
    unit = np.linspace(0, 1, rows * columns, dtype=np.float32).reshape(rows, columns)
    found = prepared(*operations, unit=unit).tensor.shape
    declared = image_shape("grey", [FullRange(), *operations])
    for side, wanted in zip(found, declared, strict=True):
        assert wanted is None or side == wanted


fine = st.integers(24, 48)
gentle = st.one_of(
    st.just(CropSquare()),
    st.builds(PadSquare),
    st.builds(Resize, rows=fine, columns=fine, filter=st.sampled_from(["box", "bilinear"])),
    st.builds(ResizeShorter, side=fine, filter=st.just("bilinear")),
    st.builds(CropCentre, rows=fine, columns=fine),
)


@given(st.lists(gentle, max_size=3))
def test_a_place_of_the_network_is_found_again_in_the_picture(
    operations: list[ImageOperation],
) -> None:
    rows, columns = 40, 30
    across = np.tile(np.arange(columns, dtype=np.float32) + 0.5, (rows, 1))
    found = prepared(*operations, unit=across)
    scale, offset = found.placement.columns
    middle = found.tensor.shape[2] // 2
    place = (middle + 0.5) * scale + offset
    if 0 <= place < columns and found.tensor.shape[2] > 1:
        seen = found.tensor[0, found.tensor.shape[1] // 2, middle]
        tolerance = 1.5 + abs(scale)
        inside = seen > 0  # padding is 0, and the picture nowhere
        assert not inside or abs(seen - place) <= tolerance
