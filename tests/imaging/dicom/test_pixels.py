from __future__ import annotations

import io
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.pixels.processing import apply_color_lut, convert_color_space
from pydicom.uid import ExplicitVRBigEndian

from bedside.imaging.reading import read_picture
from tests.imaging.made import RAMP, dataset, dicom, refusal, written

COLOUR: NDArray[np.uint8] = np.random.default_rng(3).integers(0, 256, (6, 8, 3), dtype=np.uint8)
IMPLICIT = "1.2.840.10008.1.2"
DEFLATED = "1.2.840.10008.1.2.1.99"


class TestGrey:
    @pytest.mark.parametrize("syntax", [IMPLICIT, DEFLATED])
    def test_is_the_same_in_every_native_syntax(self, syntax: str) -> None:
        assert np.array_equal(read_picture(dicom(RAMP, syntax)).values, RAMP)

    def test_is_the_same_in_big_endian(self) -> None:
        assert np.array_equal(
            read_picture(dicom(RAMP.astype(">u2"), ExplicitVRBigEndian)).values, RAMP
        )

    def test_of_8_bits_in_big_endian_words_is_put_right(self) -> None:
        pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
        swapped = pixels.reshape(-1, 2)[:, ::-1].reshape(3, 4)
        data = dicom(swapped, ExplicitVRBigEndian)
        place = data.rindex(b"\x7f\xe0\x00\x10OB")
        data = data[: place + 4] + b"OW" + data[place + 6 :]
        assert np.array_equal(read_picture(data).values, pixels)

    def test_is_signed_when_its_header_says_so(self) -> None:
        pixels = np.array([[-2048, -1, 0, 2047]], dtype=np.int16)
        data = dicom(pixels & 0x0FFF, BitsStored=12, HighBit=11, PixelRepresentation=1)
        picture = read_picture(data)
        assert np.array_equal(picture.values, pixels)
        assert (picture.lowest, picture.highest) == (-2048, 2047)

    def test_leaves_out_what_stands_above_the_high_bit(self) -> None:
        overlaid = RAMP | np.uint16(0xF000)
        picture = read_picture(dicom(overlaid, BitsStored=12, HighBit=11))
        assert np.array_equal(picture.values, RAMP)
        assert picture.highest == 4095

    def test_is_shifted_down_to_its_lowest_bit(self) -> None:
        picture = read_picture(dicom(RAMP << np.uint16(4), BitsStored=12, HighBit=15))
        assert np.array_equal(picture.values, RAMP)

    def test_of_an_odd_number_of_bytes_is_padded_by_one(self) -> None:
        pixels = np.arange(15, dtype=np.uint8).reshape(3, 5)
        assert np.array_equal(read_picture(dicom(pixels)).values, pixels)


class TestColour:
    def test_by_pixel_and_by_plane_is_the_same(self) -> None:
        planes = np.ascontiguousarray(np.moveaxis(COLOUR, 2, 0))
        by_plane = dicom(COLOUR, PlanarConfiguration=1, PixelData=planes.tobytes())
        assert np.array_equal(read_picture(dicom(COLOUR)).values, COLOUR)
        assert np.array_equal(read_picture(by_plane).values, COLOUR)

    def test_that_is_equal_everywhere_is_grey(self) -> None:
        grey = np.repeat(COLOUR[:, :, :1], 3, axis=2)
        assert np.array_equal(read_picture(dicom(grey)).values, grey[..., 0])

    def test_of_ybr_full_becomes_rgb_as_pydicom_does_it(self) -> None:
        picture = read_picture(dicom(COLOUR, PhotometricInterpretation="YBR_FULL"))
        expected = convert_color_space(COLOUR, "YBR_FULL", "RGB")
        assert np.abs(picture.values - expected).max() <= 1  # pydicom rounds half up

    def test_of_ybr_full_422_is_widened(self) -> None:
        ycc = COLOUR.copy()
        ycc[:, 1::2, 1:] = ycc[:, ::2, 1:]
        halved = np.stack([ycc[:, ::2, 0], ycc[:, 1::2, 0], ycc[:, ::2, 1], ycc[:, ::2, 2]], axis=2)
        name = "PhotometricInterpretation"
        one = dicom(ycc, PixelData=halved.tobytes(), **{name: "YBR_FULL_422"})
        other = dicom(ycc, **{name: "YBR_FULL"})
        assert np.array_equal(read_picture(one).values, read_picture(other).values)

    @pytest.mark.parametrize("bits", [8, 16])
    def test_of_a_palette_is_looked_up_as_pydicom_does_it(self, bits: int) -> None:
        data = palette(bits)
        one = pydicom.dcmread(io.BytesIO(data))
        expected = apply_color_lut(one.pixel_array, one)
        picture = read_picture(data)
        assert np.array_equal(picture.values, expected)
        assert picture.highest == 2**bits - 1

    def test_of_a_segmented_palette_is_refused(self) -> None:
        assert (
            "segmented"
            in refusal(palette(16, SegmentedRedPaletteColorLookupTableData=b"\0\0")).message
        )

    def test_of_a_cut_palette_is_refused(self) -> None:
        assert refusal(palette(16, RedPaletteColorLookupTableData=b"\0\0")).code == "corrupt"


