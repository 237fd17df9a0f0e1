"""How much memory one analysis may take: what a job declares before it begins.

An upper estimate from the manifest and the number of voxels, not a measurement; tests hold it
against what analyses take.
"""

from __future__ import annotations

import math
from typing import Final

from bedside.errors import UsageError
from bedside.package.antspynet import AntspynetModel
from bedside.package.manifest import Manifest
from bedside.package.preprocessing import volume_operations
from bedside.package.segmentation import SegmentationOutput
from bedside.package.volume_growth import MOST_SCORES, growth
from bedside.package.volume_models import SlidingInference, VolumeModel
from bedside.package.volumes import VolumeInput
from bedside.runtime.memory import MAX_MEMORY

PROCESS: Final = 320 * 2**20
"""A Python process with NumPy, SciPy and ONNX Runtime (120 MiB), and what does not grow with the
volume: slabs that the gate counts, slices that are drawn."""

LIBRARY: Final = 6 * 2**30
"""TensorFlow with a network of ANTsPyNet and its images."""

_FLOAT: Final = 4

_HELD: Final = _FLOAT
"""Bytes a voxel of the volume itself, from its reading to its measurements."""

_PREPARE: Final = 4 * _FLOAT
"""Bytes a voxel, while an operation works: before, after, and what it keeps."""

_RESTORE: Final = 5 * _FLOAT
"""Bytes a voxel of the own grid: two probabilities, two that resampling works on, labels, masks."""

_SPARE: Final = 1.1


def bytes_for(manifest: Manifest, voxels: int) -> int:
    """Return how many bytes one analysis of a volume of `voxels` voxels takes, at most.

    Args:
        manifest: Of a volume package.
        voxels: Of the volume as it was read.

    Raises:
        UsageError: the package takes no volumes.
    """
    declared, model, output = manifest.input, manifest.model, manifest.postprocessing
    if not isinstance(declared, VolumeInput):
        raise UsageError(f"{manifest.ref} takes no volumes.")
    channels = output.channels if isinstance(output, SegmentationOutput) else 1
    held, restore = PROCESS + _HELD * voxels, _RESTORE * voxels
    if isinstance(model, AntspynetModel):
        own = LIBRARY if model.memory is None else model.memory
        return held + restore + own + _FLOAT * channels * voxels
    if not isinstance(model, VolumeModel):
        raise UsageError(f"{manifest.ref} takes no volumes.")
    patch = model.inference.patch if isinstance(model.inference, SlidingInference) else None
    grown = growth(volume_operations(manifest.preprocessing), declared, voxels, patch)
    padded = min(grown.padded, MOST_SCORES // channels)  # more is refused before it is padded
    scores = _FLOAT * channels * padded
    own = MAX_MEMORY if model.memory is None else model.memory
    infer = 2 * _FLOAT * grown.last + scores + own
    if patch is not None:
        infer += _FLOAT * (2 * padded + 2 * (channels + 1) * math.prod(patch))
    most = max(_PREPARE * grown.widest, infer, scores + restore)
    return held + int(_SPARE * most)
