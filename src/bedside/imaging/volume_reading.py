"""The door for volumes: files to one volume. What they are is told from their bytes alone.

A NIfTI file, the DICOM slices of a series, or one enhanced DICOM object; each alone, in a folder,
in a zip or as an upload. What cannot be read exactly is refused by name, before memory is taken;
nothing that these bytes can do ends in another error than `VolumeRefused`.
"""

from __future__ import annotations

from typing import Final

from bedside.errors import VolumeRefused
from bedside.imaging import jpeg, png
from bedside.imaging.choice import ONLY, Choice
from bedside.imaging.dicom.part10 import is_dicom
from bedside.imaging.dicom.series import Series
from bedside.imaging.dicom.volumes import find_series, read_dicom_volume
from bedside.imaging.files import FileSet, GivenFile
from bedside.imaging.nifti.gzip_stream import GZIP
from bedside.imaging.nifti.reading import beginning, looks_like_nifti, read_nifti
from bedside.imaging.volume import Volume, VolumeLimits
from bedside.imaging.volume_refusals import not_a_volume, too_large

_USUAL: Final = VolumeLimits()
_ADVICE: Final = "Send a NIfTI file (.nii, .nii.gz), or all DICOM files of a series."
_OTHERS: Final = (
    (png.SIGNATURE, "a PNG picture"),
    (jpeg.START + b"\xff", "a JPEG picture"),
    (b"PK\x03\x04", "a zip inside another"),
    (b"NRRD", "an NRRD file"),
    (b"%PDF", "a PDF document"),
    (b"\x00\x00\x00\x01", "an MGH file, perhaps"),
)


def read_volume(files: FileSet, limits: VolumeLimits = _USUAL, choice: Choice = ONLY) -> Volume:
    """Return the one volume in `files`, or the one of several that `choice` means.

    Args:
        files: From `files_at` or `files_of`.
        limits: How large it may be.
        choice: Which series, where there are several, and whether a sheared volume is read.

    Raises:
        VolumeRefused: `code` says why; `errors.VolumeRefused` lists the codes.
    """
    try:
        return _read(files, limits, choice)
    except MemoryError as problem:
        raise too_large("more than memory can hold here", "what this machine can hold") from problem


def list_series(files: FileSet, limits: VolumeLimits = _USUAL) -> tuple[Series, ...]:
    """Return the DICOM series in `files`, as `choice` can name them; none where there are none.

    Raises:
        VolumeRefused: a DICOM file among them is damaged or too large.
    """
    return find_series(files, limits)[0]


def _read(files: FileSet, limits: VolumeLimits, choice: Choice) -> Volume:
    nifti, dicom = list[GivenFile](), 0
    if len(files.files) == 1 and files.files[0].start(2) == GZIP:
        return read_nifti(files.files[0], limits, sheared=choice.sheared)
    for file in files.files:
        start = beginning(file)
        dicom += is_dicom(start)
        if looks_like_nifti(start):
            nifti.append(file)
    if dicom + len(nifti) == 0:
        raise not_a_volume(_what(files), _ADVICE)
    if not nifti:
        return read_dicom_volume(files, limits, choice)
    if dicom or len(nifti) > 1:
        raise VolumeRefused(
            "several-series",
            f"There are {len(nifti)} NIfTI files and {dicom} DICOM files.",
            advice="Send one volume.",
        )
    return read_nifti(nifti[0], limits, sheared=choice.sheared)


def _what(files: FileSet) -> str:
    """Return what the files are, as far as that can be told."""
    if len(files.files) > 1:
        return f"None of the {len(files.files)} files is a NIfTI or DICOM file"
    start = beginning(files.files[0])
    for prefix, name in _OTHERS:
        if start.startswith(prefix):
            return f"This is {name}"
    return f"These {files.files[0].size} bytes are no NIfTI and no DICOM file"
