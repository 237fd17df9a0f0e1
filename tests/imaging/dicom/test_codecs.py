from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.encaps import generate_frames
from pydicom.uid import JPEG2000Lossless, RLELossless

from bedside.imaging.reading import read_picture
from tests.imaging.made import RAMP, dataset, encapsulated, file_of, refusal, written

BASELINE, EXTENDED, LS = (f"1.2.840.10008.1.2.4.{end}" for end in (50, 51, 80))
WIDE: NDArray[np.uint16] = np.tile(RAMP, (16, 16))
RANDOM = np.random.default_rng(5)
GREY: NDArray[np.uint8] = RANDOM.integers(0, 256, (64, 48), dtype=np.uint8)
SIX: NDArray[np.uint8] = np.array([[7, 7, 7], [7, 5, 6]], dtype=np.uint8)
COLOUR: NDArray[np.uint8] = RANDOM.integers(0, 256, (64, 48, 3), dtype=np.uint8)


def packed(pixels: NDArray[Any], syntax: str, **changes: object) -> bytes:
    """A file compressed by pydicom's own encoders."""
    one = dataset(pixels, **changes)
    one.file_meta = pydicom.dataset.FileMetaDataset()
    one.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    one.compress(pydicom.uid.UID(syntax), generate_instance_uid=False)
    return written(one, syntax)


class TestLossless:
    @pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
    @pytest.mark.parametrize("pixels", [GREY, WIDE, COLOUR], ids=["8 bits", "16 bits", "colour"])
    def test_gives_every_value_back(self, syntax: str, pixels: NDArray[Any]) -> None:
        assert np.array_equal(read_picture(packed(pixels, syntax)).values, pixels)

    @pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
    def test_keeps_the_sign(self, syntax: str) -> None:
        signed = np.tile(np.array([[-2048, -1, 0, 2047], [5, -6, 7, -8]], dtype=np.int16), (16, 16))
        data = packed(signed, syntax, BitsStored=12, HighBit=11)
        assert np.array_equal(read_picture(data).values, signed)

    def test_run_lengths_keep_bits_beside_which_are_left_out(self) -> None:
        overlaid = WIDE & np.uint16(0x0FFF) | np.uint16(0x3000)
        data = packed(overlaid, RLELossless)
        fewer = data.replace(b"(\0\1\1US\2\0\x10\0", b"(\0\1\1US\2\0\x0c\0")
        fewer = fewer.replace(b"(\0\2\1US\2\0\x0f\0", b"(\0\2\1US\2\0\x0b\0")
        assert np.array_equal(read_picture(fewer).values, WIDE & 0x0FFF)

    def test_jpeg_ls_of_a_real_frame_is_its_raw_twin(self, samples: Path) -> None:
        folder = samples / "dicom" / "files"
        raw = pydicom.dcmread(folder / "emri_small.dcm").pixel_array[0]
        source = pydicom.dcmread(folder / "emri_small_jpeg_ls_lossless.dcm")
        frame = next(generate_frames(source.PixelData, number_of_frames=10))
        data = encapsulated(raw, LS, frame, BitsStored=12, HighBit=11)
        assert np.array_equal(read_picture(data).values, raw)


