from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bedside.canonical import digest
from bedside.imaging.files import files_at
from bedside.imaging.nifti import gzip_stream
from bedside.imaging.volume import VolumeLimits
from bedside.imaging.volume_reading import read_volume
from tests.imaging.made_volumes import STORED, nifti, note, packed, patched, read, refused, theirs

REAL = (
    "heads/MoAE_t1.nii.gz",
    "heads/avg152T2.nii",
    "heads/MNI152_T1_2mm_Brain_Mask.nii.gz",
    "negatives/ct_torso.nii.gz",
    "lesions/openms_p07_lesion_MNI.nii.gz",
)
BROKEN = (float("nan"), float("inf"), float("-inf"))


def real(**at: float) -> bytes:
    """A file of 1,000 floats of which some are something else."""
    values = np.ones((10, 10, 10), dtype=np.float32)
    for place, (name, value) in enumerate(at.items()):
        values[place, 0, int(name[1:])] = value
    return nifti(values)


class TestValues:
    @pytest.mark.parametrize("name", REAL)
    def test_of_real_files_are_what_nibabel_reads(self, samples: Path, name: str) -> None:
        volume = read_volume(files_at(samples / name))
        image = theirs(samples / name)
        assert np.array_equal(volume.values, image.get_fdata(dtype=np.float32))
        assert np.array_equal(volume.affine, image.affine)

    @pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
    def test_of_every_kind_are_read(self, kind: str) -> None:
        stored = (np.arange(120).reshape(4, 5, 6) % 100).astype(kind)
        volume = read(nifti(stored))
        assert np.array_equal(volume.values, stored)
        assert volume.facts.stored == np.dtype(kind).name

    def test_beyond_24_bits_are_rounded_with_a_note(self) -> None:
        stored: NDArray[np.int32] = np.full((4, 5, 6), 2**24 + 1, dtype=np.int32)
        volume = read(nifti(stored))
        assert volume.values[0, 0, 0] == np.float32(2**24)
        assert "24 bits" in note(volume, "rounded")

    def test_are_rescaled(self) -> None:
        volume = read(patched(nifti(), 112, "<2f", 3.774114, -1024.0))
        slope = np.float64(np.float32(3.774114))
        assert np.array_equal(volume.values, (STORED * slope - 1024).astype(np.float32))

    def test_with_a_slope_of_0_stay_as_they_are_stored(self) -> None:
        volume = read(patched(nifti(), 112, "<2f", 0.0, 5.0))
        assert np.array_equal(volume.values, STORED)
        assert not volume.facts.notes

    @pytest.mark.parametrize("slope", BROKEN)
    def test_with_a_slope_that_is_none_stay_too_with_a_note(self, slope: float) -> None:
        volume = read(patched(nifti(), 112, "<2f", slope, 5.0))
        assert np.array_equal(volume.values, STORED)
        assert "scl_slope" in note(volume, "slope-ignored")

    def test_with_an_intercept_that_is_none_are_refused(self) -> None:
        assert refused(patched(nifti(), 112, "<2f", 2.0, float("nan"))).code == "corrupt"

    def test_cannot_be_changed_by_accident(self) -> None:
        with pytest.raises(ValueError, match="read-only"):
            read(nifti()).values[0, 0, 0] = 1

    def test_of_an_empty_volume_are_all_equal_and_read(self) -> None:
        volume = read(nifti(np.zeros((4, 5, 6), dtype=np.uint8)))
        assert not volume.values.any()


class TestNotANumber:
    def test_in_one_voxel_of_a_thousand_becomes_the_lowest(self) -> None:
        volume = read(real(a5=float("nan"), b5=-3.0))
        assert volume.values[0, 0, 5] == -3.0
        assert note(volume, "not-a-number-replaced").startswith("1 voxel")

    def test_in_more_is_refused(self) -> None:
        problem = refused(real(a5=float("nan"), b5=float("nan")))
        assert problem.code == "not-finite"
        assert "2 of 1000" in problem.message

    @pytest.mark.parametrize("value", BROKEN[1:])
    def test_infinity_is_always_refused(self, value: float) -> None:
        assert refused(real(a5=value)).code == "not-finite"

    def test_a_rescale_beyond_binary32_is_refused(self) -> None:
        assert refused(patched(nifti(), 112, "<2f", 3e38, 0.0)).code == "not-finite"

    def test_nothing_but_it_is_refused(self) -> None:
        empty: NDArray[np.float32] = np.full((4, 5, 6), np.nan, dtype=np.float32)
        assert refused(nifti(empty)).code == "not-finite"


class TestPacked:
    def test_gives_the_same_volume(self) -> None:
        plain, small = read(nifti()), read(packed(nifti()))
        assert np.array_equal(plain.values, small.values)
        assert np.array_equal(plain.affine, small.affine)

    def test_in_members_without_end_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gzip_stream, "_MOST_MEMBERS", 4)
        assert np.array_equal(read(packed(b"") * 3 + packed(nifti())).values, STORED)
        assert refused(packed(b"") * 4 + packed(nifti())).code == "too-large"

    def test_in_several_members_too(self) -> None:
        data = nifti()
        volume = read(packed(data[:100]) + packed(data[100:400]) + packed(data[400:]) + bytes(64))
        assert np.array_equal(volume.values, STORED)

    def test_is_told_from_the_bytes_and_not_from_the_name(self, tmp_path: Path) -> None:
        path = tmp_path / "head.dcm"
        path.write_bytes(packed(nifti()))
        assert read_volume(files_at(path)).facts.medium == "nifti"

    def test_names_the_bytes_that_came(self) -> None:
        for data in (nifti(), packed(nifti())):
            assert read(data).facts.digest == digest(data)

    def test_with_a_wrong_checksum_is_refused(self) -> None:
        data = bytearray(packed(nifti()))
        data[-6] ^= 1
        assert refused(bytes(data)).code == "corrupt"

    def test_that_is_cut_is_refused(self) -> None:
        data = packed(nifti())
        for length in (3, 40, 200, len(data) // 2, len(data) - 9, len(data) - 1):
            assert refused(data[:length]).code in ("corrupt", "not-a-volume"), length

    def test_that_is_something_else_is_refused(self) -> None:
        assert refused(packed(b"a letter" * 100)).code == "not-a-volume"

    def test_behind_which_something_follows_is_refused(self) -> None:
        assert refused(packed(nifti()) + b"more").code == "corrupt"


def test_no_more_is_in_memory_than_the_volume_and_a_piece() -> None:
    data = packed(nifti(np.zeros((256, 128, 128), dtype=np.float64)))
    tracemalloc.start()
    volume = read(data)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert volume.values.nbytes == 16 * 2**20
    assert held < 24 * 2**20


class TestTheLength:
    def test_too_short_is_cut(self) -> None:
        for data in (nifti()[:-1], packed(nifti()[:-1])):
            assert "cut" in refused(data).message

    def test_too_long_is_refused(self) -> None:
        for data in (nifti() + b"1", packed(nifti() + b"1"), nifti() + bytes(5_000)):
            assert "last voxel" in refused(data).message

    def test_a_few_zeros_may_fill_a_block(self) -> None:
        for data in (nifti() + bytes(512), packed(nifti() + bytes(512))):
            assert np.array_equal(read(data).values, STORED)

    def test_is_held_against_the_limits_before_anything_is_read(self) -> None:
        assert refused(nifti(), limits=VolumeLimits(file_bytes=100)).code == "too-large"
        assert refused(packed(nifti()), limits=VolumeLimits(inflated_bytes=500)).code == "too-large"
