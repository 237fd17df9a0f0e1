"""The trained network as an ONNX graph of plain convolutions, for a volume of any size.

Space to depth and the first convolution are one convolution of 6 × 6 × 6 voxels with a step of 2;
depth to space is a transposed convolution that only sorts. Standardised weights are written as they
are convolved with. So no node depends on a shape, and all sides that are multiples of
`NetworkSettings.multiple` fit.
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

_TWO: Final = (BLOCK, BLOCK, BLOCK)
_AROUND: Final = (1, 1, 1, 1, 1, 1)
_FIRST_AROUND: Final = (BLOCK,) * 6


@torch.no_grad()
def network_graph(network: BrainNetwork) -> bytes:
    """Return the graph: float32 `image` (1, 1, i, j, k), 0 to 1 → `logits` of the same shape."""
    made = _Graph()
    kept = list[str]()
    value = INPUT
    for level, pair in enumerate(network.down):
        if level:
            kept.append(value)
            value = made.node("MaxPool", [value], kernel_shape=_TWO, strides=_TWO)
        value = _paired(made, pair, value, first=level == 0)
    for pair in reversed(network.up):
        value = made.doubled(value)
        value = made.node("Concat", [value, kept.pop()], axis=1)
        value = _paired(made, pair, value)
    value = made.convolved(value, network.last.weight, network.last.bias)
    eight = BLOCK**3
    sorting = torch.eye(eight).view(eight, 1, *_TWO)
    made.node("ConvTranspose", [value, made.tensor(sorting)], [OUTPUT], strides=_TWO)
    return made.written()


def _paired(made: _Graph, pair: nn.Module, value: str, *, first: bool = False) -> str:
    """Add the two convolutions of a pair, and return the name of what they give."""
    for layer in pair.children():
        if not isinstance(layer, StandardisedConv):
            value = made.node("LeakyRelu", [value], alpha=SLOPE)
        elif first:
            weight = unfolded(layer.plain_weight()) * CONTRAST
            value = made.convolved(value, weight, layer.bias, pads=_FIRST_AROUND, strides=_TWO)
            first = False
        else:
            value = made.convolved(value, layer.plain_weight(), layer.bias, pads=_AROUND)
    return value


def unfolded(weight: Tensor) -> Tensor:
    """Return (after, 8, 3, 3, 3) for folded voxels as (after, 1, 6, 6, 6) for the voxels themselves."""
    after, _, side, _, _ = weight.shape
    parts = weight.view(after, BLOCK, BLOCK, BLOCK, side, side, side)
    return parts.permute(0, 4, 1, 5, 2, 6, 3).reshape(after, 1, *(side * BLOCK,) * 3)


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

    def convolved(self, value: str, weight: Tensor, bias: Tensor | None, **said: Any) -> str:
        """Add a convolution, and return the name of what it gives."""
        shift = torch.zeros(len(weight)) if bias is None else bias
        return self.node("Conv", [value, self.tensor(weight), self.tensor(shift)], **said)

    def doubled(self, value: str) -> str:
        """Add a doubling of each side by repeating, and return the name of what it gives."""
        scales = self.array(np.array([1, 1, BLOCK, BLOCK, BLOCK], dtype=np.float32))
        return self.node(
            "Resize",
            [value, "", scales],
            mode="nearest",
            nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        )

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
