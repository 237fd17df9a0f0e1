"""An author's ONNX graph cut down to one input and the one output that is asked for, and cleaned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import onnx
from onnx import TensorProto, helper

from bedside.errors import FreezeRefused
from bedside.freezing.graph import Precision
from bedside.freezing.network_answers import NetworkAnswers

DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
"""Operator domains of the standard; others need code that no package holds."""

OLDEST, NEWEST = 9, 22
"""Operator sets: before 9 shapes were left open; 22 is the last that ONNX Runtime 1.22 carries out."""

IR_VERSION = 10
"""Of the file around the operator sets: the last that ONNX Runtime 1.22 reads."""

ROWS = "rows"
"""Name of the free first axis."""

_ELEMENTS: dict[int, Precision] = {TensorProto.FLOAT: "float32", TensorProto.DOUBLE: "float64"}
_HALF = frozenset({TensorProto.FLOAT16, TensorProto.BFLOAT16})


@dataclass(frozen=True, slots=True)
class OnnxNetwork:
    """A graph with one input and one output.

    Attributes:
        graph: The graph; nothing in it that does not decide the answer.
        input: Name of the input.
        element: Its type.
        shape: Of one input, without the first axis.
        output: Name of the output.
        columns: Numbers in the output for one input.
        flat: Whether the output already is inputs × columns.
    """

    graph: onnx.ModelProto
    input: str
    element: Precision
    shape: tuple[int, ...]
    output: str
    columns: int
    flat: bool

    def flattened(self) -> onnx.ModelProto:
        """Return the graph with an output of inputs × columns."""
        if self.flat:
            return self.graph
        model = onnx.ModelProto()
        model.CopyFrom(self.graph)
        name = f"{self.output}_flat"
        model.graph.node.append(helper.make_node("Flatten", [self.output], [name], axis=1))
        kind = model.graph.output[0].type.tensor_type.elem_type
        del model.graph.output[:]
        model.graph.output.append(helper.make_tensor_value_info(name, kind, [None, self.columns]))
        return model


def cut_down(
    model: onnx.ModelProto, name: str, shape: tuple[int, ...], answers: NetworkAnswers
) -> OnnxNetwork:
    """Return `model` with one input of `shape` and the output that `answers` mean.

    Args:
        model: A whole ONNX model.
        name: What refusals call it.
        shape: Of one input, as the declared operations give it.
        answers: Which input and output are meant.

    Raises:
        FreezeRefused: operators that are not in the standard or too new, half precision, several
            inputs or outputs of which none is named, or another shape; says what to do.
    """
    _refuse_versions(model, name)
    _refuse_half(model, name)
    given = _input(model.graph, name, answers.input)
    made = _output(model.graph, name, answers.output)
    element = _ELEMENTS[given.type.tensor_type.elem_type]
    _fix_shape(given, name, shape)
    clean = _rebuilt(model, given, made)
    sides = _output_sides(clean, made.name, name)
    columns = 1
    for side in sides[1:2]:
        columns = side
    return OnnxNetwork(
        graph=clean,
        input=given.name,
        element=element,
        shape=shape,
        output=made.name,
        columns=columns,
        flat=len(sides) == 2,
    )


def _refuse_versions(model: onnx.ModelProto, name: str) -> None:
    used = {node.domain for node in nodes_of(model.graph)}
    if strangers := sorted(used - DOMAINS):
        kinds = sorted({n.op_type for n in nodes_of(model.graph) if n.domain == strangers[0]})
        raise FreezeRefused(
            f"{name} uses operators that are not in the ONNX standard: "
            f"{', '.join(kinds[:5])} of the domain {strangers[0][:80]!r}.",
            advice="Export the network with standard operators only; do not optimise the file for "
            "a certain machine before.",
        )
    versions = {one.domain or "ai.onnx": one.version for one in model.opset_import}
    found = versions.get("ai.onnx", OLDEST)
    if not OLDEST <= found <= NEWEST:
        raise FreezeRefused(
            f"{name} is written for operator set {found}; from {OLDEST} to {NEWEST} can be frozen.",
            advice="Export it again with opset_version=18, or use onnx.version_converter.",
        )


def _refuse_half(model: onnx.ModelProto, name: str) -> None:
    graph = model.graph
    values = [*graph.input, *graph.output, *graph.value_info]
    kinds = {one.type.tensor_type.elem_type for one in values}
    kinds |= {one.data_type for one in graph.initializer}
    kinds |= {
        attribute.i
        for node in nodes_of(graph)
        if node.op_type == "Cast"
        for attribute in node.attribute
        if attribute.name == "to"
    }
    if kinds & _HALF:
        raise FreezeRefused(
            f"{name} calculates in half precision (float16 or bfloat16), which processors carry "
            "out in different ways.",
            advice="Export it in single precision: model.float() before the export. If only a "
            "converted file is left, ask its author for the one before the conversion.",
        )


def _input(graph: onnx.GraphProto, name: str, wanted: str | None) -> onnx.ValueInfoProto:
    weights = {one.name for one in graph.initializer}
    found = [one for one in graph.input if one.name not in weights]
    names = [one.name for one in found]
    if len(found) != 1:
        raise FreezeRefused(
            f"{name} has {len(found)} inputs {names[:5]}; a package feeds exactly one.",
            advice="Export the network with one input; make what the others hold a constant.",
        )
    if wanted is not None and wanted != names[0]:
        raise FreezeRefused(
            f"The spec names the input {wanted!r}, and {name} has {names[0]!r}.",
            advice="Correct `input` in [network], or leave it out.",
        )
    given: onnx.ValueInfoProto = onnx.ValueInfoProto()
    given.CopyFrom(found[0])
    given.doc_string = ""
    if given.type.tensor_type.elem_type not in _ELEMENTS:
        kind = given.type.tensor_type.elem_type
        shown = TensorProto.DataType.Name(kind).lower() if kind else "no tensor"
        raise FreezeRefused(
            f"The input {names[0]!r} of {name} is {shown}; it must be float (32 or 64 bits).",
            advice="Export the network so that it takes numbers after preprocessing.",
        )
    return given


def _output(graph: onnx.GraphProto, name: str, wanted: str | None) -> onnx.ValueInfoProto:
    tensors = {one.name: one for one in graph.output if one.type.tensor_type.elem_type in _ELEMENTS}
    names = [one.name for one in graph.output]
    if wanted is None and len(tensors) == 1:
        wanted = next(iter(tensors))
    if not tensors:
        raise FreezeRefused(
            f"{name} gives no numbers: its outputs are {names[:5]}.",
            advice="Export a classifier of scikit-learn without ZipMap "
            "(options={'zipmap': False}), so that it gives a tensor of probabilities.",
        )
    if wanted is None:
        raise FreezeRefused(
            f"{name} has several outputs: {list(tensors)[:5]}.",
            advice="Say which holds the answer: output in [network] of the spec.",
        )
    if wanted not in tensors:
        raise FreezeRefused(
            f"{name} has no output {wanted!r} of numbers; it has {names[:5]}.",
            advice="Correct `output` in [network].",
        )
    found: onnx.ValueInfoProto = tensors[wanted]
    return found


def _fix_shape(given: onnx.ValueInfoProto, name: str, shape: tuple[int, ...]) -> None:
    """Write `shape` behind the first axis of `given`, where it does not say otherwise."""
    dims = given.type.tensor_type.shape.dim
    found = [one.dim_value if one.HasField("dim_value") else None for one in dims]
    shown = " × ".join("?" if one is None else str(one) for one in found)
    if len(found) != len(shape) + 1 or any(
        own not in (None, wanted) for own, wanted in zip(found[1:], shape, strict=False)
    ):
        wanted = " × ".join(map(str, shape))
        last = len(found) == 4 and found[3] in (1, 3) and found[1] != found[3]
        raise FreezeRefused(
            f"{name} takes {shown}, and the declared operations give ? × {wanted}.",
            advice="It takes channels last: export it with channels first, such as tf2onnx "
            "--inputs-as-nchw."
            if last
            else "Correct the operations in the spec, so that they give what the network was "
            "trained on.",
        )
    if found[0] not in (None, 1) or (found[0] == 1 and len(shape) == 1):
        raise FreezeRefused(
            f"{name} takes exactly {found[0]} input(s) at once ({shown}).",
            advice="Export it with a free first axis: dynamic_axes={'input': {0: 'rows'}}.",
        )
    if found[0] is None:
        dims[0].Clear()
        dims[0].dim_param = ROWS
    for one, side in zip(list(dims)[1:], shape, strict=True):
        one.Clear()
        one.dim_value = side


def _rebuilt(
    model: onnx.ModelProto, given: onnx.ValueInfoProto, made: onnx.ValueInfoProto
) -> onnx.ModelProto:
    """Return the nodes that lead from `given` to `made`, without notes, names of files or shapes."""
    nodes, needed = [], {made.name}
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            kept = onnx.NodeProto()
            kept.CopyFrom(node)
            nodes.append(kept)
            needed |= {read for inner in with_inner(node) for read in inner.input}
    nodes.reverse()
    for node in nodes:
        _strip(node)
        _number_classes(node, needed)
    weights = []
    for weight in model.graph.initializer:
        if weight.name in needed:
            own = onnx.TensorProto()
            own.CopyFrom(weight)
            own.doc_string = ""
            del own.metadata_props[:]
            weights.append(own)
    kind = made.type.tensor_type.elem_type
    output = helper.make_tensor_value_info(made.name, kind, None)
    graph = helper.make_graph(nodes, "model", [given], [output], weights)
    graph.sparse_initializer.extend(model.graph.sparse_initializer)
    used = {node.domain for node in nodes_of(graph)} | {""}
    opsets = {one.domain if one.domain != "ai.onnx" else "": one for one in model.opset_import}
    return helper.make_model(
        graph,
        opset_imports=[
            helper.make_opsetid(domain, opsets[domain].version)
            for domain in sorted(opsets)
            if domain in used
        ],
        ir_version=min(model.ir_version, IR_VERSION),
    )


def _output_sides(model: onnx.ModelProto, output: str, name: str) -> list[int]:
    """Return the lengths of the output's axes, the first one as 0.

    Raises:
        FreezeRefused: it is not inputs × columns, or the number of columns stays open.
    """
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    dims = inferred.graph.output[0].type.tensor_type.shape.dim
    sides = [0, *(one.dim_value for one in list(dims)[1:])]
    known = inferred.graph.output[0].type.tensor_type.HasField("shape")
    open_side = known and len(dims) > 1 and not sides[1]
    if not known or open_side or not dims:
        raise FreezeRefused(
            f"{name} does not say how many numbers its output {output!r} has for one input.",
            advice="Export it again with a fixed number of classes; only the first axis may be "
            "free.",
        )
    if any(side != 1 for side in sides[2:]):
        shown = " × ".join(str(side or "?") for side in sides[1:])
        raise FreezeRefused(
            f"The output {output!r} of {name} has {shown} numbers for one input; an answer has "
            "one for each class.",
            advice="Name another output in [network], or add what makes one number for each "
            "class, such as a mean over rows and columns.",
        )
    return sides


def _strip(node: onnx.NodeProto) -> None:
    node.doc_string = ""
    del node.metadata_props[:]
    for attribute in node.attribute:
        attribute.doc_string = ""
        for inner in _graphs(attribute):
            inner.doc_string = ""
            del inner.metadata_props[:], inner.value_info[:]
            for deeper in inner.node:
                _strip(deeper)


def _number_classes(node: onnx.NodeProto, needed: set[str]) -> None:
    """Let a classifier number its classes, where nobody reads its labels; its scores stay equal.

    A text for each row takes memory that no limit counts, so no package may hold one.
    Source: ai.onnx.ml (`classlabels_strings`, or else `classlabels_int64s` or `classlabels_ints`).
    """
    if not node.output or node.output[0] in needed:
        return
    name = "classlabels_int64s" if node.op_type.startswith("TreeEns") else "classlabels_ints"
    for attribute in node.attribute:
        if attribute.name == "classlabels_strings" and attribute.strings:
            numbered = helper.make_attribute(name, list(range(len(attribute.strings))))
            attribute.CopyFrom(numbered)


def nodes_of(graph: onnx.GraphProto) -> Iterable[onnx.NodeProto]:
    """Yield every node, those of inner graphs too."""
    for node in graph.node:
        yield from with_inner(node)


def with_inner(node: onnx.NodeProto) -> Iterable[onnx.NodeProto]:
    """Yield a node, and those of its inner graphs."""
    yield node
    for attribute in node.attribute:
        for inner in _graphs(attribute):
            yield from nodes_of(inner)


def _graphs(attribute: onnx.AttributeProto) -> Iterable[onnx.GraphProto]:
    if attribute.HasField("g"):
        yield attribute.g
    yield from attribute.graphs
