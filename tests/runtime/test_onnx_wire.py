import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    helper,
    numpy_helper,
)

from bedside.errors import PackageDamaged
from bedside.runtime import onnx_wire
from bedside.runtime.onnx_wire import MAX_SUBGRAPHS_DEEP, read_opset
from tests.package.building import model_of, network

SMALL = network().SerializeToString()


def refusal(model: ModelProto | bytes) -> str:
    data = model if isinstance(model, bytes) else model.SerializeToString()
    with pytest.raises(PackageDamaged) as caught:
        read_opset(data)
    return str(caught.value)


def outside() -> TensorProto:
    tensor = numpy_helper.from_array(np.zeros(2, np.float32), "outside")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    return tensor


def test_the_operator_sets_are_read() -> None:
    model = network()
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    assert read_opset(model.SerializeToString()) == {"ai.onnx": 18, "ai.onnx.ml": 3}


def test_the_field_numbers_are_those_of_onnx() -> None:
    def numbers(message: Any, *names: str) -> list[int]:
        fields = message.DESCRIPTOR.fields_by_name
        return [fields[name].number for name in names]

    assert numbers(ModelProto, "graph", "opset_import", "training_info", "functions") == [
        7,
        8,
        20,
        25,
    ]
    assert numbers(GraphProto, "node", "initializer", "sparse_initializer") == [1, 5, 15]
    assert numbers(NodeProto, "attribute", "domain") == [5, 7]
    names = ("t", "tensors", "g", "graphs", "sparse_tensor", "sparse_tensors", "floats", "ints")
    assert numbers(AttributeProto, *names) == [5, 10, 6, 11, 22, 23, 7, 8]
    assert numbers(TensorProto, "external_data", "data_location") == [13, 14]
    assert numbers(onnx.SparseTensorProto, "values", "indices") == [1, 2]


def as_initializer(model: ModelProto, tensor: TensorProto) -> None:
    model.graph.initializer.append(tensor)


def as_sparse_initializer(model: ModelProto, tensor: TensorProto) -> None:
    model.graph.sparse_initializer.add().values.CopyFrom(tensor)


def as_sparse_indices(model: ModelProto, tensor: TensorProto) -> None:
    model.graph.sparse_initializer.add().indices.CopyFrom(tensor)


def as_attribute(model: ModelProto, tensor: TensorProto) -> None:
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def as_one_of_many(model: ModelProto, tensor: TensorProto) -> None:
    attribute = model.graph.node[0].attribute.add(name="many", type=AttributeProto.TENSORS)
    attribute.tensors.append(tensor)


def in_a_sparse_attribute(model: ModelProto, tensor: TensorProto) -> None:
    attribute = model.graph.node[0].attribute.add(name="s", type=AttributeProto.SPARSE_TENSORS)
    attribute.sparse_tensors.add().values.CopyFrom(tensor)


def after_a_run_of_numbers(model: ModelProto, tensor: TensorProto) -> None:
    attribute = model.graph.node[0].attribute.add(name="x", floats=[1.0] * 50, ints=[-1, 300] * 50)
    attribute.tensors.append(tensor)


def in_a_subgraph(model: ModelProto, tensor: TensorProto) -> None:
    branch = helper.make_graph([], "branch", [], [], [tensor])
    model.graph.node.append(
        helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
    )


def in_one_of_many_subgraphs(model: ModelProto, tensor: TensorProto) -> None:
    attribute = model.graph.node[0].attribute.add(name="g", type=AttributeProto.GRAPHS)
    attribute.graphs.append(helper.make_graph([], "branch", [], [], [tensor]))


