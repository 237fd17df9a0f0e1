"""How many voxels files will have when they are read, as their headers promise."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from bedside.errors import PictureRefused, VolumeRefused
from bedside.imaging.dicom.enhanced import frame_count
from bedside.imaging.dicom.part10 import is_dicom, open_file
from bedside.imaging.dicom.planes import origin_of
from bedside.imaging.files import FileSet, GivenFile
from bedside.imaging.nifti.gzip_stream import Stream
from bedside.imaging.nifti.header import LONGEST, header_of
from bedside.imaging.nifti.reading import looks_like_nifti
from bedside.imaging.picture import PictureLimits
from bedside.imaging.volume import VolumeLimits

_START: Final = 2_048


def most_voxels(files: FileSet, limits: VolumeLimits) -> int:
    """Return how many voxels the volume in `files` has at most; the limit where no header tells.

    A NIfTI header tells it; of DICOM files the largest one does, as if all were like it and of one
    series. No voxel is read.

    Args:
        files: From `files_at` or `files_of`.
        limits: How large a volume may be.
    """
    try:
        starts = [(file, file.start(_START)) for file in files.files]
        slices = [file for file, start in starts if is_dicom(start)]
        others = [file for file, start in starts if looks_like_nifti(start)]
        if len(others) == 1 and not slices:
            return _of_nifti(others[0], limits)
        if slices and not others:
            return min(_of_slices(slices, limits), limits.voxels)
    except (VolumeRefused, PictureRefused):  # the reader will say why, before it takes memory
        pass
    return limits.voxels


def _of_nifti(file: GivenFile, limits: VolumeLimits) -> int:
    with file.opened() as source:
        return header_of(Stream(source, hashlib.sha256()).read(LONGEST), limits).voxels


def _of_slices(files: Sequence[GivenFile], limits: VolumeLimits) -> int:
    largest = max(files, key=lambda file: file.size)
    if largest.size > limits.file_bytes:
        return limits.voxels
    header, _ = open_file(largest.read(), PictureLimits(file_bytes=limits.inflated_bytes))
    origin = origin_of(header)
    return origin.rows * origin.columns * frame_count(header) * len(files)
