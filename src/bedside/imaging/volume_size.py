"""How many voxels the volume in some files has at most, as their headers promise."""

from __future__ import annotations

from bedside.errors import VolumeRefused
from bedside.imaging.files import FileSet
from bedside.imaging.foreseeing import START_BYTES, voxels_among
from bedside.imaging.volume import VolumeLimits


def most_voxels(files: FileSet, limits: VolumeLimits) -> int:
    """Return how many voxels the volume in `files` has at most; the limit where no header tells.

    All slices count, as if they were of one series.

    Args:
        files: From `files_at` or `files_of`.
        limits: How large a volume may be.
    """
    voxels = 0
    for file in files.files:
        try:
            start = file.start(START_BYTES)
        except VolumeRefused:  # the reader will say why
            return limits.voxels
        promised = voxels_among(start)
        if promised is None:
            return limits.voxels
        voxels += promised
    return min(voxels, limits.voxels) or limits.voxels
