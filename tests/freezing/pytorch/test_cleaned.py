from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from bedside.freezing.pytorch.cleaned import cleaned


def graph_with_a_branch() -> onnx.ModelProto:
    """Return a model with a function of its own and an If whose branches use the outer values."""
    branches = [
        helper.make_graph(
            [helper.make_node(kind, ["inner", "outer"], ["chosen"], doc_string="/home/someone")],
            f"{kind} at /home/someone",
            [],
            [helper.make_tensor_value_info("chosen", TensorProto.FLOAT, None)],
        )
        for kind in ("Add", "Sub")
    ]
    own = helper.make_function(
        "own",
        "Twice",
        ["x"],
        ["y"],
        [helper.make_node("Add", ["x", "x"], ["y"])],
        [helper.make_opsetid("", 18)],
    )
    nodes = [
        helper.make_node("Twice", ["input"], ["inner"], domain="own"),
        helper.make_node("ReduceSum", ["inner"], ["total"], keepdims=0),
        helper.make_node("Cast", ["total"], ["positive"], to=int(TensorProto.BOOL)),
        helper.make_node(
            "If", ["positive"], ["output"], then_branch=branches[0], else_branch=branches[1]
        ),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["s77", 2])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["s77", 2])],
        [helper.make_tensor("outer", TensorProto.FLOAT, [2], [1, 2])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    return helper.make_model(
        graph, opset_imports=opsets, functions=[own], ir_version=10, producer_name="p"
    )


def test_functions_are_inlined_and_branches_renamed_with_their_outer_values() -> None:
    clean = cleaned(graph_with_a_branch())
    assert not clean.functions
    assert [(one.domain, one.version) for one in clean.opset_import] == [("", 18)]
    branch = next(node for node in clean.graph.node if node.op_type == "If")
    inner = {one.name: one.g for one in branch.attribute}
    assert list(inner) == ["else_branch", "then_branch"]
    for graph in inner.values():
        assert graph.name == "body"
        assert graph.node[0].input[1] == "outer"
        assert graph.node[0].output[0] == graph.output[0].name
    assert "someone" not in str(clean)
    assert clean.producer_name == ""


def test_what_is_no_valid_graph_is_not_handed_on() -> None:
    broken = graph_with_a_branch()
    broken.graph.node[1].op_type = "NoSuchOperator"
    with pytest.raises(onnx.checker.ValidationError):
        cleaned(broken)
