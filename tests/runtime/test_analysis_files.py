from __future__ import annotations

import gzip
import json

import nibabel
import numpy as np
import pytest

from bedside.imaging.views.view import Style
from bedside.imaging.volume import Volume
from bedside.package.package import Package
from bedside.runtime.analysis import Analysis
from bedside.runtime.analysis_files import (
    MASK,
    MEASUREMENTS,
    PICTURE,
    PROBABILITY,
    files_of,
    measurements_of,
)
from bedside.runtime.runner import Runner
from tests.volume_packages import A_NUMBER, MR_HEAD, THREE_SLIDING, Made, head, opened


def made(kind: Made = THREE_SLIDING) -> tuple[Analysis, Package, Volume]:
    package, volume = opened(kind), head(3)
    return Runner(package).analyse(volume, MR_HEAD), package, volume


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """Of one analysis; a picture takes a second."""
    analysis, package, volume = made()
    return files_of(analysis, package.manifest, volume)


def test_the_mask_and_the_probability_lie_where_the_volume_lies(files: dict[str, bytes]) -> None:
    analysis, _, volume = made()
    assert list(files) == [MEASUREMENTS, MASK, PROBABILITY, PICTURE]
    mask = read(files[MASK])
    assert (np.asarray(mask.dataobj) == analysis.labels).all()
    assert mask.affine == pytest.approx(volume.affine)
    probability = read(files[PROBABILITY])
    assert probability.get_fdata() == pytest.approx(analysis.probability, abs=1 / 65_535)
    assert probability.affine == pytest.approx(volume.affine)


def read(data: bytes) -> nibabel.nifti1.Nifti1Image:
    return nibabel.nifti1.Nifti1Image.from_bytes(gzip.decompress(data))


def test_equal_analyses_give_equal_bytes(files: dict[str, bytes]) -> None:
    again, package, volume = made()
    assert files_of(again, package.manifest, volume) == files


def test_the_measurements_say_model_volume_classes_and_units(files: dict[str, bytes]) -> None:
    analysis, package, _ = made()
    told = json.loads(files[MEASUREMENTS])
    assert told == measurements_of(analysis, package.manifest)
    assert told["model"]["package"] == package.digest
    assert told["volume"]["shape"] == [32, 32, 32]
    assert told["volume"]["modality"] == "MR"
    assert [one["label"] for one in told["classes"]] == ["grey", "bright"]
    (first, *_) = told["classes"][1]["measurements"]
    assert (first["quantity"], first["unit"]) == ("volume", "mL")
    assert first["value"] == pytest.approx(analysis.values["bright"], abs=1e-3)
    assert told["refined"] == ["largest_region"]


def test_what_was_not_recorded_says_so_in_both(files: dict[str, bytes]) -> None:
    analysis, package, volume = made()
    unrecorded = files_of(analysis, package.manifest, volume, Style(recorded=False))
    told = json.loads(unrecorded[MEASUREMENTS])
    assert told["notice"] == "UNRECORDED, not for clinical use"
    assert not told["recorded"]
    assert files[PICTURE] != unrecorded[PICTURE]
    assert "notice" not in json.loads(files[MEASUREMENTS])


def test_a_number_has_measurements_alone() -> None:
    analysis, package, volume = made(A_NUMBER)
    files = files_of(analysis, package.manifest, volume)
    assert list(files) == [MEASUREMENTS]
    answer = json.loads(files[MEASUREMENTS])["answer"]
    assert answer == {"name": "brightness", "value": analysis.values["brightness"], "unit": "1"}


def test_no_time_stands_in_a_file() -> None:
    analysis, package, _ = made()
    assert "seconds" not in json.dumps(measurements_of(analysis, package.manifest))
