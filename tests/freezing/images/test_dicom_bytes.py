from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest

from bedside.freezing.images.dicom_bytes import Header, dicom_bytes

PIXELS = np.arange(15, dtype=np.uint8).reshape(3, 5) * 17


def test_pydicom_reads_the_pixels_and_the_header() -> None:
    header = Header("DX", "CHEST", "PA", slope=2.5, intercept=-100)
    found = pydicom.dcmread(io.BytesIO(dicom_bytes(PIXELS, header)))
    assert (found.Modality, found.BodyPartExamined, found.ViewPosition) == ("DX", "CHEST", "PA")
    assert (float(found.RescaleSlope), float(found.RescaleIntercept)) == (2.5, -100)
    np.testing.assert_array_equal(found.pixel_array, PIXELS)
    assert not any("Patient" in element.name for element in found)


def test_a_negative_holds_the_pixels_turned_over() -> None:
    found = pydicom.dcmread(io.BytesIO(dicom_bytes(PIXELS, Header("CR", negative=True))))
    assert found.PhotometricInterpretation == "MONOCHROME1"
    np.testing.assert_array_equal(found.pixel_array, 255 - PIXELS)


def test_colour_is_kept() -> None:
    colour = np.stack([PIXELS, PIXELS // 2, PIXELS // 3], axis=2)
    found = pydicom.dcmread(io.BytesIO(dicom_bytes(colour, Header("XC"))))
    np.testing.assert_array_equal(found.pixel_array, colour)


@pytest.mark.parametrize("negative", [False, True])
def test_equal_pixels_give_equal_bytes_and_other_pixels_another_identifier(negative: bool) -> None:
    header = Header("DX", negative=negative)
    assert dicom_bytes(PIXELS, header) == dicom_bytes(PIXELS.copy(), header)
    one, two = (
        pydicom.dcmread(io.BytesIO(dicom_bytes(pixels, header))) for pixels in (PIXELS, PIXELS + 1)
    )
    assert one.SOPInstanceUID != two.SOPInstanceUID