@pytest.mark.parametrize(
    "place",
    [
        as_initializer,
        as_sparse_initializer,
        as_sparse_indices,
        as_attribute,
        as_one_of_many,
        in_a_sparse_attribute,
        after_a_run_of_numbers,
        in_a_subgraph,
        in_one_of_many_subgraphs,
    ],
)
def test_data_outside_the_file_is_refused_wherever_it_is_named(
    place: Callable[[ModelProto, TensorProto], None],
) -> None:
    model = network()
    inside = numpy_helper.from_array(np.zeros(2, np.float32), "inside")
    place(model, inside)
    read_opset(model.SerializeToString())
    model = network()
    place(model, outside())
    assert refusal(model) == (
        "The model keeps data outside its file; a package must hold all of it. Save the ONNX "
        "model with its weights inside (save_as_external_data=False)."
    )


def test_a_graph_written_in_two_pieces_is_read_in_both() -> None:
    more = ModelProto()
    more.graph.initializer.append(outside())
    assert "outside its file" in refusal(SMALL + more.SerializeToString())


def test_functions_and_training_steps_are_refused() -> None:
    model = network()
    model.functions.add(name="f", domain="local")
    assert "functions of its own" in refusal(model)
    model = network()
    model.training_info.add()
    assert "training steps" in refusal(model)


def test_a_node_of_a_domain_that_is_not_imported_is_refused() -> None:
    model = network()
    model.graph.node[0].domain = "com.example"
    assert refusal(model) == "A node uses the domain 'com.example', which is not imported."


def test_a_domain_imported_twice_is_refused() -> None:
    model = network()
    model.opset_import.append(helper.make_opsetid("ai.onnx", 12))
    assert refusal(model) == "The model imports the domain 'ai.onnx' twice."


def test_graphs_within_graphs_are_bounded() -> None:
    graph = helper.make_graph([], "leaf", [], [])
    for _ in range(MAX_SUBGRAPHS_DEEP + 1):
        graph = helper.make_graph([helper.make_node("Loop", [], ["y"], body=graph)], "g", [], [])
    model = network()
    model.graph.CopyFrom(graph)
    assert refusal(model) == f"The model nests more than {MAX_SUBGRAPHS_DEEP} graphs."


def test_the_number_of_parts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_wire, "MAX_PARTS", 10)
    assert refusal(SMALL) == "The model has more than 10 parts."


def test_onnx_runtimes_own_format_is_refused() -> None:
    assert "ONNX Runtime's own format" in refusal(b"\x20\0\0\0ORTM" + bytes(60))


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\x80" * 20, b"\x0b\x0c", b"\x3a\xff", b"PK\x03\x04", b"\x38\x01"]
)
def test_other_bytes_are_refused(data: bytes) -> None:
    refusal(data)


def test_a_message_of_the_wrong_kind_is_refused() -> None:
    assert refusal(SMALL + b"\x38\x01") == (
        f"The model is not readable ONNX: no message in field 7 at byte {len(SMALL) + 1}."
    )


@given(st.binary(max_size=200))
def test_any_bytes_give_operator_sets_or_a_refusal(data: bytes) -> None:
    with contextlib.suppress(PackageDamaged):
        assert read_opset(data)


@given(st.data())
def test_a_mutated_model_gives_operator_sets_or_a_refusal(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(SMALL)))
    stop = data.draw(st.integers(start, min(len(SMALL), start + 10)))
    with contextlib.suppress(PackageDamaged):
        assert read_opset(SMALL[:start] + data.draw(st.binary(max_size=10)) + SMALL[stop:])


@given(
    st.lists(st.floats(width=32), max_size=20),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20),
)
def test_runs_of_numbers_are_skipped_whatever_they_are(
    floats: list[float], ints: list[int]
) -> None:
    model = network()
    model.graph.node[0].attribute.add(name="x", floats=floats, ints=ints, s=b"end")
    assert read_opset(model.SerializeToString()) == {"ai.onnx": 18}


def test_the_numbers_of_a_large_forest_cost_no_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_wire, "MAX_PARTS", 200)
    node = helper.make_node("Identity", ["x"], ["probabilities"])
    for number in range(6):
        node.attribute.add(name=f"f{number}", floats=[0.5] * 100_000, ints=[12345] * 100_000)
    assert read_opset(model_of([node], [], (2, 2)).SerializeToString()) == {"ai.onnx": 18}
