from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from bedside.imaging.dicom.part10 import open_file
from bedside.imaging.picture import PictureLimits
from bedside.imaging.reading import read_picture
from tests.imaging.bombs import before_pixels, element
from tests.imaging.made import RAMP, dataset, dicom, refusal, written

ITEM, ITEM_END, SEQUENCE_END = (struct.pack("<HH", 0xFFFE, end) for end in (0xE000, 0xE00D, 0xE0DD))
UNDEFINED = b"\xff\xff\xff\xff"
SHORT = struct.pack("<HH2sHH", 0x0042, 0x0020, b"US", 2, 7)


def reads(data: bytes) -> bool:
    return read_picture(data).values.shape is not None


class TestOrder:
    def test_the_same_element_twice_is_refused(self) -> None:
        rows = struct.pack("<HH2sHH", 0x0028, 0x0010, b"US", 2, 3)
        data = dicom(RAMP)
        refused = refusal(data.replace(rows, rows + rows))
        assert refused.code == "corrupt"
        assert "(0028,0010) stands after (0028,0010)" in refused.message

    def test_an_element_out_of_order_is_refused(self) -> None:
        assert refusal(before_pixels(element(0x00080005, b"OB", 0))).code == "corrupt"

    def test_padding_behind_the_pixels_is_allowed(self) -> None:
        padding = struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, 4) + bytes(4)
        assert reads(dicom(RAMP) + padding)

    def test_anything_else_behind_them_is_refused(self) -> None:
        assert refusal(dicom(RAMP) + b"hidden").code == "corrupt"


class TestSequences:
    def nested(self, depth: int) -> Dataset:
        inner = Dataset()
        inner.CodeValue = "1"
        for _ in range(depth):
            outer = Dataset()
            outer.ConceptCodeSequence = Sequence([inner])
            outer["ConceptCodeSequence"].is_undefined_length = True
            inner = outer
            inner.is_undefined_length_sequence_item = True
        return inner

    def test_of_undefined_length_are_passed_over(self) -> None:
        one = dataset(RAMP, ReferencedImageSequence=Sequence([self.nested(3)]))
        one["ReferencedImageSequence"].is_undefined_length = True
        assert reads(written(one))

    def test_that_were_passed_over_are_passed_over_again_in_one_step(self) -> None:
        one = dataset(RAMP, ReferencedImageSequence=Sequence([self.nested(8)]))
        one["ReferencedImageSequence"].is_undefined_length = True
        header, _ = open_file(written(one), PictureLimits())
        before = header.walk.count
        (item,) = header.items(0x00081140)
        assert 0x0040A168 in item
        assert header.walk.count - before == 4  # an item, its sequence, the item in it, its end

    def test_inside_more_than_sixteen_others_are_refused(self) -> None:
        one = dataset(RAMP, ReferencedImageSequence=Sequence([self.nested(20)]))
        one["ReferencedImageSequence"].is_undefined_length = True
        assert refusal(written(one)).code == "too-large"

    @pytest.mark.parametrize("vr", [b"SQ", b"UN"])
    def test_of_undefined_items_end_where_they_say(self, vr: bytes) -> None:
        inside = SHORT if vr == b"SQ" else struct.pack("<HHIH", 0x0042, 0x0020, 2, 7)
        content = ITEM + UNDEFINED + inside + ITEM_END + bytes(4)
        sequence = element(0x00420010, vr, 0xFFFFFFFF) + content + SEQUENCE_END + bytes(4)
        assert reads(before_pixels(sequence))

    @pytest.mark.parametrize(
        "content",
        [
            ITEM + UNDEFINED + SHORT + ITEM_END + bytes(4),
            ITEM + UNDEFINED + SHORT + SEQUENCE_END + bytes(4),
            SHORT + SEQUENCE_END + bytes(4),
            ITEM + b"\xf0\0\0\0" + SEQUENCE_END + bytes(4),
            SEQUENCE_END + b"\1\0\0\0",
        ],
    )
    def test_that_do_not_end_are_refused(self, content: bytes) -> None:
        assert (
            refusal(before_pixels(element(0x00420010, b"SQ", 0xFFFFFFFF) + content)).code
            == "corrupt"
        )

    def test_whose_content_nobody_reads_may_hold_anything(self) -> None:
        opaque = element(0x00420010, b"SQ", 6) + b"\x01garbl"
        assert reads(before_pixels(opaque))


class TestKinds:
    @pytest.mark.parametrize("vr", [b"XX", b"\0\0", b"us", b"  "])
    def test_that_do_not_exist_are_refused(self, vr: bytes) -> None:
        assert "value representation" in refusal(before_pixels(element(0x00420010, vr, 0))).message

    @pytest.mark.parametrize("vr", [b"OB", b"UT", b"OW"])
    def test_without_items_have_a_length(self, vr: bytes) -> None:
        assert "no length" in refusal(before_pixels(element(0x00420010, vr, 0xFFFFFFFF))).message


def test_text_in_the_facts_is_ascii() -> None:
    assert refusal(dicom(RAMP).replace(b"CHEST ", b"CH\xe9ST ")).code == "corrupt"
    assert refusal(dicom(RAMP).replace(b"CHEST ", b"CH\x1bST ")).code == "corrupt"


def test_a_file_without_transfer_syntax_is_refused() -> None:
    data = dicom(RAMP)
    assert "transfer syntax" in refusal(data[:132] + data[data.index(b"\x08\0\x16\0") :]).message


def test_a_header_above_its_limit_is_refused() -> None:
    big = element(0x00420010, b"OB", 9 * 2**20) + bytes(9 * 2**20)
    assert refusal(before_pixels(big)).code == "too-large"


def test_a_deflated_file_may_end_as_gzip_does_if_its_sum_is_right() -> None:
    data = dicom(RAMP, "1.2.840.10008.1.2.1.99")
    start = 144 + int.from_bytes(data[140:144], "little")  # the group length says it
    body = zlib.decompress(data[start:], -15)
    end = struct.pack("<II", zlib.crc32(body), len(body))
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = packing.compress(body) + packing.flush()
    assert np.array_equal(read_picture(data[:start] + stream + end).values, RAMP)
    assert refusal(data[:start] + stream + end[::-1]).code == "corrupt"
