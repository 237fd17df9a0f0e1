from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless

from tests.imaging.made import written
from tests.imaging.made_volumes import UP, enhanced, read, refused

FRAMES: NDArray[np.uint16] = np.random.default_rng(3).integers(0, 4000, (4, 64, 48)).astype("<u2")


def compressed() -> tuple[Dataset, list[bytes]]:
    """An enhanced object of four frames, and each frame's JPEG 2000 codestream."""
    one = enhanced(UP, Rows=64, Columns=48, PixelData=FRAMES.tobytes())
    one.NumberOfFrames = 4
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.compress(JPEG2000Lossless, generate_instance_uid=False)
    return one, list(generate_frames(one.PixelData, number_of_frames=4))


def file_of(one: Dataset) -> bytes:
    one["PixelData"].VR = "OB"
    one["PixelData"].is_undefined_length = True
    return written(one, JPEG2000Lossless)


class TestCompressedFrames:
    @pytest.mark.parametrize("fragments", [1, 2])
    @pytest.mark.parametrize("table", [True, False])
    def test_are_found_by_the_offset_table_or_by_their_number(
        self, fragments: int, table: bool
    ) -> None:
        one, frames = compressed()
        one.PixelData = encapsulate(frames, fragments_per_frame=fragments, has_bot=table)
        data = file_of(one)
        if fragments > 1 and not table:
            assert "no offset table" in refused(data).message
        else:
            assert np.array_equal(read(data).values, FRAMES.transpose(2, 1, 0))

    def test_are_found_by_the_extended_offset_table(self) -> None:
        one, frames = compressed()
        data, offsets, lengths = encapsulate_extended(frames)
        one.PixelData, one.ExtendedOffsetTable, one.ExtendedOffsetTableLengths = (
            data, offsets, lengths,
        )  # fmt: skip
        assert np.array_equal(read(file_of(one)).values, FRAMES.transpose(2, 1, 0))

    def test_whose_offset_table_lies_are_refused(self) -> None:
        one, frames = compressed()
        sound = encapsulate(frames, fragments_per_frame=2, has_bot=True)
        for place, value in ((8, b"\x08\0\0\0"), (12, b"\x01\0\0\0"), (16, sound[12:16])):
            one.PixelData = sound[:place] + value + sound[place + 4 :]
            assert refused(file_of(one)).code == "corrupt", place

    def test_that_are_fewer_than_were_said_are_refused(self) -> None:
        one, frames = compressed()
        one.PixelData = encapsulate(frames[:3], has_bot=False)
        assert refused(file_of(one)).code == "corrupt"


class TestPlainFrames:
    def test_of_8_bits_and_an_odd_size_stand_without_gaps(self) -> None:
        small = np.arange(4 * 15, dtype=np.uint8).reshape(4, 3, 5)
        one = enhanced(UP, Rows=3, Columns=5, PixelData=small.tobytes())
        one.BitsAllocated = one.BitsStored = 8
        one.HighBit = 7
        one["PixelData"].VR = "OB"
        assert np.array_equal(read(written(one)).values, small.transpose(2, 1, 0))

    def test_that_are_signed_keep_their_sign(self) -> None:
        signed = (FRAMES.astype(np.int32) - 2000).astype("<i2")
        one = enhanced(UP, Rows=64, Columns=48, PixelData=signed.tobytes(), PixelRepresentation=1)
        assert np.array_equal(read(written(one)).values, signed.transpose(2, 1, 0))