class TestJpeg:
    def test_gives_grey_as_pillow_decodes_it(self) -> None:
        frame = file_of(Image.fromarray(GREY), "JPEG")
        assert np.array_equal(
            read_picture(encapsulated(GREY, BASELINE, frame)).values, read_picture(frame).values
        )

    @pytest.mark.parametrize("syntax", [BASELINE, EXTENDED])
    def test_gives_colour_that_the_header_calls_ybr(self, syntax: str) -> None:
        frame = file_of(Image.fromarray(COLOUR), "JPEG")
        data = encapsulated(COLOUR, syntax, frame, PhotometricInterpretation="YBR_FULL_422")
        assert np.array_equal(read_picture(data).values, read_picture(frame).values)

    def test_gives_colour_that_both_call_rgb(self) -> None:
        frame = file_of(Image.fromarray(COLOUR), "JPEG", keep_rgb=True, quality=95)
        found = read_picture(encapsulated(COLOUR, BASELINE, frame)).values
        assert np.array_equal(found, read_picture(frame).values)

    def test_that_contradicts_the_header_about_colour_is_refused(self) -> None:
        frame = file_of(Image.fromarray(COLOUR), "JPEG")
        assert refusal(encapsulated(COLOUR, BASELINE, frame)).code == "corrupt"

    def test_with_12_bits_has_no_codec(self) -> None:
        frame = bytearray(file_of(Image.fromarray(GREY), "JPEG"))
        frame[frame.index(b"\xff\xc0") + 4] = 12
        data = encapsulated(
            GREY.astype(np.uint16), EXTENDED, bytes(frame), BitsStored=12, HighBit=11
        )
        refused = refusal(data)
        assert refused.code == "no-codec"
        assert "12 bits" in refused.message

    def test_in_the_wrong_process_is_refused(self) -> None:
        frame = file_of(Image.fromarray(GREY), "JPEG", progressive=True)
        assert "FFC2" in refusal(encapsulated(GREY, BASELINE, frame)).message


class TestContradictions:
    @pytest.mark.parametrize("syntax", [BASELINE, JPEG2000Lossless])
    @pytest.mark.parametrize("changes", [{"Rows": 63}, {"Columns": 49}])
    def test_of_size_are_refused_before_decoding(
        self, syntax: str, changes: dict[str, Any]
    ) -> None:
        if syntax == BASELINE:
            data = encapsulated(GREY, syntax, file_of(Image.fromarray(GREY), "JPEG"), **changes)
        else:
            frame = codestream(GREY)
            data = encapsulated(GREY, syntax, frame, **changes)
        assert "its compressed pixels are 64 × 48" in refusal(data).message

    def test_of_samples_are_refused(self) -> None:
        frame = codestream(COLOUR)
        assert "of 3" in refusal(encapsulated(GREY, JPEG2000Lossless, frame)).message

    def test_of_bits_are_refused(self) -> None:
        assert (
            "16 bits"
            in refusal(
                encapsulated(GREY, JPEG2000Lossless, codestream(GREY.astype(np.uint16)))
            ).message
        )

    def test_of_sign_are_refused(self) -> None:
        signed = GREY.astype(np.int16)
        frame = codestream(signed.astype(np.uint16))
        assert "signed" in refusal(encapsulated(signed, JPEG2000Lossless, frame)).message

    def test_of_stored_bits_and_values_are_refused(self) -> None:
        data = packed(WIDE, JPEG2000Lossless)
        one = struct.pack("<HH2sHH", 0x0028, 0x0101, b"US", 2, 16)
        other = struct.pack("<HH2sHH", 0x0028, 0x0101, b"US", 2, 11)
        high = struct.pack("<HH2sHH", 0x0028, 0x0102, b"US", 2, 15)
        lower = struct.pack("<HH2sHH", 0x0028, 0x0102, b"US", 2, 10)
        refused = refusal(data.replace(one, other).replace(high, lower))
        assert "11 bits do not" in refused.message


class TestEncapsulation:
    def test_of_native_pixels_is_refused(self) -> None:
        assert refusal(encapsulated(GREY, "1.2.840.10008.1.2.1", bytes(384))).code == "corrupt"

    def test_may_split_a_frame_into_fragments(self) -> None:
        frame = codestream(GREY)
        frame += b"\0" * (len(frame) % 2)
        one = dataset(GREY)
        one.PixelData = pydicom.encaps.encapsulate([frame], fragments_per_frame=4, has_bot=False)
        one["PixelData"].VR, one["PixelData"].is_undefined_length = "OB", True
        assert np.array_equal(read_picture(written(one, JPEG2000Lossless)).values, GREY)

    @pytest.mark.parametrize(
        ("last", "name"),
        [("100", "MPEG2"), ("110", "JPEG XL"), ("112", "JPEG XL"), ("199", "unknown")],
    )
    def test_in_a_syntax_without_decoder_is_refused_by_name(self, last: str, name: str) -> None:
        uid = f"1.2.840.10008.1.2.4.{last}"
        data = encapsulated(GREY, "1.2.840.10008.1.2.4.100", bytes(10))
        refused = refusal(data.replace(b"1.2.840.10008.1.2.4.100", uid.encode()))
        assert name in refused.message
        assert refused.code == "no-codec"
        assert uid in refused.message
        assert "Convert" in refused.advice


