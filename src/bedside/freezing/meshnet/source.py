"""A MeshNet as a source of a volume package."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from bedside.canonical import Json
from bedside.errors import FreezeRefused
from bedside.freezing.assembly import RUNTIME
from bedside.freezing.comparison import Comparison
from bedside.freezing.libraries import RUNNING, versions
from bedside.freezing.meshnet.comparing import compare_layers
from bedside.freezing.meshnet.graph import INPUT, OUTPUT, onnx_of
from bedside.freezing.meshnet.network import MeshNet
from bedside.freezing.meshnet.reading import read_meshnet
from bedside.freezing.meshnet.refusing import refused
from bedside.freezing.volumes.draft import VolumeFacts
from bedside.freezing.volumes.source import FrozenAnalyses, VolumeNetwork
from bedside.freezing.volumes.spec import VolumeSpec
from bedside.imaging.volume import Volume
from bedside.package.manifest import Conditions
from bedside.package.segmentation import SegmentationOutput
from bedside.package.volume_models import WholeInference
from bedside.package.volume_operations import (
    Conform,
    EightBit,
    MinimumMaximum,
    Shape,
    VolumeOperation,
    volume_shape,
)
from bedside.runtime.memory import MAX_MEMORY
from bedside.runtime.session import this_processor

OPERATIONS: Final[tuple[VolumeOperation, ...]] = (Conform(), EightBit(), MinimumMaximum())
"""What brainchop does before its networks: conformed, 256 grey levels, 0 to 1."""

SPARE: Final = 96 * 2**20
"""Bytes beside the tensors: what a convolution unfolds at a time, and small sums."""

_FLOAT: Final = 4


class MeshNetSource:
    """A folder's network, ready to be frozen.

    Attributes:
        net: The network.
        algorithm: Its kind and size.
        parameters: What the lineage keeps of its folder.
        libraries: Versions of the libraries that decide its answers.
        notes: What its author must be told.
    """

    def __init__(self, net: MeshNet, name: str) -> None:
        self.net = net
        self.algorithm = f"MeshNet, {len(net.layers)} convolutions, {net.parameters} weights"
        self.parameters: Mapping[str, Json] = {
            "folder": name,
            "digest": net.digest,
            "made_by": net.made_by,
            "receptive_field": net.field,
            "dilations": [max(one.dilation) for one in net.layers],
        }
        self.libraries = versions((*RUNNING, "scipy"), "lab")
        self.notes: tuple[str, ...] = ()

    def network(self, spec: VolumeSpec) -> VolumeNetwork:
        """Return the network and what is declared before it.

        Raises:
            FreezeRefused: the spec's classes, operations or inference do not fit the network, or it
                takes more memory than a process has for networks.
        """
        operations = spec.preprocessing or OPERATIONS
        self._check(spec, operations)
        if (memory := memory_of(self.net)) > MAX_MEMORY:
            raise refused(
                f"one run takes {memory / 2**30:.1f} GiB, more than the {MAX_MEMORY // 2**30} GiB of a "
                "process",
                "Give a model of fewer channels, or for a smaller cube.",
            )
        return VolumeNetwork(
            operations=operations,
            inference=WholeInference(shape=self.net.shape),
            onnx=onnx_of(self.net, self.net.shape),
            input=INPUT,
            output=OUTPUT,
            memory=memory,
        )

    def compare(
        self, frozen: FrozenAnalyses, drawn: Sequence[Volume], spec: VolumeSpec
    ) -> Comparison:
        """Return how near every layer comes to the NumPy reading of the same weights.

        Raises:
            FreezeRefused: a layer differs by more than the tolerance; names it.
        """
        del frozen, drawn  # whole heads would take minutes and show no more than the layers do
        conditions = Conditions(
            runtime=RUNTIME,
            verified_with=self.libraries,
            graph_optimisation="basic",
            threads=spec.threads,
            processor=this_processor(),
        )
        return compare_layers(self.net, conditions, spec.comparison)

    def _check(self, spec: VolumeSpec, operations: tuple[VolumeOperation, ...]) -> None:
        output, sides = spec.output, self.net.shape
        if not isinstance(output, SegmentationOutput):
            raise _misfit(f"the output is of kind {output.kind}; a MeshNet labels voxels")
        if len(output.classes) != self.net.classes or output.channels != self.net.classes:
            raise _misfit(
                f"the output has {len(output.classes)} classes and {output.channels} channels; the "
                f"network gives {self.net.classes}"
            )
        if output.activation != "softmax":
            raise _misfit(
                f"the activation is {output.activation}; the network gives scores before softmax"
            )
        if (shape := volume_shape(operations)) != sides:
            raise _misfit(f"the operations give {_told(shape)}; the network takes {_told(sides)}")
        if spec.inference is not None and spec.inference != WholeInference(shape=sides):
            raise _misfit("the inference is not `whole`; a MeshNet sees the whole volume")


def meshnet_source(folder: Path) -> MeshNetSource:
    """Return the MeshNet in `folder` as a source.

    Raises:
        NotFound, FreezeRefused, LimitExceeded: as `reading.read_meshnet`.
    """
    return MeshNetSource(read_meshnet(folder), folder.resolve().name)


def meshnet_facts(folder: Path) -> VolumeFacts:
    """Return what the MeshNet in `folder` shows of itself, for the draft of a spec.

    Raises:
        NotFound, FreezeRefused, LimitExceeded: as `reading.read_meshnet`.
    """
    source = meshnet_source(folder)
    return VolumeFacts(
        file=folder.resolve().name,
        told=source.algorithm,
        operations=OPERATIONS,
        channels=source.net.classes,
        activation="softmax",
    )


def memory_of(net: MeshNet) -> int:
    """Return the most bytes that one run takes: two neighbouring tensors, and what is beside them.

    ONNX Runtime lets a tensor go once its last reader is done, and its convolution unfolds a few
    thousand places at a time, never the whole volume.
    """
    channels = [1, *(one.gives for one in net.layers)]
    activated = max(2 * one.gives for one in net.layers)
    most = max(activated, *(a + b for a, b in pairwise(channels)))
    return most * math.prod(net.shape) * _FLOAT + SPARE


def _told(shape: Shape | None) -> str:
    return "any shape" if shape is None else " × ".join(map(str, shape))


def _misfit(why: str) -> FreezeRefused:
    return FreezeRefused(
        f"The spec does not fit the MeshNet: {why}.",
        advice="docs/how-to/freeze-meshnet.md has a spec that does.",
    )
