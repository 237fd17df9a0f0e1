"""A package run on the cases of a data set, the whole way as when it serves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bedside.canonical import digest
from bedside.errors import BedsideError, InputRefused, LimitExceeded, UsageError, VolumeRefused
from bedside.imaging.choice import Choice
from bedside.imaging.files import files_at
from bedside.imaging.grid import Grid, Placed
from bedside.imaging.measuring.masks import Mask
from bedside.imaging.resampling import resampled
from bedside.imaging.volume import Volume
from bedside.imaging.volume_reading import read_volume
from bedside.package.manifest import Manifest
from bedside.package.package import Package
from bedside.package.segmentation import SegmentationOutput
from bedside.package.volumes import VolumeInput
from bedside.runtime.analysis import Analysis, Stated
from bedside.runtime.engines.engine import ONNX_ONLY, Engines
from bedside.runtime.runner import Runner, load
from bedside.runtime.volume_gate import straightens, volume_limits

REFUSALS: Final = (InputRefused, VolumeRefused, LimitExceeded)
"""What says that a case was not analysed, and is told in its row."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a package found in one volume.

    Attributes:
        volume: As it was read.
        mask: Where the chosen classes are, on the volume's grid.
        analysis: All that it said.
        seconds: From the file on the disk to the mask, by the clock.
    """

    volume: Volume
    mask: Mask
    analysis: Analysis
    seconds: float


class Segmenter:
    """A package of volumes at work, of which some classes are looked at as one mask."""

    def __init__(
        self, package: Package, labels: Sequence[str] = (), engines: Engines = ONNX_ONLY
    ) -> None:
        """Load the package; its golden cases are replayed.

        Args:
            package: Opened.
            labels: The classes that make the mask; none takes all but the background.
            engines: What this machine has beside ONNX Runtime.

        Raises:
            UsageError: it labels no volumes, or has no such class.
            PackageRefused: it does not load here.
        """
        output, declared = package.manifest.postprocessing, package.manifest.input
        if not isinstance(output, SegmentationOutput) or not isinstance(declared, VolumeInput):
            raise UsageError(
                f"{package.manifest.ref} gives no mask of a volume.",
                advice="Evaluate a classifier with --label.",
            )
        known = {one.label: one.value for one in output.classes[1:]}
        if strangers := sorted(set(labels) - set(known)):
            raise UsageError(
                f"{package.manifest.ref} has no class {strangers[0]!r}.",
                advice=f"It has {', '.join(known)}.",
            )
        self.labels = tuple(labels) or tuple(known)
        self._values = [known[one] for one in self.labels]
        self.package = package
        self._limits = volume_limits(declared)
        self._choice = Choice(sheared=straightens(package.manifest))
        self._runner: Runner = load(package, engines)

    @property
    def manifest(self) -> Manifest:
        """The package's."""
        return self.package.manifest

    def read(self, path: Path) -> Volume:
        """Return the volume in a file or folder.

        Raises:
            VolumeRefused: it cannot be read.
        """
        return read_volume(files_at(path, self._limits), self._limits, self._choice)

    def analyse(self, path: Path, stated: Stated) -> Found:
        """Return what the package finds in a file or folder.

        Raises:
            VolumeRefused: it cannot be read.
            InputRefused: the gate refuses it.
            PackageRefused: the model gives nothing that could be shown.
        """
        began = time.monotonic()
        volume = self.read(path)
        analysis = self._runner.analyse(volume, stated)
        assert analysis.labels is not None  # noqa: S101 - a segmentation has them
        mask = np.isin(analysis.labels, self._values)
        return Found(volume, mask, analysis, time.monotonic() - began)

    def close(self) -> None:
        """End what runs beside this process."""
        self._runner.close()


def reference_mask(path: Path, onto: Volume, values: Sequence[int] = ()) -> tuple[Mask, bool]:
    """Return a reference on the grid of its volume, and whether it had to be brought there.

    Args:
        path: A label map or mask, NIfTI or DICOM.
        onto: The volume that it is of.
        values: The labels that are inside; none takes every value above 0.

    Raises:
        VolumeRefused: it cannot be read.
    """
    found = read_volume(files_at(path))
    grid = Grid(onto.shape, onto.affine)
    placed, moved = Placed.of(found), not Grid(found.shape, found.affine).fits(grid)
    inside = np.isin(np.rint(placed.values), list(values)) if values else placed.values > 0
    if not moved:
        return inside, False
    there = resampled(placed.with_values(inside.astype(np.float32)), grid, "nearest")
    return there.values > 0.5, True


def why(problem: BedsideError) -> str:
    """Return why a case was refused, in one line."""
    if isinstance(problem, InputRefused):
        return "; ".join(
            f"{one.field}: {one.value}; it takes {one.allowed}" for one in problem.refusals
        )
    if isinstance(problem, VolumeRefused):
        return f"{problem.code}: {problem.message}"
    return problem.message


def digest_of(mask: Mask) -> str:
    """Return the digest of a mask's shape and voxels, in C order."""
    return digest(str(mask.shape).encode() + np.packbits(mask.ravel()).tobytes())