class TestRunLengths:
    @pytest.mark.parametrize(("place", "value"), [(0, 3), (4, 63), (8, 64), (8, 2**31), (8, 2**20)])
    def test_with_a_wrong_header_are_refused(self, place: int, value: int) -> None:
        frame = bytearray(next(generate_frames(rle_data(), number_of_frames=1)))
        struct.pack_into("<I", frame, place, value)
        assert refusal(encapsulated(RAMP, RLELossless, bytes(frame))).code == "corrupt"

    def test_that_give_too_few_values_are_refused(self) -> None:
        frame = struct.pack("<16I", 1, 64, *([0] * 14)) + b"\x01\x05\x06"
        assert refusal(encapsulated(GREY, RLELossless, frame)).code == "corrupt"

    @pytest.mark.parametrize(
        "tail", [b"\x05garbag" * 50, b"\x05", bytes(2), b"\x80\x80", b"\x01ab"]
    )
    def test_that_go_on_behind_the_last_value_are_refused(self, tail: bytes) -> None:
        frame = run_length_frame(b"\xfd\x07\x01\x05\x06" + tail)
        refused = refusal(encapsulated(SIX, RLELossless, frame))
        assert "go on after 2 × 3 values" in refused.message

    def test_that_give_too_many_values_in_their_last_run_are_refused(self) -> None:
        data = encapsulated(SIX, RLELossless, run_length_frame(b"\xfd\x07\x03\x05\x06\x05\x06"))
        assert "go on" in refusal(data).message

    @pytest.mark.parametrize("pad", [b"", b"\0"])
    def test_may_be_padded_with_one_zero(self, pad: bytes) -> None:
        frame = run_length_frame(b"\xfd\x07\x01\x05\x06" + pad)
        data = encapsulated(SIX, RLELossless, frame)
        assert read_picture(data).values.ravel().tolist() == [7, 7, 7, 7, 5, 6]


class TestCutLossless:
    def test_jpeg_is_refused_wherever_it_ends_too_early(self, samples: Path) -> None:
        path = samples / "dicom" / "files" / "JPGLosslessP14SV1_1s_1f_8b.dcm"
        source = pydicom.dcmread(path)
        frame = next(generate_frames(source.PixelData, number_of_frames=1)).rstrip(b"\0")
        for less in (1, 2, 8, 1000, len(frame) // 2):
            cut = frame[: -2 - less].rstrip(b"\xff") + b"\xff\xd9"
            source.PixelData = pydicom.encaps.encapsulate([cut])
            source["PixelData"].is_undefined_length = True
            out = io.BytesIO()
            source.save_as(out)
            assert "it was cut" in refusal(out.getvalue()).message


def run_length_frame(segment: bytes) -> bytes:
    """A frame of one segment."""
    return struct.pack("<16I", 1, 64, *([0] * 14)) + segment


def rle_data() -> bytes:
    one = dataset(RAMP)
    one.file_meta = pydicom.dataset.FileMetaDataset()
    one.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    one.compress(RLELossless, generate_instance_uid=False)
    return bytes(one.PixelData)


def codestream(pixels: NDArray[Any]) -> bytes:
    """A JPEG 2000 codestream by OpenJPEG."""
    one = dataset(pixels)
    one.file_meta = pydicom.dataset.FileMetaDataset()
    one.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    one.compress(JPEG2000Lossless, generate_instance_uid=False)
    return next(generate_frames(one.PixelData, number_of_frames=1))
