"""An exported graph without what does not decide an answer: names, traces, paths, duplicates."""

from __future__ import annotations

from collections.abc import Iterable

import onnx
from onnx import AttributeProto, GraphProto, ModelProto, helper
from onnx.inliner import inline_local_functions

INPUT, OUTPUT = "input", "output"
"""Names of the network's one input and its one output."""

ROWS = "rows"
"""Name of their first axis."""


def cleaned(model: ModelProto, *, batch: int | None = None) -> ModelProto:
    """Return `model` with its functions inlined, and values and nodes named in their order.

    Weights keep the author's names for them; the first axis of input and output is `rows`, or has
    the length `batch` where that is given.

    Raises:
        onnx.checker.ValidationError: the result is no valid model.
    """
    if model.functions:
        model = inline_local_functions(model)
    graph = GraphProto()
    graph.CopyFrom(model.graph)
    _Names().graph(graph, {INPUT: INPUT, OUTPUT: OUTPUT})
    graph.name = "model"
    for one in (*graph.input, *graph.output):
        one.type.tensor_type.shape.dim[0].Clear()
        if batch is None:
            one.type.tensor_type.shape.dim[0].dim_param = ROWS
        else:
            one.type.tensor_type.shape.dim[0].dim_value = batch
    used = {node.domain for node in _nodes(graph)}
    opsets = sorted((one.domain, one.version) for one in model.opset_import if one.domain in used)
    clean = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in opsets],
        ir_version=model.ir_version,
    )
    onnx.checker.check_model(clean, full_check=True)
    return clean


class _Names:
    """Gives new names, in the order of appearance, through all subgraphs; strips the rest."""

    def __init__(self) -> None:
        self._values = 0
        self._nodes = 0

    def graph(self, graph: GraphProto, known: dict[str, str]) -> None:
        """Rename `graph` in place; `known` are the names that are visible in it."""
        for weight in graph.initializer:
            known.setdefault(weight.name, weight.name)
            weight.name = known[weight.name]
            weight.ClearField("doc_string")
            del weight.metadata_props[:]
        for given in graph.input:
            known.setdefault(given.name, self._value())
            given.name = known[given.name]
        for node in graph.node:
            self._node(node, known)
        for made in graph.output:
            made.name = known[made.name]
        for one in (*graph.input, *graph.output):
            one.ClearField("doc_string")
            del one.metadata_props[:]
        del graph.value_info[:], graph.metadata_props[:]
        graph.ClearField("doc_string")

    def _node(self, node: onnx.NodeProto, known: dict[str, str]) -> None:
        node.input[:] = [known.get(one, one) for one in node.input]
        for attribute in node.attribute:
            attribute.ClearField("doc_string")
            for inner in _subgraphs(attribute):
                self.graph(inner, dict(known))
                inner.name = "body"
        for made in node.output:
            if made:
                known.setdefault(made, self._value())
        node.output[:] = [known.get(one, one) for one in node.output]
        ordered = sorted(node.attribute, key=lambda one: one.name)
        del node.attribute[:]
        node.attribute.extend(ordered)
        node.name = f"{node.op_type}_{self._nodes}"
        self._nodes += 1
        node.ClearField("doc_string")
        del node.metadata_props[:]

    def _value(self) -> str:
        self._values += 1
        return f"value_{self._values - 1}"


def _subgraphs(attribute: AttributeProto) -> Iterable[GraphProto]:
    if attribute.HasField("g"):
        yield attribute.g
    yield from attribute.graphs


def _nodes(graph: GraphProto) -> Iterable[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in _subgraphs(attribute):
                yield from _nodes(inner)
