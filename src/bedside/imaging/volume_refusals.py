"""The refusals of volumes, each with the next step; codes are `errors.VolumeRefused`'s.

No message holds a file's name or a text from a header: either may name a person.
"""

from __future__ import annotations

from bedside.errors import PictureRefused, VolumeRefused
from bedside.imaging.volume import VolumeLimits


def corrupt(what: str) -> VolumeRefused:
    """Return the refusal of bytes that contradict their own format."""
    return VolumeRefused(
        "corrupt", f"The volume is damaged: {what}.", advice="Export or send the volume again."
    )


def unsupported(what: str, advice: str) -> VolumeRefused:
    """Return the refusal of sound files of a kind that is not read here."""
    return VolumeRefused("unsupported", f"{what}.", advice=advice)


def too_large(what: str, allowed: str) -> VolumeRefused:
    """Return the refusal of what is above a limit; no memory was taken for it."""
    return VolumeRefused(
        "too-large", f"The volume has {what}; at most {allowed}.", advice="Send a smaller volume."
    )


def not_a_volume(what: str, advice: str) -> VolumeRefused:
    """Return the refusal of sound files that are something else."""
    return VolumeRefused("not-a-volume", f"{what}, and no volume.", advice=advice)


def four_dimensional(what: str) -> VolumeRefused:
    """Return the refusal of several volumes in one."""
    return VolumeRefused(
        "four-dimensional", f"{what}.", advice="Send one of its volumes, or one echo or time."
    )


def in_file(refused: PictureRefused, place: str) -> VolumeRefused:
    """Return what a reader of single objects refused, with the place of the file in its set."""
    code = {"not-a-picture": "not-a-volume", "several-frames": "unsupported"}.get(refused.code)
    return VolumeRefused(
        code or refused.code, f"In {place}: {refused.message}", advice=refused.advice
    )


def check_shape(shape: tuple[int, int, int], limits: VolumeLimits) -> None:
    """Check what headers promise, before anything is allocated.

    Args:
        shape: Number of voxels along i, j, k.
        limits: How many there may be.

    Raises:
        VolumeRefused: no voxel along an axis (`corrupt`), or too many (`too-large`).
    """
    told = " × ".join(str(side) for side in shape)
    if min(shape) < 1:
        raise corrupt(f"it has {told} voxels")
    if max(shape) > limits.side:
        raise too_large(f"{told} voxels", f"{limits.side} along one axis")
    if shape[0] * shape[1] * shape[2] > limits.voxels:
        raise too_large(f"{told} voxels", f"{limits.voxels} in all")
