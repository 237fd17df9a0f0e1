from __future__ import annotations

import hashlib
import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from bedside.errors import UsageError
from bedside.imaging.deflate import code_lengths, deflated
from bedside.imaging.reading import read_picture
from bedside.imaging.writing import grey_pixels, write_jpeg, write_png

CHANCE = np.random.default_rng(6)
GREY: NDArray[np.uint8] = CHANCE.integers(0, 256, (37, 53), dtype=np.uint8)


def by_pillow(data: bytes) -> NDArray[Any]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


class TestPng:
    @pytest.mark.parametrize(
        "pixels",
        [
            GREY,
            GREY.astype(np.uint16) * 257 + 1,
            np.stack([GREY, GREY[::-1], 255 - GREY], axis=2),
            GREY[:1, :1],
            GREY.T,
            np.zeros((40, 50), dtype=np.uint8),
        ],
        ids=["grey", "16 bits", "colour", "one pixel", "transposed", "flat"],
    )
    def test_is_read_back_by_others_and_by_us(self, pixels: NDArray[Any]) -> None:
        data = write_png(pixels)
        assert np.array_equal(by_pillow(data), pixels)
        assert np.array_equal(read_picture(data).values, pixels)

    def test_has_the_same_bytes_on_every_machine(self) -> None:
        """These bytes were written once; another machine, zlib or year must give them too."""
        ramp = np.add.outer(np.arange(64), np.arange(48)).astype(np.uint8)
        digest = hashlib.sha256(write_png(ramp)).hexdigest()
        assert digest == "20dad24414f5b0c85714adea68f190759303d7ae828e29966d9832a96fcf4e7b"

    def test_is_hardly_larger_than_zlib_makes_a_film(self, samples: Path) -> None:
        film = by_pillow((samples / "films" / "00000001_000.png").read_bytes())
        assert len(write_png(film)) < 1.15 * len(zlib.compress(np.diff(film, axis=0).tobytes(), 9))

    @pytest.mark.parametrize(
        "pixels",
        [
            GREY.astype(np.float32),
            GREY[0],
            GREY[:0],
            np.zeros((2, 2, 4), dtype=np.uint8),
            np.zeros((2, 2, 3), dtype=np.uint16),
        ],
    )
    def test_is_not_written_of_anything_else(self, pixels: NDArray[Any]) -> None:
        with pytest.raises(UsageError, match="PNG"):
            write_png(pixels)


class TestDeflate:
    @given(st.binary(max_size=3_000))
    @example(b"")
    @example(b"\0")
    @example(bytes(200_000))
    @example(bytes(range(256)) * 700)
    def test_is_inflated_by_zlib(self, data: bytes) -> None:
        assert zlib.decompress(deflated(data), -15) == data

    @given(st.lists(st.integers(0, 2**40), min_size=2, max_size=257))
    def test_codes_are_complete_and_at_most_15_bits_long(self, counts: list[int]) -> None:
        counts[0] += 1
        counts[-1] += 1
        lengths = code_lengths(counts)
        assert max(lengths) <= 15
        assert [length > 0 for length in lengths] == [count > 0 for count in counts]
        assert sum(2.0**-length for length in lengths if length) == 1

    def test_frequencies_that_want_a_longer_code_are_levelled(self) -> None:
        fibonacci = [1, 1]
        while len(fibonacci) < 40:
            fibonacci.append(fibonacci[-1] + fibonacci[-2])
        assert max(code_lengths(fibonacci)) == 15


class TestGreyPixels:
    def test_round_to_the_nearest_and_keep_inside(self) -> None:
        unit = np.array([[-1, 0, 0.5, 1, 2]], dtype=np.float32)
        assert grey_pixels(unit).tolist() == [[0, 0, 128, 255, 255]]
        assert grey_pixels(unit, 16).tolist() == [[0, 0, 32768, 65535, 65535]]

    def test_have_8_or_16_bits(self) -> None:
        with pytest.raises(UsageError, match="12"):
            grey_pixels(np.zeros((1, 1), dtype=np.float32), 12)


def test_a_jpeg_is_near_to_what_was_written() -> None:
    smooth = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    assert np.abs(read_picture(write_jpeg(smooth)).values - smooth).max() < 12
