from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from bedside.errors import UsageError
from bedside.imaging.choice import Choice
from bedside.imaging.files import files_at
from bedside.imaging.volume_reading import read_volume
from bedside.imaging.volume_writing import nifti_bytes
from tests.imaging.made_volumes import OBLIQUE, RIGHT, files, read, slices, theirs

LABELS: NDArray[np.uint8] = (np.arange(120).reshape(4, 5, 6) % 3).astype(np.uint8)
CHANCES: NDArray[np.float32] = np.linspace(0, 1, 120, dtype=np.float32).reshape(4, 5, 6)
BROKEN: NDArray[np.float32] = np.full((4, 5, 6), np.nan, dtype=np.float32)


class TestTheRoundTrip:
    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 2**31 - 1), st.booleans())
    def test_puts_every_corner_within_a_hundredth_of_a_millimetre(
        self, seed: int, mirrored: bool
    ) -> None:
        random = np.random.default_rng(seed)
        affine = np.eye(4)
        turn = Rotation.random(random_state=seed).as_matrix()
        affine[:3, :3] = turn * random.uniform(0.3, 5, 3) * (1, 1, -1 if mirrored else 1)
        affine[:3, 3] = random.uniform(-300, 300, 3)
        data = nifti_bytes(LABELS, affine, compressed=False)
        volume, image = read(data), theirs(data)
        corner = (*LABELS.shape, 1)
        qform, code = image.header.get_qform(coded=True)
        for found in (volume.affine, image.affine, *([qform] if code else [])):
            assert np.abs((found - affine) @ corner).max() < 0.01
        assert np.array_equal(volume.values, LABELS)
        assert not volume.facts.notes

    def test_a_blob_on_the_left_stays_on_the_left(self) -> None:
        series = read(*files(slices()))
        places = np.indices(series.shape).reshape(3, -1).T @ series.affine[:3, :3].T
        left = (places + series.affine[:3, 3])[:, 0].reshape(series.shape) < 9
        again = read(nifti_bytes(left.astype(np.uint8), series.affine))
        for voxel in np.argwhere(again.values > 0):
            assert (again.affine @ (*voxel, 1))[0] < 9
        assert again.values.sum() == left.sum() > 0

    def test_of_a_real_oblique_head_is_exact(self, samples: Path) -> None:
        volume = read_volume(files_at(samples / "heads" / "chris_PD.nii.gz"))
        mask = (volume.values > 60).astype(np.uint8)
        data = nifti_bytes(mask, volume.affine, frame=volume.facts.frame)
        again = read(data)
        assert np.array_equal(again.affine, volume.affine)
        assert np.array_equal(again.values, mask)
        assert again.facts.frame == "aligned"
        assert len(data) < 200_000


class TestTheHeader:
    def test_says_millimetres_labels_and_one_code_twice(self) -> None:
        header = theirs(
            nifti_bytes(LABELS, RIGHT, frame="mni", compressed=False, description="a mask")
        ).header
        assert header.get_xyzt_units() == ("mm", "unknown")
        assert (int(header["qform_code"]), int(header["sform_code"])) == (4, 4)
        assert header.get_intent()[0] == "label"
        assert bytes(header["descrip"].item()) == b"a mask"

    def test_of_a_sheared_volume_has_no_qform(self) -> None:
        data = nifti_bytes(LABELS, OBLIQUE, compressed=False)
        assert int(theirs(data).header["qform_code"]) == 0
        assert np.allclose(read(data, choice=Choice(sheared=True)).affine, OBLIQUE)

    def test_has_a_qform_wherever_a_quaternion_can_say_it(self) -> None:
        turns = Rotation.random(50, random_state=3).as_matrix()
        codes = [int(code_of(turn)) for turn in turns]
        assert codes == [1] * 50
        assert int(code_of(turns[0] * (1, 1, -1))) == 1
        half = Rotation.from_euler("z", 180 - 0.03, degrees=True).as_matrix()
        assert int(code_of(half)) == 0
        assert int(code_of(Rotation.from_euler("z", 180, degrees=True).as_matrix())) == 1

    @pytest.mark.parametrize("frame", ["unknown", "elsewhere"])
    def test_calls_a_frame_that_it_cannot_say_aligned(self, frame: str) -> None:
        assert read(nifti_bytes(LABELS, RIGHT, frame=frame)).facts.frame == "aligned"


def code_of(turn: NDArray[np.float64]) -> float:
    """The qform's code of a volume that is turned so."""
    affine = np.eye(4)
    affine[:3, :3] = turn
    data = nifti_bytes(LABELS, affine, compressed=False)
    code: float = theirs(data).header["qform_code"]
    return code


class TestProbabilities:
    def test_are_exact_as_floats(self) -> None:
        assert np.array_equal(read(nifti_bytes(CHANCES, RIGHT)).values, CHANCES)

    def test_are_near_in_16_bits(self) -> None:
        data = nifti_bytes(CHANCES, RIGHT, stored="uint16", compressed=False)
        assert np.abs(read(data).values - CHANCES).max() < 1e-5
        assert len(data) == 352 + 2 * 120
        other = theirs(data).get_fdata(dtype=np.float32)
        assert np.abs(other - CHANCES).max() < 1e-5

    def test_of_0_and_1_stay_0_and_1(self) -> None:
        ends = np.round(CHANCES)
        assert np.array_equal(read(nifti_bytes(ends, RIGHT, stored="uint16")).values, ends)


class TestTheBytes:
    def test_are_the_same_for_the_same_volume(self) -> None:
        assert nifti_bytes(LABELS, RIGHT) == nifti_bytes(np.asfortranarray(LABELS), RIGHT.copy())

    def test_are_the_plain_file_s_packed(self) -> None:
        plain = nifti_bytes(LABELS, RIGHT, compressed=False)
        assert gzip.decompress(nifti_bytes(LABELS, RIGHT)) == plain

    def test_hold_no_time_and_no_name(self) -> None:
        assert nifti_bytes(LABELS, RIGHT)[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff"


class TestWhatMakesNoSense:
    @pytest.mark.parametrize(
        ("values", "stored", "word"),
        [
            (LABELS[0], None, "3 axes"),
            (LABELS.astype(np.int32), None, "int32"),
            (LABELS[:0], None, "3 axes"),
            (CHANCES * 2, "uint16", "0 to 1"),
            (CHANCES - 1, "uint16", "0 to 1"),
            (CHANCES, "uint8", "uint8"),
            (LABELS, "uint16", "uint16"),
            (BROKEN, None, "finite"),
            (BROKEN, "uint16", "0 to 1"),
        ],
        ids=range(9),
    )
    def test_is_said(self, values: NDArray[np.uint8], stored: None, word: str) -> None:
        with pytest.raises(UsageError, match=word):
            nifti_bytes(values, RIGHT, stored=stored)
