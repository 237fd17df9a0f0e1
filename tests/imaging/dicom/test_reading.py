from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from bedside.imaging.reading import read_picture
from tests.imaging.made import RAMP, dataset, dicom, refusal, written


def by_pydicom(data: bytes) -> NDArray[np.float32]:
    """Modality values as pydicom reads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = pydicom.dcmread(io.BytesIO(data))
        values = one.pixel_array.astype(np.float64)
        values = values * float(one.get("RescaleSlope", 1)) + float(one.get("RescaleIntercept", 0))
    return values.astype(np.float32)


class TestRealFiles:
    @pytest.mark.parametrize(
        "name",
        [
            "dicom/files/693_J2KR.dcm",
            "dicom/files/693_UNCR.dcm",
            "dicom/files/bad_sequence.dcm",
            "dicom/files/HTJ2K_08_RGB.dcm",
            "dicom/files/JPGLosslessP14SV1_1s_1f_8b.dcm",
            "dicom/files/MR2_J2KR.dcm",
            "dicom/files/MR2_UNCR.dcm",
            "dicom/files/RG1_J2KI.dcm",
            "dicom/files/RG3_J2KR.dcm",
            "films/chest_MONOCHROME1.dcm",
            "films/chest_MONOCHROME2.dcm",
        ],
    )
    def test_have_the_values_that_pydicom_finds(self, samples: Path, name: str) -> None:
        data = (samples / name).read_bytes()
        picture = read_picture(data)
        assert np.array_equal(picture.values, by_pydicom(data))
        assert picture.lowest <= picture.values.min() <= picture.values.max() <= picture.highest

    @pytest.mark.parametrize(
        ("packed", "plain"), [("693_J2KR", "693_UNCR"), ("MR2_J2KR", "MR2_UNCR")]
    )
    def test_lossless_pairs_are_bit_equal(self, samples: Path, packed: str, plain: str) -> None:
        folder = samples / "dicom" / "files"
        one, other = (
            read_picture((folder / f"{name}.dcm").read_bytes()) for name in (packed, plain)
        )
        assert one.values.tobytes() == other.values.tobytes()
        assert one.windows == other.windows

    def test_a_ct_series_is_read_slice_by_slice(self, samples: Path) -> None:
        slices = sorted((samples / "dicom" / "ct-j2k-series").iterdir())[:3]
        for path in slices:
            picture = read_picture(path.read_bytes())
            assert picture.lowest == -1024
            assert np.array_equal(picture.values, by_pydicom(path.read_bytes()))

    @pytest.mark.parametrize(
        "name",
        [
            "emri_small.dcm",
            "emri_small_RLE.dcm",
            "emri_small_jpeg_2k_lossless.dcm",
            "emri_small_jpeg_ls_lossless.dcm",
            "eCT_Supplemental.dcm",
        ],
    )
    def test_with_several_frames_are_refused(self, samples: Path, name: str) -> None:
        assert refusal((samples / "dicom" / "files" / name).read_bytes()).code == "several-frames"

    def test_a_segmentation_is_no_picture(self, samples: Path) -> None:
        refused = refusal((samples / "dicom" / "files" / "liver_deflate.dcm").read_bytes())
        assert refused.code == "not-a-picture"
        assert "segmentation" in refused.message

    def test_that_were_cut_are_refused(self, samples: Path) -> None:
        name = "emri_small_jpeg_2k_lossless_too_short.dcm"
        assert refusal((samples / "dicom" / "files" / name).read_bytes()).code == "corrupt"


class TestPolarity:
    def test_is_a_fact_and_leaves_the_values_alone(self, samples: Path) -> None:
        one, two = (
            read_picture((samples / "films" / f"chest_MONOCHROME{which}.dcm").read_bytes())
            for which in "12"
        )
        assert one.negative
        assert not two.negative
        assert np.array_equal(one.values, two.values)


class TestMeaning:
    def test_code_strings_are_in_capitals_without_padding(self) -> None:
        facts = read_picture(dicom(RAMP, Laterality="L").replace(b"CHEST ", b" Chest")).facts
        assert (facts.body_part, facts.laterality) == ("CHEST", "L")

    def test_what_is_empty_or_missing_is_not_stated(self) -> None:
        facts = read_picture(dicom(RAMP, BodyPartExamined="", ViewPosition=None)).facts
        assert (facts.body_part, facts.view) == (None, None)

    def test_the_image_laterality_goes_before_the_series(self) -> None:
        facts = read_picture(dicom(RAMP, Laterality="L", ImageLaterality="R")).facts
        assert facts.laterality == "R"

    def test_an_identifier_that_is_none_is_left_out(self) -> None:
        data = dicom(RAMP).replace(b"1.2.3.4\0", b"anon-17\0")
        assert read_picture(data).facts.sop_instance is None


class TestIsNoPicture:
    def test_without_pixels(self) -> None:
        assert refusal(dicom(RAMP, PixelData=None)).code == "not-a-picture"

    @pytest.mark.parametrize(
        "sop_class",
        [
            "1.2.840.10008.5.1.4.1.1.66.4",
            "1.2.840.10008.5.1.4.1.1.481.2",
            "1.2.840.10008.5.1.4.1.1.88.33",
            "1.2.840.10008.5.1.4.1.1.104.1",
        ],
    )
    def test_when_its_class_is_a_mask_a_dose_or_a_document(self, sop_class: str) -> None:
        assert refusal(dicom(RAMP, SOPClassUID=sop_class)).code == "not-a-picture"

    def test_of_floating_point_numbers(self) -> None:
        one = dataset(RAMP, PixelData=None)
        one.FloatPixelData = np.zeros((3, 4), dtype="<f4").tobytes()
        assert refusal(written(one)).code == "unsupported"


@pytest.mark.parametrize(
    ("frames", "code"), [("2", "several-frames"), ("0", "corrupt"), ("1", None)]
)
def test_the_number_of_frames_is_one(frames: str, code: str | None) -> None:
    data = dicom(RAMP, NumberOfFrames=frames)
    if code is None:
        assert np.array_equal(read_picture(data).values, RAMP)
    else:
        assert refusal(data).code == code
