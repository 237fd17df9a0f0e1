from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bedside.errors import VolumeRefused
from bedside.imaging.files import files_of
from bedside.imaging.volume_reading import read_volume
from tests.imaging.test_hostile import changed

QUICKLY = 1.0
REAL = (
    "heads/MNI152_T1_2mm_Brain_Mask.nii.gz",
    "heads/ct_template.nii",
    "orientation/ASL.nii.gz",
    "dicom/files/emri_small.dcm",
    "dicom/files/eCT_Supplemental.dcm",
)
CODES = {
    *("not-a-volume", "corrupt", "too-large", "no-codec", "unsupported", "four-dimensional"),
    *("several-series", "no-such-series", "localizer", "too-few-slices", "missing-slices"),
    *("duplicate-slices", "no-geometry", "orientation-unknown", "orientation-contradicts"),
    *("sheared", "not-finite"),
}
STARTS = (b"", b"PK\x05\x06", b"PK\x03\x04", b"\x1f\x8b\x08\0", b"\x5c\x01\0\0", b"\x1c\x02\0\0")


def outcome(data: bytes) -> str:
    """What becomes of these bytes: `Volume`, or why not; anything else is an error."""
    start = time.process_time()
    try:
        code = type(read_volume(files_of([("x", data)]))).__name__
    except VolumeRefused as refused:
        code = refused.code if refused.message and refused.advice else "without a word"
    assert code in CODES | {"Volume"}
    assert time.process_time() - start < QUICKLY
    return code


class TestAnyBytes:
    @given(st.sampled_from(STARTS), st.binary(max_size=700))
    @example(STARTS[1], b"")
    @settings(max_examples=200, deadline=None)
    def test_are_a_volume_or_refused(self, start: bytes, rest: bytes) -> None:
        outcome(start + rest)

    @pytest.mark.parametrize("name", REAL)
    @given(seed=st.integers(0, 2**32))
    @settings(
        max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    def test_of_a_real_file_that_was_changed_too(self, samples: Path, name: str, seed: int) -> None:
        outcome(changed((samples / name).read_bytes(), random.Random(seed)))  # noqa: S311 - no secret

    @pytest.mark.parametrize("name", REAL)
    def test_of_a_real_file_that_was_cut_are_refused(self, samples: Path, name: str) -> None:
        data = (samples / name).read_bytes()
        for length in (*range(0, 1_000, 97), len(data) // 2, len(data) - 9, len(data) - 1):
            assert outcome(data[:length]) != "Volume", length


def test_the_codes_are_those_that_the_error_lists() -> None:
    assert {word for word in CODES if f"`{word}`" in (VolumeRefused.__doc__ or "")} == CODES
