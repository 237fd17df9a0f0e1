"""Bundles that MONAI itself writes: a network with fixed weights, its configuration, its program."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from bedside.canonical import Json
from bedside.freezing.monai.network import construct
from bedside.freezing.monai.networks import NetworkDefinition
from bedside.freezing.pytorch.quiet import quiet
from tests.freezing.monai.bundles import METADATA, inference

needs_monai = pytest.mark.skipif(
    find_spec("monai") is None, reason="MONAI is not installed: pip install 'bedside[monai]'"
)
"""Looked for, not imported: that takes seconds in every process that only collects."""

SEED = 3


def definition(configuration: dict[str, Json]) -> NetworkDefinition:
    """Return the network that a configuration defines."""
    told = dict(configuration["network_def"])
    return NetworkDefinition(told.pop("_target_"), told)


def made(
    folder: Path, configuration: Json = None, told: Json = None, *, program: bool = False
) -> Path:
    """Let MONAI write a bundle with weights that nobody trained; `program` as TorchScript."""
    configuration = configuration or inference()
    with quiet():
        from monai.bundle.scripts import init_bundle  # noqa: PLC0415 - seconds

        torch.manual_seed(SEED)
        network = construct(definition(configuration)).eval()
        init_bundle(
            folder,
            network=None if program else network,
            metadata_str=told or METADATA,
            inference_str=configuration,
        )
        if program:
            torch.jit.script(network).save(str(folder / "models" / "model.ts"))  # type: ignore[no-untyped-call]
    return folder
