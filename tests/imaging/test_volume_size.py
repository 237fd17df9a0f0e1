"""How large a volume will be, before a voxel of it is read."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from bedside.imaging.files import files_of
from bedside.imaging.volume import VolumeLimits
from bedside.imaging.volume_reading import read_volume
from bedside.imaging.volume_size import most_voxels
from tests.imaging.made_volumes import UP, enhanced, files, nifti, packed, slices, zipped

LIMITS = VolumeLimits(voxels=1_200)
SERIES = files(slices(5))
STUDY = {
    "nifti": [nifti()],
    "gzip": [packed(nifti())],
    "NIfTI-2": [nifti(version=2)],
    "zip": [zipped({"a/head.nii": nifti(), "a/notes.txt": b"words"})],
    "slices": SERIES,
    "a zip of slices": [zipped({f"{n}.dcm": one for n, one in enumerate(SERIES)})],
    "enhanced": files([enhanced(UP)]),
}


@pytest.mark.parametrize("kind", STUDY)
def test_is_told_by_the_headers(kind: str) -> None:
    given = files_of([(f"{n:03}", data) for n, data in enumerate(STUDY[kind])])
    assert most_voxels(given, LIMITS) == read_volume(given).values.size


def test_is_told_though_the_voxels_are_missing() -> None:
    whole = nifti(np.zeros((10, 10, 10), np.int16))
    assert most_voxels(files_of([("cut.nii", whole[:400])]), LIMITS) == 1_000


@pytest.mark.parametrize(
    "data",
    [[b"words"], [nifti(np.zeros((11, 11, 10), np.int16))], [SERIES[0][:200]]],
    ids=["no volume", "too many voxels", "a damaged header"],
)
def test_is_the_limit_where_no_header_tells(data: list[bytes]) -> None:
    given = files_of([(str(n), one) for n, one in enumerate(data)])
    assert most_voxels(given, LIMITS) == LIMITS.voxels


def test_of_dicom_files_is_never_above_the_limit() -> None:
    many = files(slices(40, side=(8, 8)), ExplicitVRLittleEndian)
    assert (
        most_voxels(files_of([(str(n), one) for n, one in enumerate(many)]), LIMITS)
        == LIMITS.voxels
    )
