"""An ONNX graph written node by node, with constants in double precision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Precision: TypeAlias = Literal["float32", "float64"]
Numbers: TypeAlias = NDArray[np.generic]

OPSET = {"": 17, "ai.onnx.ml": 5}
"""TreeEnsemble came with version 5 of the domain; ONNX Runtime has carried it out since 1.20."""

IR_VERSION = 8
"""Of the file around the operator sets; the one that came with operator set 17."""


class Graph:
    """Nodes and constants in the order in which they were asked for; names never repeat."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, values: Numbers | float) -> str:
        """Return the name of a constant; a plain number becomes a double."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def op(
        self,
        kind: str,
        *reads: str,
        domain: str = "",
        lists: Mapping[str, list[int]] | None = None,
        tensors: Mapping[str, Numbers] | None = None,
        **numbers: int,
    ) -> str:
        """Return the name of what the operator `kind` makes of `reads`."""
        made = f"value_{len(self._nodes)}"
        node = helper.make_node(kind, list(reads), [made], name=made, domain=domain)
        attributes = {
            **numbers,
            **(lists or {}),
            **{name: numpy_helper.from_array(v, name) for name, v in (tensors or {}).items()},
        }
        node.attribute.extend(
            helper.make_attribute(name, value) for name, value in attributes.items()
        )
        self._nodes.append(node)
        return made

    def doubled(self, given: str, element: Precision) -> str:
        """Return the input `given` in double precision, which keeps every single exactly."""
        if element == "float64":
            return given
        return self.op("Cast", given, to=int(TensorProto.DOUBLE))

    def model(
        self, given: tuple[str, int, Precision], made: str, answer: tuple[str, int]
    ) -> onnx.ModelProto:
        """Return the whole: input name, width and element; the value that is the answer, its name."""
        name, width, element = given
        kind = TensorProto.DOUBLE if element == "float64" else TensorProto.FLOAT
        last = helper.make_node("Identity", [made], [answer[0]], name=answer[0])
        graph = helper.make_graph(
            [*self._nodes, last],
            "model",
            [helper.make_tensor_value_info(name, kind, [None, width])],
            [helper.make_tensor_value_info(answer[0], TensorProto.DOUBLE, [None, answer[1]])],
            self._constants,
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSET.items()]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
