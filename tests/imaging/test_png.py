from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bedside.imaging.picture import PictureLimits
from bedside.imaging.reading import read_picture
from tests.imaging.made import exif, file_of, png, png_header, refusal

GREY = np.arange(35, dtype=np.uint8).reshape(5, 7) * 7
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=2)
SOUND = file_of(Image.fromarray(GREY), "PNG")
END = (b"IEND", b"")


class TestReads:
    @pytest.mark.parametrize("name", ["00000001_000.png", "00027426_000.png"])
    def test_the_films_as_pillow_does(self, samples: Path, name: str) -> None:
        film = samples / "films" / name
        with Image.open(film) as image:
            assert np.array_equal(read_picture(film.read_bytes()).values, np.asarray(image))

    def test_16_bits_without_losing_one(self) -> None:
        deep = GREY.astype(np.uint16) * 257 + 3
        picture = read_picture(file_of(Image.fromarray(deep), "PNG"))
        assert np.array_equal(picture.values, deep)
        assert picture.highest == 65_535
        assert picture.facts.bits == 16

    def test_colour(self) -> None:
        picture = read_picture(file_of(Image.fromarray(COLOUR), "PNG"))
        assert picture.is_colour
        assert np.array_equal(picture.values, COLOUR)

    def test_colour_that_is_equal_everywhere_as_grey(self) -> None:
        grey = file_of(Image.fromarray(np.stack([GREY] * 3, axis=2)), "PNG")
        assert np.array_equal(read_picture(grey).values, GREY)

    def test_a_palette_by_its_colours(self) -> None:
        image = Image.fromarray(COLOUR).quantize(16)
        expected = np.asarray(image.convert("RGB"))
        assert np.array_equal(read_picture(file_of(image, "PNG")).values, expected)

    def test_one_bit_as_black_and_white(self) -> None:
        image = Image.fromarray(GREY).convert("1")
        assert np.array_equal(read_picture(file_of(image, "PNG")).values, np.asarray(image) * 255.0)

    @pytest.mark.parametrize("mode", ["LA", "RGBA"])
    def test_alpha_that_hides_nothing(self, mode: str) -> None:
        image = Image.fromarray(COLOUR).convert("L" if mode == "LA" else "RGB")
        assert np.array_equal(
            read_picture(file_of(image.convert(mode), "PNG")).values, np.asarray(image)
        )

    def test_interlaced_ones(self) -> None:
        rows = [b"\0" + GREY[0::8, 0::8].tobytes()]
        for r, c, dr, dc in ((0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2)):
            rows += [b"\0" + row.tobytes() for row in GREY[r::dr, c::dc] if row.size]
        for r, c, dr, dc in ((0, 1, 2, 2), (1, 0, 2, 1)):
            rows += [b"\0" + row.tobytes() for row in GREY[r::dr, c::dc]]
        header = (b"IHDR", struct.pack(">IIBBBBB", 7, 5, 8, 0, 0, 0, 1))
        data = png(header, (b"IDAT", zlib.compress(b"".join(rows))), END)
        assert np.array_equal(read_picture(data).values, GREY)

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_the_orientation_that_exif_states(self, orientation: int) -> None:
        tagged = file_of(Image.fromarray(GREY), "PNG", exif=b"Exif\0\0" + exif(orientation))
        plain = read_picture(SOUND).values
        turned = {
            1: plain, 2: plain[:, ::-1], 3: plain[::-1, ::-1], 4: plain[::-1],
            5: plain.T, 6: plain.T[:, ::-1], 7: plain.T[::-1, ::-1], 8: plain.T[::-1],
        }  # fmt: skip
        picture = read_picture(tagged)
        assert np.array_equal(picture.values, turned[orientation])
        assert (picture.facts.rows, picture.facts.columns) == turned[orientation].shape


class TestRefuses:
    def test_any_flipped_bit(self) -> None:
        for place in range(8, len(SOUND)):
            flipped = bytearray(SOUND)
            flipped[place] ^= 0x10
            assert refusal(bytes(flipped)).code in ("corrupt", "too-large", "several-frames")

    def test_any_cut(self) -> None:
        for end in range(8, len(SOUND)):
            assert refusal(SOUND[:end]).code == "corrupt"

    def test_what_follows_the_end(self) -> None:
        refused = refusal(SOUND + b"hidden")
        assert refused.code == "corrupt"
        assert "6 bytes follow" in refused.message

    def test_several_frames(self) -> None:
        frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
        animated = file_of(frames[0], "PNG", save_all=True, append_images=frames[1:])
        assert refusal(animated).code == "several-frames"

    @pytest.mark.parametrize("mode", ["LA", "RGBA"])
    def test_what_shines_through(self, mode: str) -> None:
        image = Image.fromarray(COLOUR).convert(mode)
        image.putalpha(Image.fromarray(255 - GREY // 8))
        refused = refusal(file_of(image, "PNG"))
        assert refused.code == "unsupported"
        assert "transparent" in refused.message

    def test_a_colour_outside_the_palette(self) -> None:
        stream = zlib.compress(b"\0\0\1\2")
        data = png(png_header(3, 1, 8, 3), (b"PLTE", bytes(6)), (b"IDAT", stream), END)
        assert "palette of 2" in refusal(data).message

    def test_16_bits_with_colour(self) -> None:
        stream = zlib.compress(bytes(1 + 6))
        data = png(png_header(1, 1, 16, 2), (b"IDAT", stream), END)
        assert refusal(data).code == "unsupported"

    def test_pixels_that_inflate_to_more_than_the_header_says(self) -> None:
        bomb = zlib.compress(bytes(2**24))
        data = png(png_header(10, 10), (b"IDAT", bomb), END)
        assert "more than the 110 bytes" in refusal(data).message

    def test_pixels_that_are_too_few(self) -> None:
        data = png(png_header(10, 10), (b"IDAT", zlib.compress(bytes(109))), END)
        assert refusal(data).code == "corrupt"

    def test_bytes_hidden_behind_the_pixels_stream(self) -> None:
        stream = zlib.compress(bytes(110)) + b"hidden"
        assert refusal(png(png_header(10, 10), (b"IDAT", stream), END)).code == "corrupt"

    def test_more_beside_the_pixels_than_allowed(self) -> None:
        info = PngInfo()
        info.add_text("Comment", "x" * 5_000)
        loud = file_of(Image.fromarray(GREY), "PNG", pnginfo=info)
        assert refusal(loud, PictureLimits(header_bytes=4_000)).code == "too-large"
        assert np.array_equal(read_picture(loud).values, GREY)

    def test_an_orientation_that_does_not_exist(self) -> None:
        tagged = file_of(Image.fromarray(GREY), "PNG", exif=b"Exif\0\0" + exif(9))
        assert "orientation is 9" in refusal(tagged).message


def test_a_text_that_is_a_bomb_reaches_no_decoder() -> None:
    bomb = b"Comment\0\0" + zlib.compress(bytes(2**26))
    header = (SOUND[12:16], SOUND[16:29])
    body = SOUND[33:]
    data = png(header, (b"zTXt", bomb), (b"iCCP", b"x\0\0" + zlib.compress(bytes(2**24)))) + body
    assert np.array_equal(read_picture(data).values, GREY)
