from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut
from pydicom.sequence import Sequence

from bedside.imaging.reading import read_picture
from tests.imaging.made import RAMP, dataset, dicom, refusal, written


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

    @pytest.mark.parametrize(
        "changes",
        [
            {"VOILUTFunction": "SIGMOID"},
            {"WindowWidth": ["0", "350"]},
            {"WindowWidth": ["-1", "2"]},
        ],
    )
    def test_that_cannot_be_used_are_left_out_together(self, changes: dict[str, Any]) -> None:
        usual = {"WindowCenter": ["40", "50"], "WindowWidth": ["350", "100"]}
        assert read_picture(dicom(RAMP, **{**usual, **changes})).windows == ()

    def test_with_a_centre_and_no_width_are_refused(self) -> None:
        assert refusal(dicom(RAMP, WindowCenter="40")).code == "corrupt"


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
