"""Volumes made for a test: NIfTI by nibabel, DICOM series and enhanced objects by pydicom."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

from bedside.errors import VolumeRefused
from bedside.imaging.choice import ONLY, Choice
from bedside.imaging.files import files_of
from bedside.imaging.volume import Volume, VolumeLimits
from bedside.imaging.volume_reading import read_volume
from tests.imaging.made import dataset, written

CT, MR, ENHANCED_MR = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "4", "4.1"))
STUDY, SERIES, FRAME = "1.2.826.0.1.1", "1.2.826.0.1.1.777001", "1.2.826.0.1.1.9"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)

RANDOM = np.random.default_rng(5)
STORED: NDArray[np.int16] = RANDOM.integers(-1000, 3000, (4, 5, 6)).astype(np.int16)
"""Along i, j, k."""

OBLIQUE = np.array(
    [[-0.9, 0.1, 0.4, 30.0], [0.2, 1.1, 0.3, -40.0], [0.05, -0.2, 2.4, 12.5], [0, 0, 0, 1.0]]
)
"""No right angles."""

RIGHT = np.array([[0, -1.5, 0, 30.0], [0, 0, 2.0, -40.0], [-0.5, 0, 0, 12.5], [0, 0, 0, 1.0]])
"""Right angles, and three different spacings: 0.5, 1.5, 2.0."""

UP = tuple((-10.0, -20.0, 30.0 + 2 * place) for place in range(4))
"""LPS positions of four frames, one above the other."""


def nifti(
    values: NDArray[Any] = STORED, affine: NDArray[np.float64] = RIGHT, version: int = 1
) -> bytes:
    """A .nii file by nibabel; sform and qform both say `affine` (the qform only its rotation)."""
    kind: Any = nibabel.Nifti1Image if version == 1 else nibabel.Nifti2Image
    image = kind(values, affine, dtype=values.dtype)
    image.set_qform(affine, 1, strip_shears=True)
    image.set_sform(affine, 1)
    image.header.set_xyzt_units("mm")
    data: bytes = image.to_bytes()
    return data


def theirs(data: bytes | Path) -> Any:
    """The image as nibabel reads it."""
    if isinstance(data, Path):
        return nibabel.load(data)
    return nibabel.Nifti1Image.from_bytes(data)


def patched(data: bytes, place: int, form: str, *values: float) -> bytes:
    """The file with some numbers of its header replaced."""
    out = bytearray(data)
    struct.pack_into(form, out, place, *values)
    return bytes(out)


def read(*files: bytes, choice: Choice = ONLY, limits: VolumeLimits | None = None) -> Volume:
    """The volume in these files."""
    named = [(f"{place:05}", data) for place, data in enumerate(files)]
    limits = limits or VolumeLimits()
    return read_volume(files_of(named, limits), limits, choice)


def refused(
    *files: bytes, choice: Choice = ONLY, limits: VolumeLimits | None = None
) -> VolumeRefused:
    """Why these files are refused."""
    with pytest.raises(VolumeRefused) as problem:
        read(*files, choice=choice, limits=limits)
    assert problem.value.message
    assert problem.value.advice
    return problem.value


def note(volume: Volume, code: str) -> str:
    """The words of a note; empty where there is none."""
    return dict(volume.facts.notes).get(code, "")


def packed(data: bytes) -> bytes:
    """The same with gzip."""
    return gzip.compress(data, 6, mtime=0)


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip by Python, the same at any time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in files.items():
            file.writestr(zipfile.ZipInfo(name, (2026, 11, 21, 8, 0, 0)), data, method)
    return out.getvalue()


def slices(
    count: int = 5,
    *,
    step: Sequence[float] = (0.0, 0.0, 2.5),
    first: Sequence[float] = (-10.0, -20.0, 30.0),
    side: tuple[int, int] = (3, 4),
    orientation: Sequence[float] = AXIAL,
    **changes: object,
) -> list[Dataset]:
    """A series of CT slices: plane k has 100 k, 100 k + 1, … in the order of its pixels.

    Args:
        count: How many.
        step: LPS millimetres from one to the next.
        first: Where the first pixel of the first one is.
        side: Rows and columns.
        orientation: Image Orientation (Patient).
        changes: Attributes of all of them; None takes one away.
    """
    found = []
    for place in range(count):
        pixels = (np.arange(side[0] * side[1], dtype=np.uint16) + 100 * place).reshape(side)
        one = dataset(pixels)
        one.SOPClassUID, one.Modality = CT, "CT"
        one.SOPInstanceUID = f"1.2.3.{place + 1}"
        one.BodyPartExamined = "HEAD"
        one.StudyInstanceUID, one.SeriesInstanceUID = STUDY, SERIES
        one.FrameOfReferenceUID = FRAME
        one.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        one.InstanceNumber = place + 1
        one.SliceThickness = "9"
        one.PixelSpacing = [0.7, 0.5]
        one.ImageOrientationPatient = list(orientation)
        where = np.array(first) + place * np.array(step)
        one.ImagePositionPatient = [f"{part:.10g}" for part in where]
        for name, value in changes.items():
            if value is None:
                delattr(one, name)
            else:
                setattr(one, name, value)
        found.append(one)
    return found


def files(series: Sequence[Dataset], syntax: str = ExplicitVRLittleEndian) -> list[bytes]:
    """Each slice as a file."""
    return [written(one, syntax) for one in series]


def item(**values: object) -> Dataset:
    """An item of a sequence; a value that is an item becomes a sequence of it."""
    one = Dataset()
    for name, value in values.items():
        setattr(one, name, Items([value]) if isinstance(value, Dataset) else value)
    return one


def with_groups(
    one: Dataset,
    positions: Sequence[Sequence[float]],
    *,
    shared: dict[str, Dataset] | None = None,
    own: Sequence[dict[str, Dataset]] | None = None,
) -> Dataset:
    """An object with functional groups: geometry, and what else is given."""
    common = {
        "PlaneOrientationSequence": item(ImageOrientationPatient=list(AXIAL)),
        "PixelMeasuresSequence": item(PixelSpacing=[0.7, 0.5], SliceThickness="9"),
        **(shared or {}),
    }
    one.SharedFunctionalGroupsSequence = Items([item(**common)])
    groups = [
        item(PlanePositionSequence=item(ImagePositionPatient=list(position)), **more)
        for position, more in zip(positions, own or [{}] * len(positions), strict=True)
    ]
    one.PerFrameFunctionalGroupsSequence = Items(groups)
    one.NumberOfFrames = len(positions)
    return one


def enhanced(
    positions: Sequence[Sequence[float]],
    *,
    shared: dict[str, Dataset] | None = None,
    own: Sequence[dict[str, Dataset]] | None = None,
    **changes: object,
) -> Dataset:
    """An enhanced MR object: frame n has 100 n, 100 n + 1, … in the order of its pixels."""
    one = slices(1, ImagePositionPatient=None, ImageOrientationPatient=None, PixelSpacing=None)[0]
    one.SOPClassUID, one.Modality = ENHANCED_MR, "MR"
    frames = [np.arange(12, dtype=np.uint16) + 100 * place for place in range(len(positions))]
    one.PixelData = np.concatenate(frames).tobytes()
    for name, value in changes.items():
        setattr(one, name, value)
    return with_groups(one, positions, shared=shared, own=own)
