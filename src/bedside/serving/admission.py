"""What an analysis is admitted with: so many voxels, and so much memory of this machine."""

from __future__ import annotations

from bedside.errors import UsageError
from bedside.package.manifest import Manifest
from bedside.package.volumes import VolumeInput
from bedside.serving.analysis_words import Sent
from bedside.serving.released import Loaded


def voxels_admitted(manifest: Manifest, sent: Sent | None) -> int:
    """Return the most voxels that a volume may have: as its headers promise, within the domain.

    Args:
        manifest: Of the package.
        sent: What came; None before that, for the smallest volume.

    Raises:
        UsageError: the package analyses no volumes.
    """
    declared = manifest.input
    if not isinstance(declared, VolumeInput):
        raise UsageError(
            f"{manifest.name} analyses no volumes.",
            advice=f"Ask /v1/models/{manifest.name}/predict.",
        )
    if sent is None:
        return int(declared.sides.minimum**3)
    return declared.most_voxels if sent.voxels is None else min(sent.voxels, declared.most_voxels)


def memory_declared(loaded: Loaded, sent: Sent | None) -> int:
    """Return the bytes that an analysis may take of this machine; its process holds the files, too.

    Raises:
        UsageError: the package analyses no volumes.
    """
    voxels = voxels_admitted(loaded.manifest, sent)
    from bedside.runtime.volume_memory import bytes_for  # noqa: PLC0415 - of volumes alone

    size = 0 if sent is None else sent.size
    return bytes_for(loaded.manifest, voxels) + size