def palette(bits: int, **changes: object) -> bytes:
    """Indices from 0 to 11 into tables that map 2 to 9."""
    tables: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for place, name in enumerate(("Red", "Green", "Blue")):
        entries = np.arange(8) * (2**bits // 9) + place * 7
        tables[f"{name}PaletteColorLookupTableDescriptor"] = [8, 2, bits]
        kind = np.uint8 if bits == 8 else np.dtype("<u2")
        tables[f"{name}PaletteColorLookupTableData"] = entries.astype(kind).tobytes()
    return dicom(np.arange(12, dtype=np.uint8).reshape(3, 4), **{**tables, **changes})


class TestContradictions:
    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"Rows": 4}, "corrupt"),
            ({"Columns": 3}, "corrupt"),
            ({"Rows": 0}, "corrupt"),
            ({"Rows": None}, "corrupt"),
            ({"SamplesPerPixel": 3}, "corrupt"),
            ({"BitsAllocated": 8}, "corrupt"),
            ({"BitsAllocated": 32}, "unsupported"),
            ({"BitsStored": 17}, "corrupt"),
            ({"BitsStored": 0}, "corrupt"),
            ({"HighBit": 10, "BitsStored": 12}, "corrupt"),
            ({"HighBit": 16}, "corrupt"),
            ({"PhotometricInterpretation": "HSV"}, "unsupported"),
            ({"PhotometricInterpretation": None}, "unsupported"),
            ({"PhotometricInterpretation": "PALETTE COLOR"}, "corrupt"),
            ({"PixelData": bytes(2**16)}, "corrupt"),
            ({"PixelRepresentation": 2}, "corrupt"),
            ({"PixelAspectRatio": [2, 1]}, "unsupported"),
            ({"PixelSpacing": [0.1, 0.2]}, "unsupported"),
            ({"PixelSpacing": [0.1]}, "corrupt"),
            ({"ImagerPixelSpacing": [0.2, 0.1]}, "unsupported"),
            ({"NominalScannedPixelSpacing": [0.2, 0.1]}, "unsupported"),
            ({"PresentationLUTShape": "INVERSE"}, "unsupported"),
            ({"PresentationLUTShape": "LIN OD"}, "unsupported"),
        ],
    )
    def test_are_refused_before_pixels_are_made(self, changes: dict[str, Any], code: str) -> None:
        assert refusal(dicom(RAMP, **changes)).code == code

    def test_two_values_where_one_must_stand_are_refused(self) -> None:
        assert "Rows (0028,0010) has 2 values" in refusal(dicom(RAMP, Rows=[3, 3])).message

    @pytest.mark.parametrize(
        "changes",
        [
            {"PixelAspectRatio": [1, 1]},
            {"PixelSpacing": [0.143, 0.1431]},
            {"ImagerPixelSpacing": [0, 0]},
            {"PresentationLUTShape": "IDENTITY"},
            {"PresentationLUTShape": "IDENTITY", "PhotometricInterpretation": "MONOCHROME1"},
            {"PresentationLUTShape": "INVERSE", "PhotometricInterpretation": "MONOCHROME1"},
        ],
    )
    def test_that_are_none_are_read(self, changes: dict[str, Any]) -> None:
        found = read_picture(dicom(RAMP, **changes))
        assert found.negative is (changes.get("PhotometricInterpretation") == "MONOCHROME1")

    def test_words_of_an_odd_number_of_bytes_are_refused_in_big_endian(self) -> None:
        one = dataset(np.arange(9, dtype=np.uint8).reshape(3, 3))
        one["PixelData"].VR = "OW"
        data = written(one, ExplicitVRBigEndian)
        start = data.rindex(b"\x7f\xe0\x00\x10") + 8
        odd = data[:start] + (9).to_bytes(4, "big") + data[start + 4 : start + 13]
        assert "9 bytes" in refusal(odd).message
