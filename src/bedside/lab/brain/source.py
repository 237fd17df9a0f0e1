"""A trained network as a source of a volume package: its graph, and how near it comes to torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from bedside.canonical import Json
from bedside.errors import FreezeRefused
from bedside.freezing.comparison import Comparison
from bedside.freezing.libraries import RUNNING, versions
from bedside.freezing.volumes.source import FrozenAnalyses, VolumeNetwork
from bedside.freezing.volumes.spec import VolumeSpec
from bedside.imaging.grid import Grid
from bedside.imaging.volume import Volume
from bedside.lab.brain.graph import INPUT, OUTPUT, network_graph
from bedside.lab.brain.network import BLOCK, BrainNetwork
from bedside.package.segmentation import SegmentationOutput
from bedside.package.volume_growth import growth
from bedside.package.volume_models import WholeInference
from bedside.package.volumes import MOST_VOXELS
from bedside.runtime.progress import silent
from bedside.runtime.segmentation import WayBack, activated, restored
from bedside.runtime.volume_preprocess import VolumePreprocess

SPARE: Final = 96 * 2**20
"""Bytes beside the tensors: what a convolution unfolds at a time, and small sums."""

_FLOAT: Final = 4


class BrainSource:
    """A trained network, ready to be frozen.

    Attributes:
        algorithm: Its kind and size.
        parameters: What the lineage keeps of it.
        libraries: Versions of the libraries that decide its answers.
        notes: What its author must be told.
    """

    def __init__(self, network: BrainNetwork, widths: Sequence[int]) -> None:
        count = sum(one.numel() for one in network.parameters())
        self._network = network.eval()
        self._widths = tuple(widths)
        self.algorithm = (
            f"U-Net, channels {', '.join(map(str, widths))} on folded voxels, {count} weights"
        )
        self.parameters: Mapping[str, Json] = {"widths": list(widths), "weights": count}
        self.libraries = versions((*RUNNING, "scipy", "torch"), "torch")
        self.notes: tuple[str, ...] = ()

    def network(self, spec: VolumeSpec) -> VolumeNetwork:
        """Return the graph, and what the spec declares before it."""
        most = growth(spec.preprocessing, spec.volume.declared(), MOST_VOXELS).last
        return VolumeNetwork(
            operations=spec.preprocessing,
            inference=WholeInference(shape=None),
            onnx=network_graph(self._network),
            input=INPUT,
            output=OUTPUT,
            memory=memory_of(self._widths, most),
        )

    @torch.no_grad()
    def logits(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return torch's own logits, (1, i, j, k), of what was prepared, (1, i, j, k)."""
        found: NDArray[np.float32] = self._network(torch.from_numpy(tensor)[None])[0].numpy()
        return found

    def compare(
        self, frozen: FrozenAnalyses, drawn: Sequence[Volume], spec: VolumeSpec
    ) -> Comparison:
        """Return how near the frozen probabilities come to torch's, on the drawn heads.

        Raises:
            FreezeRefused: one differs by more than the tolerance; says where.
        """
        output, tolerance = spec.output, spec.comparison.tolerance
        assert isinstance(output, SegmentationOutput)  # noqa: S101 - as `shipping` declares it
        prepare, largest = VolumePreprocess(spec.preprocessing), 0.0
        for number, volume in enumerate(drawn, 1):
            prepared = prepare(volume)
            scores = activated(self.logits(prepared.tensor), output.activation)
            way = WayBack(prepared.affine, Grid(volume.shape, np.array(volume.affine)))
            native = restored(scores, way, output, silent).probability
            given = frozen(volume).probability
            assert given is not None  # noqa: S101 - a segmentation has it
            gap = float(np.abs(native - given).max())
            largest = max(largest, gap)
            if gap > tolerance:
                raise FreezeRefused(
                    f"On drawn head {number} the frozen network differs from torch by {gap:.3g} of a "
                    f"probability; at most {tolerance:g} is accepted.",
                    advice="Look for an operator that the graph writes otherwise than torch computes.",
                )
        groups = (("drawn heads: probability", len(drawn), largest),)
        return Comparison(len(drawn), largest, tolerance, groups)


def memory_of(widths: Sequence[int], voxels: int) -> int:
    """Return the most bytes that one run takes: the widest joint of the way up, and what is beside it.

    Args:
        widths: Channels at each level, the finest first.
        voxels: That the network gets.
    """
    fine, deep = widths[0], widths[1] if len(widths) > 1 else widths[0]
    joined = 2 * (fine + deep)  # both parts, and the two as one
    return voxels * _FLOAT * (1 + -(-joined // BLOCK**3)) + SPARE
