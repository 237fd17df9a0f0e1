"""A MeshNet as an ONNX graph: one node for each step, weights in channels-first order.

The graph is the network and nothing else: what comes before and after it is declared in the
manifest. Each step keeps the meaning that `plain` computes in NumPy; both are compared layer by
layer while freezing. Source: the operators Conv, InstanceNormalization, Relu, Elu and Gelu of ONNX
(onnx.ai/onnx/operators), Gelu as of operator set 20.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bedside.freezing.meshnet.network import EPSILON, Activation, MeshLayer, MeshNet

OPSET: Final = 20
"""Gelu became an operator of its own, which takes one tensor of memory in place of four."""

IR_VERSION: Final = 9
"""Of the file around operator set 20."""

INPUT: Final = "volume"
OUTPUT: Final = "scores"

OPERATORS: Final[dict[Activation, str]] = {"relu": "Relu", "elu": "Elu", "gelu": "Gelu"}


def onnx_of(net: MeshNet, shape: tuple[int, int, int]) -> bytes:
    """Return the network for volumes of `shape`, 1 × 1 × i × j × k → 1 × classes × i × j × k."""
    steps = _Steps()
    steps.layers(net)
    steps.nodes[-1].output[0] = OUTPUT
    return steps.model(shape, net.classes)


def onnx_of_every_layer(net: MeshNet, shape: tuple[int, int, int]) -> bytes:
    """Return a network that gives what every layer gives, one behind the other along the channels.

    Made for small volumes: it keeps everything in memory at once.
    """
    steps = _Steps()
    ends = steps.layers(net)
    steps.node("Concat", ends, OUTPUT, axis=1)
    return steps.model(shape, sum(one.gives for one in net.layers))


class _Steps:
    """Nodes and weights in the order in which they were asked for."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def node(self, kind: str, reads: list[str], gives: str, **named: object) -> str:
        """Add a node, and return what it gives."""
        self.nodes.append(helper.make_node(kind, reads, [gives], name=gives, **named))
        return gives

    def weight(self, values: NDArray[np.float32], name: str) -> str:
        """Add a weight, and return its name."""
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def layers(self, net: MeshNet) -> list[str]:
        """Add every layer, and return what each gives."""
        ends, here = [], INPUT
        for number, layer in enumerate(net.layers):
            here = self._layer(layer, f"layer_{number:03d}", here)
            ends.append(here)
        return ends

    def _layer(self, layer: MeshLayer, name: str, reads: str) -> str:
        given = [reads, self.weight(layer.kernel.transpose(4, 3, 0, 1, 2), f"{name}.kernel")]
        if layer.bias is not None:
            given.append(self.weight(layer.bias, f"{name}.bias"))
        here = self.node(
            "Conv",
            given,
            f"{name}.convolved",
            kernel_shape=list(layer.kernel.shape[:3]),
            dilations=list(layer.dilation),
            pads=[*layer.reach, *layer.reach],
        )
        if layer.normalised:
            one = self.weight(np.ones(layer.gives, np.float32), f"{name}.scale")
            zero = self.weight(np.zeros(layer.gives, np.float32), f"{name}.shift")
            here = self.node(
                "InstanceNormalization", [here, one, zero], f"{name}.normalised", epsilon=EPSILON
            )
        if layer.activation != "linear":
            here = self.node(OPERATORS[layer.activation], [here], f"{name}.activated")
        return here

    def model(self, shape: tuple[int, int, int], channels: int) -> bytes:
        """Return the bytes of the whole, whose output has `channels` channels."""
        kind = TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes,
            "meshnet",
            [helper.make_tensor_value_info(INPUT, kind, [1, 1, *shape])],
            [helper.make_tensor_value_info(OUTPUT, kind, [1, channels, *shape])],
            self.weights,
        )
        opsets = [helper.make_opsetid("", OPSET)]
        made = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        written: bytes = made.SerializeToString(deterministic=True)
        return written
