"""A volume package, compiled. Imported only where there is one: it brings SciPy with it."""

from __future__ import annotations

from bedside.errors import UsageError
from bedside.package.outputs import NumberOutput
from bedside.package.package import Package
from bedside.package.preprocessing import volume_operations
from bedside.package.segmentation import SegmentationOutput
from bedside.package.volumes import VolumeInput
from bedside.runtime.engines.choosing import engine_of
from bedside.runtime.engines.engine import Engines
from bedside.runtime.volume_path import VolumePath


def volume_path(package: Package, engines: Engines) -> VolumePath:
    """Return what analyses volumes by `package`.

    Raises:
        PackageRefused: the engine does not load, or is not on this machine.
        UsageError: the package takes no volumes.
    """
    manifest = package.manifest
    declared, output = manifest.input, manifest.postprocessing
    if not isinstance(declared, VolumeInput) or not isinstance(
        output, SegmentationOutput | NumberOutput
    ):
        raise UsageError(f"{manifest.ref} takes no volumes.")
    operations = volume_operations(manifest.preprocessing)
    return VolumePath(declared, operations, engine_of(package, engines), output)
