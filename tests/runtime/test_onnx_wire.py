import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    TypeProto,
    ValueInfoProto,
    helper,
    numpy_helper,
)

from bedside.errors import PackageDamaged
from bedside.runtime import onnx_wire
from bedside.runtime.onnx_limits import MAX_NODES
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

    names: tuple[str, ...] = ("ir_version", "graph", "opset_import", "training_info", "functions")
    assert numbers(ModelProto, *names) == [1, 7, 8, 20, 25]
    names = ("node", "initializer", "input", "output", "value_info", "sparse_initializer")
    assert numbers(GraphProto, *names) == [1, 5, 11, 12, 13, 15]
    assert numbers(NodeProto, "input", "output", "op_type", "attribute", "domain") == [
        1,
        2,
        4,
        5,
        7,
    ]
    names = ("name", "i", "t", "tensors", "g", "graphs", "floats", "ints", "strings")
    assert numbers(AttributeProto, *names) == [1, 3, 5, 10, 6, 11, 7, 8, 9]
    names = ("sparse_tensor", "sparse_tensors", "tp", "type_protos")
    assert numbers(AttributeProto, *names) == [22, 23, 14, 15]
    assert numbers(ValueInfoProto, "name", "type") == [1, 2]
    names = ("tensor_type", "sequence_type", "map_type", "sparse_tensor_type", "optional_type")
    assert numbers(TypeProto, *names) == [1, 4, 5, 8, 9]


def as_initializer(model: ModelProto, tensor: TensorProto) -> None:
    model.graph.initializer.append(tensor)


def as_attribute(model: ModelProto, tensor: TensorProto) -> None:
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def as_one_of_many(model: ModelProto, tensor: TensorProto) -> None:
    attribute = model.graph.node[0].attribute.add(name="many", type=AttributeProto.TENSORS)
    attribute.tensors.append(tensor)


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
        as_attribute,
        as_one_of_many,
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
    model.graph.node[0].domain = "ai.onnx.ml"
    assert refusal(model) == "A node uses the domain 'ai.onnx.ml', which is not imported."


@pytest.mark.parametrize("domain", ["com.example", "com.microsoft", "ai.onnx.training"])
def test_an_operator_that_is_not_onnxs_own_is_refused(domain: str) -> None:
    model = network()
    model.graph.node[0].domain = domain
    model.opset_import.append(helper.make_opsetid(domain, 1))
    assert refusal(model) == (
        f"The model uses the operator 'Gemm' of the domain '{domain}', which is not part of ONNX. "
        "Export the network with ONNX's own operators."
    )


def test_a_domain_that_is_imported_and_not_used_does_no_harm() -> None:
    model = network()
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert read_opset(model.SerializeToString()) == {"ai.onnx": 18, "com.microsoft": 1}


@pytest.mark.parametrize("place", ["sparse_initializer", "sparse_tensor", "sparse_tensors"])
def test_sparse_tensors_are_refused_wherever_they_stand(place: str) -> None:
    model = network()
    if place == "sparse_initializer":
        model.graph.sparse_initializer.add()
    elif place == "sparse_tensor":
        model.graph.node[0].attribute.add(name="s").sparse_tensor.SetInParent()
    else:
        model.graph.node[0].attribute.add(name="s").sparse_tensors.add()
    assert refusal(model).startswith("The model holds sparse tensors")


@pytest.mark.parametrize("version", [0, 65, 2**40])
def test_a_version_of_onnx_that_there_is_not_is_refused(version: int) -> None:
    model = network()
    model.opset_import[0].version = version
    assert refusal(model) == f"The model imports version {version} of ai.onnx; there is none such."


@pytest.mark.parametrize("version", [0, 2, 33, 2**40])
def test_a_format_version_that_is_not_known_is_refused(version: int) -> None:
    model = network()
    model.ir_version = version
    assert refusal(model) == f"The model's format version {version} is not known."


def test_two_weights_of_one_name_are_refused() -> None:
    model = network()
    model.graph.initializer.append(model.graph.initializer[0])
    assert refusal(model) == "Two weights of the model are called 'weights'."


def test_too_many_operators_are_refused() -> None:
    nodes = [helper.make_node("Identity", ["x"], ["probabilities"])] * (MAX_NODES + 1)
    assert refusal(model_of(nodes, [], (2, 2))) == f"The model has more than {MAX_NODES} operators."


@pytest.mark.parametrize("place", ["input", "output", "value_info"])
def test_a_value_that_is_no_tensor_is_refused_by_its_name(place: str) -> None:
    model = network()
    sequence = helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, []))
    getattr(model.graph, place).append(helper.make_value_info("many", sequence))
    assert "The model's value 'many' is a sequence" in refusal(model)


def test_a_tensor_that_an_attribute_gives_twice_is_refused() -> None:
    model = network()
    node = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.zeros(2)))
    model.graph.node.append(node)
    read_opset(model.SerializeToString())
    inner = AttributeProto(t=numpy_helper.from_array(np.zeros(2))).SerializeToString()
    name = AttributeProto(name="value").SerializeToString()
    raw = model.SerializeToString() + _graph_with(_field(1, _field(5, name + inner + inner)))
    assert "stands twice" in refusal(raw)


def _field(number: int, content: bytes) -> bytes:
    assert len(content) < 0x4000
    return bytes([number << 3 | 2, len(content) & 0x7F | 0x80, len(content) >> 7]) + content


def _graph_with(content: bytes) -> bytes:
    return _field(7, content)


def test_a_domain_imported_twice_is_refused() -> None:
    model = network()
    model.opset_import.append(helper.make_opsetid("ai.onnx", 12))
    assert refusal(model) == "The model imports the domain 'ai.onnx' twice."


def test_graphs_within_graphs_are_bounded() -> None:
    graph = helper.make_graph([], "leaf", [], [])
    for _ in range(MAX_SUBGRAPHS_DEEP + 1):
        graph = helper.make_graph([helper.make_node("If", [], ["y"], body=graph)], "g", [], [])
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
