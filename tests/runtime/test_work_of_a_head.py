"""A whole head at 1 mm by the package that comes with Bedside: how much is done, whatever the clock says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bedside.imaging.phantoms import drawn_head
from bedside.imaging.volume_writing import nifti_bytes
from bedside.package.preprocessing import volume_operations
from bedside.package.shipped.catalogue import shipped
from bedside.package.volume_operations import PadToMultiple, Resample
from bedside.runtime.analysis_files import MASK, MEASUREMENTS, PICTURE, PROBABILITY

SIDE, MILLIMETRES = 256, 1.0
MOST_MEMORY = 1_536.0
"""MiB of the whole process, its libraries and the volume included; measured: 480."""

GENEROUS = 60.0
"""Processor seconds, many times those of a quiet machine."""


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a drawn head of 256³ voxels, 16 bits, packed: coarse voxels repeated."""
    coarse = drawn_head((64, 64, 64), (4.0, 4.0, 4.0), 1).values / np.float32(4_000)
    for axis in range(3):
        coarse = coarse.repeat(SIDE // 64, axis)
    affine = np.diag([MILLIMETRES, MILLIMETRES, MILLIMETRES, 1.0])
    path = tmp_path_factory.mktemp("head") / "head.nii.gz"
    path.write_bytes(nifti_bytes(coarse, affine, stored="uint16"))
    return path


@pytest.fixture(scope="module")
def done(head: Path) -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.runtime.counted_analysis", head, head.parent / "out"],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stderr[-2_000:]
    told: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return told


def test_is_resampled_once_there_and_once_back_and_so_is_each_golden_case(
    done: dict[str, Any],
) -> None:
    found = shipped("brain-extraction")
    assert found is not None
    cases = found.package().manifest.golden.cases
    assert done["results"] == sorted((MASK, PROBABILITY, MEASUREMENTS, PICTURE))
    assert len(done["seen"]) == cases + 1
    assert len(done["resamplings"]) == 2 * (cases + 1)
    assert done["resamplings"][-1] == SIDE**3


def test_the_network_sees_the_head_once_on_its_own_grid_and_no_more(done: dict[str, Any]) -> None:
    found = shipped("brain-extraction")
    assert found is not None
    operations = volume_operations(found.package().manifest.preprocessing)
    [spacing] = [one.spacing[0] for one in operations if isinstance(one, Resample)]
    [multiple] = [one.multiple[0] for one in operations if isinstance(one, PadToMultiple)]
    most = -(-round(SIDE * MILLIMETRES / spacing + 1) // multiple) * multiple
    assert done["seen"][-1] <= most**3
    assert sum(done["seen"][:-1]) <= 1.5 * most**3  # what proves the package costs less than a head


def test_takes_no_more_memory_than_promised(done: dict[str, Any]) -> None:
    assert done["peak"] < MOST_MEMORY


def test_imports_nothing_that_it_does_not_need(done: dict[str, Any]) -> None:
    assert done["heavy"] == []


def test_takes_seconds(done: dict[str, Any]) -> None:
    assert done["processor"] < GENEROUS
