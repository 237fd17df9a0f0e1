"""A MeshNet as an ONNX graph: one node for each step, weights in channels-first order.

The graph is the network and nothing else: what comes before and after it is declared in the
manifest. Each step keeps the meaning that `plain` computes in NumPy; both are compared layer by
layer while freezing. The normalisation is written out: ONNX Runtime's InstanceNormalization adds
16.8 million voxels in single precision, and was off by 0.07 standard deviations on a cube of 256.
Source: the operators Conv, ReduceSum, ReduceSumSquare, Relu, Elu and Gelu of ONNX
(onnx.ai/onnx/operators), Gelu as of operator set 20.
"""

from __future__ import annotations

import math
from typing import Any, Final

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

    def node(self, kind: str, reads: list[str], gives: str, **named: Any) -> str:
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
            here = self._normalised(here, name)
        if layer.activation != "linear":
            here = self.node(OPERATORS[layer.activation], [here], f"{name}.activated")
        return here

    def _normalised(self, reads: str, name: str) -> str:
        """Add a normalisation over the whole volume, its sums in double precision.

        The mean goes first and the variance is that of the rest, so nothing cancels; the large
        tensors are written in place.
        """
        mean = self._mean("ReduceSum", reads, f"{name}.mean")
        single = self.node("Cast", [mean], f"{name}.centre", to=TensorProto.FLOAT)
        centred = self.node("Sub", [reads, single], f"{name}.centred")
        variance = self._mean("ReduceSumSquare", centred, f"{name}.variance")
        above = self.node("Add", [variance, "epsilon"], f"{name}.variance_above_zero")
        root = self.node("Sqrt", [above], f"{name}.deviation")
        inverse = self.node("Reciprocal", [root], f"{name}.inverse")
        scale = self.node("Cast", [inverse], f"{name}.scale", to=TensorProto.FLOAT)
        return self.node("Mul", [centred, scale], f"{name}.normalised")

    def _mean(self, kind: str, reads: str, name: str) -> str:
        """Add a mean over the volume: rows along the last axis in singles, all rows in doubles."""
        rows = self.node(kind, [reads, "last_axis"], f"{name}.rows")
        wide = self.node("Cast", [rows], f"{name}.rows_wide", to=TensorProto.DOUBLE)
        total = self.node("ReduceSum", [wide, "volume_axes"], f"{name}.total")
        return self.node("Mul", [total, "one_voxel"], name)

    def _constants(self, shape: tuple[int, int, int]) -> None:
        """Add what all normalisations read."""
        for name, values in (
            ("last_axis", np.array([4], np.int64)),
            ("volume_axes", np.array([2, 3, 4], np.int64)),
            ("one_voxel", np.array(1.0 / math.prod(shape))),
            ("epsilon", np.array(EPSILON)),
        ):
            self.weights.append(numpy_helper.from_array(values, name))

    def model(self, shape: tuple[int, int, int], channels: int) -> bytes:
        """Return the bytes of the whole, whose output has `channels` channels."""
        kind = TensorProto.FLOAT
        if any(one.op_type == "ReduceSum" for one in self.nodes):
            self._constants(shape)
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
