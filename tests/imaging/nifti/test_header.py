from __future__ import annotations

import struct

import numpy as np
import pytest

from bedside.imaging.nifti.header import header_of
from bedside.imaging.volume import VolumeLimits
from tests.imaging.made_volumes import STORED, nifti, patched, read, refused

SMALL = VolumeLimits(voxels=1000)


def swapped(data: bytes) -> bytes:
    """A NIfTI-1 file with the other byte order."""
    out = bytearray(data)
    fields = (
        (0, "i"),
        (40, "8h"),
        (56, "3f"),
        (68, "4h"),
        (76, "8f"),
        (108, "3f"),
        (252, "2h"),
        (256, "18f"),
    )
    for place, form in fields:
        values = struct.unpack_from("<" + form, data, place)
        struct.pack_into(">" + form, out, place, *values)
    voxels = np.frombuffer(data[352:], "<i2").astype(">i2").tobytes()
    return bytes(out[:352]) + voxels


class TestASoundHeader:
    @pytest.mark.parametrize("version", [1, 2])
    def test_says_shape_kind_and_where_the_voxels_begin(self, version: int) -> None:
        header = header_of(nifti(version=version)[:540], VolumeLimits())
        assert header.version == version
        assert header.shape == STORED.shape
        assert header.stored == np.dtype("<i2")
        assert header.offset == {1: 352, 2: 544}[version]

    @pytest.mark.parametrize("version", [1, 2])
    def test_gives_the_values(self, version: int) -> None:
        volume = read(nifti(version=version))
        assert np.array_equal(volume.values, STORED)
        assert volume.facts.syntax == f"NIfTI-{version}"

    def test_may_have_the_other_byte_order(self) -> None:
        volume = read(swapped(nifti()))
        assert np.array_equal(volume.values, STORED)
        assert np.allclose(volume.affine, read(nifti()).affine)

    def test_whose_offset_is_0_means_the_first_byte_behind_it(self) -> None:
        assert np.array_equal(read(patched(nifti(), 108, "<f", 0.0)).values, STORED)

    def test_with_extensions_is_skipped(self) -> None:
        data = nifti()
        more = patched(data[:352], 108, "<f", 384.0) + bytes(32) + data[352:]
        assert np.array_equal(read(more).values, STORED)

    def test_may_have_further_axes_of_one(self) -> None:
        data = patched(nifti(), 40, "<6h", 5, *STORED.shape, 1, 1)
        assert np.array_equal(read(data).values, STORED)


class TestRefusedByName:
    def test_a_fourth_axis(self) -> None:
        assert refused(patched(nifti(), 40, "<5h", 4, 4, 5, 6, 0)).code == "corrupt"
        problem = refused(patched(nifti(), 40, "<5h", 4, 2, 3, 4, 5))
        assert problem.code == "four-dimensional"
        assert "2 × 3 × 4 × 5" in problem.message

    def test_a_single_image(self) -> None:
        assert refused(patched(nifti(), 40, "<3h", 2, 20, 6)).code == "not-a-volume"

    @pytest.mark.parametrize(
        ("dim", "code"),
        [
            ((3, 0, 5, 6), "corrupt"),
            ((3, -4, 5, 6), "corrupt"),
            ((0, 4, 5, 6), "corrupt"),
            ((9, 4, 5, 6), "corrupt"),
            ((3, 30_000, 1, 1), "too-large"),
            ((3, 2_000, 2_000, 2_000), "too-large"),
        ],
    )
    def test_impossible_sides(self, dim: tuple[int, ...], code: str) -> None:
        assert refused(patched(nifti(), 40, "<4h", *dim)).code == code

    @pytest.mark.parametrize(
        ("code", "word"), [(128, "red"), (32, "complex"), (1536, "128-bit"), (77, "unknown")]
    )
    def test_voxels_that_are_no_numbers_of_ours(self, code: int, word: str) -> None:
        problem = refused(patched(nifti(), 70, "<h", code))
        assert problem.code == "unsupported"
        assert word in problem.message

    def test_bits_that_contradict_the_kind(self) -> None:
        problem = refused(patched(nifti(), 72, "<h", 8))
        assert problem.code == "corrupt"
        assert "bitpix says 8" in problem.message

    @pytest.mark.parametrize("offset", [100.0, -1.0, 352.5, 1e9, float("nan"), float("inf")])
    def test_an_offset_that_cannot_be(self, offset: float) -> None:
        assert refused(patched(nifti(), 108, "<f", offset)).code == "corrupt"

    @pytest.mark.parametrize(
        ("magic", "code", "word"),
        [
            (b"ni1\0", "unsupported", "pair"),
            (bytes(4), "unsupported", "Analyze"),
            (b"nonsense"[:4], "corrupt", "nons"),
        ],
    )
    def test_another_ending(self, magic: bytes, code: str, word: str) -> None:
        data = nifti()
        problem = refused(data[:344] + magic + data[348:])
        assert problem.code == code
        assert word in problem.message

    def test_an_unknown_unit_of_length(self) -> None:
        assert refused(patched(nifti(), 123, "<B", 5)).code == "corrupt"

    def test_a_header_that_is_cut(self) -> None:
        assert refused(nifti()[:300]).code == "corrupt"

    def test_more_voxels_than_were_allowed(self) -> None:
        assert "4 × 5 × 6" in refused(nifti(), limits=VolumeLimits(voxels=119)).message
        assert read(nifti(), limits=VolumeLimits(voxels=120)).shape == (4, 5, 6)
