"""The trained network as an ONNX graph of plain convolutions, for a volume of any size.

Space to depth is a convolution that only sorts, depth to space a transposed one. Standardised
weights are written as they are convolved with. A convolution of a doubled grid is written as what
it comes to: eight convolutions of 2 × 2 × 2 coarse voxels, one for each place of a fine voxel in
its coarse one, which is three times less work, and nothing is doubled or joined. So no node depends
on a shape, and all sides that are multiples of `NetworkSettings.multiple` fit.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from bedside.lab.brain.network import BLOCK, CONTRAST, SLOPE, BrainNetwork, StandardisedConv

INPUT: Final = "image"
OUTPUT: Final = "logits"
OPSET: Final = 18
IR_VERSION: Final = 10

_EIGHT: Final = BLOCK**3
_TWO: Final = (BLOCK, BLOCK, BLOCK)
_AROUND: Final = (1, 1, 1, 1, 1, 1)

_PHASES: Final = (((1, 1, 0), (0, 0, 1)), ((1, 0, 0), (0, 1, 1)))
"""Of one axis: phase × coarse voxel × weight. Coarse voxels q - 1 and q are convolved with; the first
phase is the fine voxel 2q - 1, the second 2q, where each of the three weights falls on one of them."""


@torch.no_grad()
def network_graph(network: BrainNetwork) -> bytes:
    """Return the graph: float32 `image` (1, 1, i, j, k), 0 to 1 → `logits` of the same shape."""
    made = _Graph()
    kept = list[str]()
    sorting = torch.eye(_EIGHT).view(_EIGHT, 1, *_TWO)
    value = made.convolved(INPUT, sorting * CONTRAST, strides=_TWO)
    for level, pair in enumerate(network.down):
        first, second = _convolutions(pair)
        if level:
            kept.append(value)
            value = made.node("MaxPool", [value], kernel_shape=_TWO, strides=_TWO)
        value = made.activated(made.around(value, first.plain_weight(), first.bias))
        value = made.activated(made.around(value, second.plain_weight(), second.bias))
    for pair in reversed(network.up):
        first, second = _convolutions(pair)
        weight, deep = first.plain_weight(), first.weight.shape[1] - second.weight.shape[0]
        coarse = made.doubled(value, weight[:, :deep])
        fine = made.around(kept.pop(), weight[:, deep:], first.bias)
        value = made.activated(made.node("Add", [coarse, fine]))
        value = made.activated(made.around(value, second.plain_weight(), second.bias))
    value = made.convolved(value, network.last.weight, network.last.bias)
    made.node("ConvTranspose", [value, made.tensor(sorting)], [OUTPUT], strides=_TWO)
    return made.written()


def phased(weight: Tensor) -> Tensor:
    """Return what a convolution of a doubled grid is on the grid itself.

    Args:
        weight: (after, before, 3, 3, 3), for voxels of the doubled grid.

    Returns:
        (8 after, before, 2, 2, 2), for coarse voxels: of each channel the eight phases of
        `_PHASES`, i slowest. Summed in double precision.
    """
    after, before = weight.shape[:2]
    phases = torch.tensor(_PHASES, dtype=torch.float64, device=weight.device)
    found = torch.einsum(
        "abxyz,pux,qvy,rwz->apqrbuvw", weight.to(torch.float64), phases, phases, phases
    )
    return found.reshape(after * _EIGHT, before, *_TWO).to(weight.dtype)


def _convolutions(pair: nn.Module) -> tuple[StandardisedConv, StandardisedConv]:
    first, second = (one for one in pair.children() if isinstance(one, StandardisedConv))
    return first, second


class _Graph:
    """Nodes and constants as they are added, named by their number."""

    def __init__(self) -> None:
        self._nodes = list[onnx.NodeProto]()
        self._constants = list[onnx.TensorProto]()

    def node(
        self, kind: str, inputs: list[str], outputs: list[str] | None = None, **said: Any
    ) -> str:
        """Add a node with one output, and return its name."""
        found = outputs or [f"v{len(self._nodes)}"]
        self._nodes.append(helper.make_node(kind, inputs, found, **said))
        return found[0]

    def array(self, values: NDArray[np.float32]) -> str:
        """Add a constant, and return its name."""
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def tensor(self, values: Tensor) -> str:
        """Add a constant, and return its name."""
        return self.array(values.detach().to("cpu", torch.float32).numpy())

    def activated(self, value: str) -> str:
        """Add an activation, and return the name of what it gives."""
        return self.node("LeakyRelu", [value], alpha=SLOPE)

    def convolved(self, value: str, weight: Tensor, bias: Tensor | None = None, **said: Any) -> str:
        """Add a convolution, and return the name of what it gives."""
        shift = torch.zeros(len(weight)) if bias is None else bias
        return self.node("Conv", [value, self.tensor(weight), self.tensor(shift)], **said)

    def around(self, value: str, weight: Tensor, bias: Tensor) -> str:
        """Add a convolution of 3 × 3 × 3 voxels that keeps the grid."""
        return self.convolved(value, weight, bias, pads=_AROUND)

    def doubled(self, value: str, weight: Tensor) -> str:
        """Add a convolution of a value whose voxels are each repeated along each axis."""
        after = len(weight)
        phases = self.convolved(value, phased(weight), pads=_AROUND)
        sorting = torch.eye(_EIGHT).view(_EIGHT, 1, *_TWO).repeat(after, 1, 1, 1, 1)
        inputs = [phases, self.tensor(sorting)]
        return self.node("ConvTranspose", inputs, group=after, strides=_TWO, pads=_AROUND)

    def written(self) -> bytes:
        """Return the bytes of the whole; the same network gives the same."""
        shape: list[str | int | None] = [1, 1, "i", "j", "k"]
        graph = helper.make_graph(
            self._nodes,
            "brain-extraction",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, shape)],
            self._constants,
        )
        opsets = [helper.make_opsetid("", OPSET)]
        made = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        onnx.checker.check_model(made)
        written: bytes = made.SerializeToString(deterministic=True)
        return written
