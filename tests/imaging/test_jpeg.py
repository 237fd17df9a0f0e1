from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bedside.imaging.picture import PictureLimits
from bedside.imaging.reading import read_picture
from tests.imaging.made import exif, file_of, refusal

GREY = (np.add.outer(np.arange(24), np.arange(40)) * 4 % 256).astype(np.uint8)
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=2)
SOUND = file_of(Image.fromarray(GREY), "JPEG", quality=95)
COLOURED = file_of(Image.fromarray(COLOUR), "JPEG", quality=95)


def decoded(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


class TestReads:
    @pytest.mark.parametrize("data", [SOUND, COLOURED], ids=["grey", "colour"])
    def test_as_pillow_does(self, data: bytes) -> None:
        assert np.array_equal(read_picture(data).values, decoded(data))

    def test_a_progressive_one(self) -> None:
        data = file_of(Image.fromarray(COLOUR), "JPEG", progressive=True)
        assert np.array_equal(read_picture(data).values, decoded(data))

    def test_rgb_that_says_so_by_its_components(self) -> None:
        data = file_of(Image.fromarray(COLOUR), "JPEG", keep_rgb=True)
        assert np.array_equal(read_picture(data).values, decoded(data))

    def test_grey_that_was_saved_in_colour_as_grey(self) -> None:
        data = file_of(Image.fromarray(GREY).convert("RGB"), "JPEG")
        assert not read_picture(data).is_colour

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_the_orientation_that_exif_states(self, orientation: int, order: str) -> None:
        tagged = file_of(Image.fromarray(GREY), "JPEG", exif=b"Exif\0\0" + exif(orientation, order))
        plain = decoded(tagged)
        turned = {
            1: plain, 2: plain[:, ::-1], 3: plain[::-1, ::-1], 4: plain[::-1],
            5: plain.T, 6: plain.T[:, ::-1], 7: plain.T[::-1, ::-1], 8: plain.T[::-1],
        }  # fmt: skip
        assert np.array_equal(read_picture(tagged).values, turned[orientation])


class TestRefuses:
    def test_any_cut(self) -> None:
        for end in range(3, len(SOUND)):
            assert refusal(SOUND[:end]).code == "corrupt"

    def test_what_follows_the_end(self) -> None:
        assert "4 bytes follow" in refusal(SOUND + b"more").message

    def test_a_second_picture_behind_the_first(self) -> None:
        assert refusal(SOUND + SOUND).code == "corrupt"

    def test_colours_for_printing(self) -> None:
        printed = file_of(Image.fromarray(COLOUR).convert("CMYK"), "JPEG")
        refused = refusal(printed)
        assert refused.code == "unsupported"
        assert "CMYK" in refused.message

    @pytest.mark.parametrize(("process", "bits"), [(0xC3, 8), (0xC9, 8), (0xC1, 12)])
    def test_a_process_that_is_not_read(self, process: int, bits: int) -> None:
        data = bytearray(SOUND)
        place = data.index(b"\xff\xc0")
        data[place + 1], data[place + 4] = process, bits
        assert refusal(bytes(data)).code == "unsupported"

    def test_a_second_frame_header(self) -> None:
        place = SOUND.index(b"\xff\xc0")
        frame = SOUND[place : place + 13]
        assert "two JPEG frames" in refusal(SOUND[:place] + frame + SOUND[place:]).message

    def test_more_scans_than_any_honest_file_has(self) -> None:
        place = SOUND.index(b"\xff\xda")
        scan = SOUND[place : place + 10] + b"\0"
        assert refusal(SOUND[:place] + scan * 200 + SOUND[place:]).code == "too-large"

    def test_more_beside_the_pixels_than_allowed(self) -> None:
        comment = b"\xff\xfe" + struct.pack(">H", 60_002) + bytes(60_000)
        loud = SOUND[:2] + comment * 3 + SOUND[2:]
        assert refusal(loud, PictureLimits(header_bytes=100_000)).code == "too-large"
        assert np.array_equal(read_picture(loud).values, decoded(SOUND))

    def test_two_orientations(self) -> None:
        block = b"Exif\0\0" + exif(6)
        segment = b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
        assert "2 Exif blocks" in refusal(SOUND[:2] + segment * 2 + SOUND[2:]).message

    @pytest.mark.parametrize(
        "block", [b"", b"II", b"XX*\0", b"II*\0\xff\xff\xff\xff", b"II+\0" + bytes(8)]
    )
    def test_exif_that_cannot_say_which_way_is_up(self, block: bytes) -> None:
        segment = b"\xff\xe1" + struct.pack(">H", len(block) + 8) + b"Exif\0\0" + block
        assert refusal(SOUND[:2] + segment + SOUND[2:]).code == "corrupt"


ENDS = {
    "baseline": file_of(Image.fromarray(GREY), "JPEG", quality=85),
    "optimised": file_of(Image.fromarray(GREY), "JPEG", optimize=True),
    "progressive": file_of(Image.fromarray(GREY), "JPEG", progressive=True),
    "with restarts": file_of(Image.fromarray(GREY), "JPEG", restart_marker_blocks=3),
    "colour": COLOURED,
}


@pytest.mark.parametrize("name", ENDS)
class TestAScan:
    def test_that_was_cut_and_ended_properly_is_refused_at_every_byte(self, name: str) -> None:
        data = ENDS[name]
        read_picture(data)
        first = data.rindex(b"\xff\xda") + 14
        for end in range(first, len(data) - 2):
            refused = refusal(data[:end].rstrip(b"\xff") + b"\xff\xd9")
            assert refused.code == "corrupt"


class TestScans:
    def test_that_are_missing_are_refused(self) -> None:
        whole = ENDS["progressive"]
        places = [i for i in range(len(whole)) if whole[i : i + 2] == b"\xff\xda"]
        assert len(places) > 3
        for place in places[1:]:
            tables = whole.rindex(b"\xff\xc4", 0, place)
            assert "coefficients" in refusal(whole[:tables] + b"\xff\xd9").message

    def test_from_which_a_restart_was_lost_are_refused(self) -> None:
        whole = ENDS["with restarts"]
        one, two = whole.index(b"\xff\xd1"), whole.index(b"\xff\xd2")
        assert "as number 2" in refusal(whole[:one] + whole[two:]).message

    def test_of_a_component_that_is_not_in_the_frame_are_refused(self) -> None:
        place = SOUND.index(b"\xff\xda") + 5
        data = SOUND[:place] + b"\x07" + SOUND[place + 1 :]
        assert "component 7" in refusal(data).message
