from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bedside.errors import PictureRefused
from bedside.imaging.picture import PictureLimits
from bedside.imaging.reading import read_picture
from tests.imaging.bombs import BOMBS

ROOT = Path(__file__).resolve().parents[2]
QUICKLY = 1.0
REAL = (
    "films/00000001_000.png",
    "films/chest_MONOCHROME1.dcm",
    "dicom/files/693_J2KR.dcm",
    "dicom/files/HTJ2K_08_RGB.dcm",
    "dicom/files/bad_sequence.dcm",
    "dicom/files/emri_small_jpeg_ls_lossless.dcm",
    "dicom/files/emri_small_RLE.dcm",
    "dicom/files/liver_deflate.dcm",
)
CODES = (
    "Picture",
    "not-a-picture",
    "corrupt",
    "too-large",
    "several-frames",
    "no-codec",
    "unsupported",
)
STARTS = (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", bytes(128) + b"DICM\x02\0\x10\0UI")


def outcome(data: bytes) -> str:
    """What becomes of these bytes: `Picture`, or why not; anything else is an error."""
    start = time.process_time()
    try:
        code = type(read_picture(data, PictureLimits())).__name__
    except PictureRefused as refused:
        code = refused.code if refused.message and refused.advice else "without a word"
    assert code in CODES
    assert time.process_time() - start < QUICKLY
    return code


class TestBombs:
    def test_are_refused_by_name_without_memory_or_time(self, tmp_path: Path) -> None:
        paths = {}
        for place, (name, (make, _)) in enumerate(BOMBS.items()):
            path = tmp_path / str(place)
            path.write_bytes(make())
            paths[str(path)] = name
        told = starved([*paths])
        codes = {paths[path]: code for path, code, _ in told}
        assert codes == {name: code for name, (_, code) in BOMBS.items()}
        slow = {paths[path]: seconds for path, _, seconds in told if seconds > QUICKLY}
        assert not slow

    def test_would_be_noticed_if_they_were_read(self, samples: Path) -> None:
        """The process that is short of memory still reads an honest film."""
        film = str(samples / "films" / "00000001_000.png")
        assert starved([film])[0][1] == "read"


def starved(paths: list[str]) -> list[tuple[str, str, float]]:
    """What a process with hardly any memory makes of these files."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.imaging.starved", *paths],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


class TestAnyBytes:
    @given(st.sampled_from(STARTS), st.binary(max_size=400))
    @example(STARTS[1], b"")
    @settings(max_examples=400, deadline=None)
    def test_are_a_picture_or_refused(self, start: bytes, rest: bytes) -> None:
        outcome(start + rest)

    @pytest.mark.parametrize("name", REAL)
    @given(seed=st.integers(0, 2**32))
    @settings(
        max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    def test_of_a_real_file_that_was_changed_too(self, samples: Path, name: str, seed: int) -> None:
        outcome(changed((samples / name).read_bytes(), random.Random(seed)))  # noqa: S311 - no secret

    @pytest.mark.parametrize("name", REAL)
    def test_of_a_real_file_that_was_cut_are_refused(self, samples: Path, name: str) -> None:
        data = (samples / name).read_bytes()
        lengths = {
            *range(0, min(len(data), 3_000), 37),
            len(data) // 2,
            len(data) - 3,
            len(data) - 1,
        }
        for length in sorted(lengths):
            assert outcome(data[:length]) != "Picture", length


def changed(data: bytes, chance: random.Random) -> bytes:
    """The file with a few bytes set, taken out or put in; mostly in its headers."""
    out = bytearray(data)
    pixels = data.find(b"\xe0\x7f\x10\x00")
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        near = chance.choice([range(min(len(out), 4_000)), range(len(out))])
        if pixels > 0 and chance.random() < 0.4:
            near = range(pixels, min(pixels + 400, len(out)))
        place = chance.choice(near)
        kind = chance.random()
        if kind < 0.6:
            out[place] = chance.randrange(256)
        elif kind < 0.75:
            out[place : place + 4] = b"\xff\xff\xff\xff"
        elif kind < 0.9:
            del out[place : place + chance.randrange(1, 9)]
        else:
            out[place:place] = chance.randbytes(chance.randrange(1, 9))
    return bytes(out)
