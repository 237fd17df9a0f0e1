from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_windowing
from pydicom.sequence import Sequence

from bedside.errors import UsageError
from bedside.imaging.grey import header_window, percentile_window
from bedside.imaging.reading import read_picture
from tests.imaging.made import RAMP, dataset, dicom, refusal, written
from tests.imaging.made_volumes import files, read, slices


class TestRescale:
    def test_is_applied_in_double_precision_and_rounded_once(self) -> None:
        picture = read_picture(dicom(RAMP, RescaleSlope="3.774114", RescaleIntercept="0.000061"))
        expected = (RAMP * 3.774114 + 0.000061).astype(np.float32)
        assert picture.values.tobytes() == expected.tobytes()
        assert picture.highest == np.float32(65_535 * 3.774114 + 0.000061)

    def test_may_turn_the_order_of_values_over(self) -> None:
        picture = read_picture(dicom(RAMP, RescaleSlope="-2", RescaleIntercept="10"))
        assert np.array_equal(picture.values, RAMP * -2.0 + 10)
        assert (picture.lowest, picture.highest) == (10 - 2 * 65_535, 10)

    @pytest.mark.parametrize(
        ("slope", "intercept"),
        [
            ("0", "0"),
            ("1e38", "0"),
            ("1e300", "0"),
            ("1e-30", "1000"),
            ("1", "1e39"),
            ("", "3"),
            ("1\\2", "0"),
        ],
    )
    def test_that_makes_no_sense_is_refused(self, slope: str, intercept: str) -> None:
        data = raw_texts(RescaleSlope=slope, RescaleIntercept=intercept)
        assert refusal(data).code == "corrupt"

    @pytest.mark.parametrize("slope", ["1", "1.0"])
    @pytest.mark.parametrize("intercept", ["-1024", "0", "-1024.5", "4194304", "1e9"])
    def test_that_adds_a_whole_number_is_done_quickly_with_equal_values(
        self, slope: str, intercept: str
    ) -> None:
        series = slices(2, RescaleSlope=slope, RescaleIntercept=intercept)
        values = read(*files(series)).values[:, :, 1].T
        expected = (np.arange(12).reshape(3, 4) + 100 + np.float64(intercept)).astype(np.float32)
        assert values.tobytes() == expected.tobytes()

    @pytest.mark.parametrize("slope", ["nan", "inf", "1_0", "0x1", "1,5", "one", "１"])
    def test_that_is_no_decimal_string_is_refused(self, slope: str) -> None:
        assert refusal(raw_texts(RescaleSlope=slope, RescaleIntercept="0")).code == "corrupt"


class TestModalityTable:
    def test_is_applied_as_pydicom_does_it(self) -> None:
        one = with_table([8, 300, 16], np.array([5, 9, 100, 7, 2000, 3, 1, 60_000], dtype="<u2"))
        picture = read_picture(written(one))
        assert np.array_equal(picture.values, apply_modality_lut(RAMP, one))
        assert (picture.lowest, picture.highest) == (1, 60_000)

    def test_beside_a_rescale_is_refused(self) -> None:
        one = with_table([2, 0, 16], np.array([5, 9], dtype="<u2"))
        one.RescaleSlope, one.RescaleIntercept = 1, 0
        assert refusal(written(one)).code == "corrupt"

    @pytest.mark.parametrize("descriptor", [[3, 0, 16], [2, 0, 4], [2, 0]])
    def test_that_does_not_fit_its_descriptor_is_refused(self, descriptor: list[int]) -> None:
        assert (
            refusal(written(with_table(descriptor, np.array([5, 9], dtype="<u2")))).code
            == "corrupt"
        )


