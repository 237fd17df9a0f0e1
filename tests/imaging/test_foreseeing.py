"""How many voxels a file promises is told by its first bytes, or by none of them."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from bedside.imaging.files import files_of
from bedside.imaging.foreseeing import START_BYTES, voxels_promised
from bedside.imaging.volume_reading import read_volume
from tests.imaging.made_volumes import UP, enhanced, files, nifti, packed, slices, zipped

LARGE = nifti(np.arange(48**3, dtype=np.int16).reshape(48, 48, 48))
SERIES = slices(5)
STUDY = {
    "nifti": [LARGE],
    "gzip": [packed(LARGE)],
    "NIfTI-2": [nifti(version=2)],
    "slices": files(SERIES, ExplicitVRLittleEndian),
    "implicit": files(SERIES, ImplicitVRLittleEndian),
    "enhanced": files([enhanced(UP)]),
}


@pytest.mark.parametrize("kind", STUDY)
def test_is_what_the_volume_then_has(kind: str) -> None:
    told = [voxels_promised(one[:START_BYTES]) for one in STUDY[kind]]
    given = files_of([(f"{n:03}", data) for n, data in enumerate(STUDY[kind])])
    assert None not in told
    assert sum(one or 0 for one in told) == read_volume(given).values.size


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"words",
        b"\x1f\x8b" + bytes(100),
        zipped({"head.nii": nifti()}),
        files(SERIES)[0][:300],
        *files(SERIES[:1], DeflatedExplicitVRLittleEndian),
        nifti(np.zeros((4, 4, 4, 3), np.int16)),
    ],
    ids=["nothing", "words", "no gzip", "a zip", "a cut header", "deflated", "four dimensions"],
)
def test_is_nothing_where_they_do_not_tell(data: bytes) -> None:
    assert voxels_promised(data[:START_BYTES]) is None
