"""A captured graph as ONNX: translated by torch.onnx, then cleaned."""

from __future__ import annotations

import re
from dataclasses import dataclass

import onnx
import torch
from torch.export import ExportedProgram

from bedside.errors import FreezeRefused, PackageDamaged
from bedside.freezing.pytorch.cleaned import INPUT, OUTPUT, cleaned
from bedside.freezing.pytorch.graph_checks import layer_of
from bedside.freezing.pytorch.native import fixed_threads
from bedside.freezing.pytorch.places import first_line, place_in
from bedside.freezing.pytorch.quiet import quiet
from bedside.runtime.onnx_wire import read_opset

OPSET = 18
"""The operator set that PyTorch's translations are written for; ONNX Runtime has it since 1.14."""

_UNKNOWN = re.compile(r"No ONNX function found for <OpOverload\(op='(?P<operator>[\w.]+)'")
_NODE = re.compile(r"Error when translating node %(?P<node>\w+)")
_CAUSE = re.compile(r"<class '[\w.]+'>: (?P<said>[^\n]+)")


@dataclass(frozen=True, slots=True)
class ExportedNetwork:
    """A network as ONNX; equal networks give equal bytes, on any machine.

    Attributes:
        onnx: The serialised graph, all weights inside.
        opset: Version of each operator domain, the default domain written `ai.onnx`.
        input: Name of the input, float32, rows × ….
        output: Name of the output, float32, rows × columns.
        columns: Number of scores for each row.
    """

    onnx: bytes
    opset: dict[str, int]
    input: str
    output: str
    columns: int


def export_onnx(program: ExportedProgram, name: str, columns: int) -> ExportedNetwork:
    """Return a captured graph with one input, rows × …, and one output, rows × `columns`, as ONNX.

    Raises:
        FreezeRefused: an operator has no ONNX counterpart; names it, its layer and its line.
    """
    try:
        with torch.no_grad(), fixed_threads(), quiet():
            made = torch.onnx.export(
                program,
                (),
                input_names=[INPUT],
                output_names=[OUTPUT],
                opset_version=OPSET,
                external_data=False,
                optimize=True,
                verbose=False,
            )
            assert made is not None  # noqa: S101 - torch.export's programs always give one
            network = cleaned(made.model_proto)
    except (
        torch.onnx.OnnxExporterError,
        onnx.checker.ValidationError,
        onnx.shape_inference.InferenceError,
    ) as problem:
        raise _refusal(program, name, problem) from problem
    data = network.SerializeToString(deterministic=True)
    try:
        opset = read_opset(data)
    except PackageDamaged as problem:
        raise FreezeRefused(
            f"The graph of {name} is none that a package can hold: {problem.message}",
            advice=problem.advice or "Write the network with standard layers.",
        ) from problem
    return ExportedNetwork(data, opset, INPUT, OUTPUT, columns)


def _refusal(program: ExportedProgram, name: str, problem: Exception) -> FreezeRefused:
    said = str(problem)
    unknown, node = _UNKNOWN.search(said), _NODE.search(said)
    where = _where(program, name, node["node"] if node else "")
    advice = (
        "Write this step with other operators (convolution, matmul, softmax, pooling …), or compute "
        "it before the network, as declared preprocessing."
    )
    if unknown:
        return FreezeRefused(
            f"{name} cannot be written as ONNX: the operator {unknown['operator']}{where} has no "
            "counterpart.",
            advice=advice,
        )
    cause = _CAUSE.search(said)
    why = cause["said"][:300] if cause else first_line(problem)
    step = f": the step {node['node']}" if node else ""
    return FreezeRefused(
        f"{name} cannot be written as ONNX{step}{where}: {why}.",
        advice=advice,
    )


def _where(program: ExportedProgram, name: str, failing: str) -> str:
    """Return layer and line of the node that the translator failed on, or of the nearest in name.

    The translator takes operators apart first, so that `linalg_eigvals` fails as `linalg_eig`.
    """
    stem = re.sub(r"_\d+$", "", failing)
    if not stem:
        return ""
    for node in program.graph.nodes:
        if node.op != "call_function":
            continue
        own = re.sub(r"_\d+$", "", node.name)
        if node.name == failing or stem in own or own in stem:
            place = place_in(node.meta.get("stack_trace"))
            return f" in {layer_of(node, name)}" + (f", at {place}," if place else "")
    return ""
