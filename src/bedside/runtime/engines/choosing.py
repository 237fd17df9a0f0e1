"""Which engine computes the scores of a package: the one that its manifest names."""

from __future__ import annotations

from bedside.errors import PackageDamaged
from bedside.package.antspynet import AntspynetModel
from bedside.package.package import Package
from bedside.package.segmentation import SegmentationOutput
from bedside.package.volume_models import VolumeModel
from bedside.runtime.engines.antspynet.engine import AntspynetEngine
from bedside.runtime.engines.engine import Engine, Engines
from bedside.runtime.engines.onnx import OnnxEngine


def engine_of(package: Package, engines: Engines) -> Engine:
    """Return the engine of a volume package.

    Args:
        package: What was opened and found whole.
        engines: What this machine has beside ONNX Runtime.

    Raises:
        PackageDamaged: the network is not what the manifest declares, or does not load.
        PackageRefused: what it needs is not on this machine; says what, and where it comes from.
    """
    manifest = package.manifest
    output = manifest.postprocessing
    channels = output.channels if isinstance(output, SegmentationOutput) else None
    match manifest.model:
        case VolumeModel() as model:
            return OnnxEngine(package.network, model, manifest.conditions, channels)
        case AntspynetModel() as model:
            return AntspynetEngine(model, engines, threads=manifest.conditions.threads)
        case _:
            raise PackageDamaged(f"{manifest.ref} has no network for volumes.")