class TestWindows:
    def test_are_those_of_the_header_in_order(self) -> None:
        data = dicom(RAMP, WindowCenter=["40", "450.5"], WindowWidth=["350", "1500"])
        assert read_picture(data).windows == ((40, 350), (450.5, 1500))

    def test_are_none_without_a_header(self) -> None:
        assert read_picture(dicom(RAMP)).windows == ()

    def test_of_linear_exact_are_carried_over(self) -> None:
        data = dicom(RAMP, WindowCenter="40", WindowWidth="350", VOILUTFunction="LINEAR_EXACT")
        assert read_picture(data).windows == ((40.5, 351),)

    def test_of_sigmoid_keep_their_numbers_and_name_the_curve(self) -> None:
        data = dicom(RAMP, WindowCenter="1500", WindowWidth="0.5", VOILUTFunction="SIGMOID")
        found = read_picture(data)
        assert (found.windows, found.curve, found.unused) == (((1500, 0.5),), "sigmoid", "")

    @pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
    def test_make_the_brightness_that_pydicom_makes(self, function: str) -> None:
        one = dataset(RAMP, WindowCenter="1500", WindowWidth="2000", VOILUTFunction=function)
        expected = apply_windowing(RAMP, one) / 65_535
        found = header_window(read_picture(written(one)))
        assert np.abs(found - expected).max() < 1e-6
        assert 0.3 < found.mean() < 0.7

    @pytest.mark.parametrize("width", ["0", "-1", "0.5"])
    def test_behind_one_that_cannot_be_used_are_left_out(self, width: str) -> None:
        widths = ["350", width, "10"]
        found = read_picture(dicom(RAMP, WindowCenter=["40", "50", "60"], WindowWidth=widths))
        assert (found.windows, found.unused) == (((40, 350),), "")

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"VOILUTFunction": "LOG"}, "the VOI LUT Function 'LOG'"),
            ({"WindowWidth": "0"}, "a first window of centre 40 and width 0"),
            ({"WindowWidth": "0", "VOILUTFunction": "SIGMOID"}, "centre 40 and width 0"),
            ({"WindowWidth": "0", "VOILUTFunction": "LINEAR_EXACT"}, "centre 40 and width 0"),
            ({"WindowWidth": "1e300"}, "centre 40 and width 1e+300"),
        ],
    )
    def test_whose_first_cannot_be_used_are_named_and_never_replaced(
        self, changes: dict[str, Any], told: str
    ) -> None:
        found = read_picture(dicom(RAMP, **{"WindowCenter": "40", "WindowWidth": "350", **changes}))
        assert found.windows == ()
        assert told in found.unused
        with pytest.raises(UsageError, match="cannot be followed"):
            header_window(found)

    def test_in_whose_place_a_table_stands_are_named(self) -> None:
        table = Dataset()
        table.add_new(0x00283002, "US", [2, 0, 16])
        table.add_new(0x00283006, "OW", bytes(4))
        sequence = Sequence([table])
        assert "VOI LUT Sequence" in read_picture(dicom(RAMP, VOILUTSequence=sequence)).unused
        both = dicom(RAMP, VOILUTSequence=sequence, WindowCenter="40", WindowWidth="350")
        assert read_picture(both).windows == ((40, 350),)

    def test_with_a_centre_and_no_width_are_refused(self) -> None:
        assert refusal(dicom(RAMP, WindowCenter="40")).code == "corrupt"


class TestPadding:
    SIGNED = np.array([[-2000, 0, 100], [-2000, 200, 300]], dtype=np.int16)

    def test_is_told_and_left_out_of_percentiles(self) -> None:
        found = read_picture(dicom(self.SIGNED, PixelPaddingValue=-2000))
        assert found.padding is not None
        assert np.array_equal(found.padding, self.SIGNED == -2000)
        unit = percentile_window(found, 0, 100)
        assert unit.ravel().tolist() == pytest.approx([0, 0, 1 / 3, 0, 2 / 3, 1])

    def test_may_be_a_range(self) -> None:
        data = dicom(self.SIGNED, PixelPaddingValue=-2000, PixelPaddingRangeLimit=0)
        found = read_picture(data).padding
        assert found is not None
        assert np.array_equal(found, self.SIGNED <= 0)

    def test_that_no_pixel_has_is_none(self) -> None:
        assert read_picture(dicom(self.SIGNED, PixelPaddingValue=-1)).padding is None

    def test_that_is_everything_is_dark(self) -> None:
        data = dicom(np.full((3, 4), 7, dtype=np.uint16), PixelPaddingValue=7)
        assert not percentile_window(read_picture(data), 0, 100).any()

    def test_with_a_limit_alone_is_refused(self) -> None:
        assert refusal(dicom(self.SIGNED, PixelPaddingRangeLimit=0)).code == "corrupt"


def with_table(descriptor: list[int], entries: Any) -> Dataset:
    """RAMP with a Modality LUT Sequence of one item."""
    item = Dataset()
    item.add_new(0x00283002, "US", descriptor)
    item.add_new(0x00283006, "OW", entries.tobytes())
    return dataset(RAMP, ModalityLUTSequence=Sequence([item]))


def raw_texts(**texts: str) -> bytes:
    """RAMP with decimal strings as they stand, whatever they hold."""
    one = dataset(RAMP, **dict.fromkeys(texts, "1"))
    data = written(one)
    for name, text in texts.items():
        tag = 0x1053 if name == "RescaleSlope" else 0x1052
        raw = text.encode()
        raw += b" " * (len(raw) % 2)
        start = b"\x28\0" + tag.to_bytes(2, "little") + b"DS"
        data = data.replace(start + b"\x02\x001 ", start + len(raw).to_bytes(2, "little") + raw)
    return data
