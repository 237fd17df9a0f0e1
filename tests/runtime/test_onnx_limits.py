from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from bedside.errors import PackageDamaged
from bedside.runtime.onnx_limits import MAX_ELEMENTS, MAX_SIDE, REFUSED
from bedside.runtime.onnx_wire import read_opset
from tests.package.building import model_of


def read(
    operator: str, constants: dict[str, Any], inputs: list[str] | None = None, **attributes: Any
) -> None:
    """Read a network with one operator whose inputs are `constants`, or as named."""
    weights = [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()]
    node = helper.make_node(operator, inputs or list(constants), ["y"], **attributes)
    read_opset(model_of([node], weights, (2, 2)).SerializeToString())


def refusal(
    operator: str, constants: dict[str, Any], inputs: list[str] | None = None, **attributes: Any
) -> str:
    with pytest.raises(PackageDamaged) as caught:
        read(operator, constants, inputs, **attributes)
    return str(caught.value)


@pytest.mark.parametrize("operator", sorted(REFUSED))
def test_an_operator_that_no_package_may_hold_is_refused_with_its_reason(operator: str) -> None:
    message = refusal(operator, {})
    assert message.startswith(f"The model uses {operator}: {REFUSED[operator]}; a package may not.")
    assert message.endswith(".")


@pytest.mark.parametrize(
    ("operator", "inputs", "constants"),
    [
        ("ConstantOfShape", ["s"], {"s": [2**14, 2**14]}),
        ("Expand", ["x", "s"], {"s": [2**14, 2**14]}),
        ("Tile", ["x", "s"], {"s": [2**14, 2**14]}),
        ("Range", ["a", "b", "c"], {"a": 0, "b": 2**40, "c": 1}),
        ("Range", ["a", "b", "c"], {"a": 0.0, "b": 1.0, "c": 1e-12}),
        ("Resize", ["x", "", "", "s"], {"s": [1, 1, 2**14, 2**14]}),
        ("Resize", ["x", "", "s"], {"s": [1.0, 1.0, 1e5, 1e5]}),
        ("Upsample", ["x", "s"], {"s": np.array([1, 1, 1e5, 1e5], np.float32)}),
        ("Pad", ["x", "s"], {"s": [0, 2**40, 0, 0]}),
        ("OneHot", ["x", "s", "v"], {"s": 2**40, "v": [0, 1]}),
        ("HannWindow", ["s"], {"s": np.array(2**30, np.int32)}),
        ("DFT", ["x", "s"], {"s": 2**40}),
        ("CenterCropPad", ["x", "s"], {"s": [2**20, 2**20]}),
        ("AffineGrid", ["x", "s"], {"s": [1, 3, 2**15, 2**15]}),
    ],
)
def test_a_constant_that_would_make_a_gigantic_tensor_is_refused(
    operator: str, inputs: list[str], constants: dict[str, Any]
) -> None:
    message = refusal(operator, constants, inputs)
    assert message.startswith(f"A {operator} of the model makes a tensor of about ")
    small = {name: np.ones_like(value) for name, value in constants.items()}
    read(operator, small, inputs)


def test_the_limit_is_where_it_is_said_to_be() -> None:
    read("ConstantOfShape", {"s": [MAX_ELEMENTS]})
    assert "at most 134217728" in refusal("ConstantOfShape", {"s": [MAX_ELEMENTS + 1]})


@pytest.mark.parametrize("form", ["value", "value_ints"])
def test_a_shape_that_a_constant_node_gives_is_seen_too(form: str) -> None:
    value: Any = [2**20, 2**20]
    if form == "value":
        value = numpy_helper.from_array(np.array(value))
    nodes = [
        helper.make_node("ConstantOfShape", ["s"], ["y"]),
        helper.make_node("Constant", [], ["s"], **{form: value}),
    ]
    with pytest.raises(PackageDamaged, match=r"about 1\.1e"):
        read_opset(model_of(nodes, [], (2, 2)).SerializeToString())


def test_numbers_in_a_typed_field_are_seen_too() -> None:
    shape = TensorProto(name="s", dims=[2], data_type=TensorProto.INT64, int64_data=[2**20, 2**20])
    node = helper.make_node("ConstantOfShape", ["s"], ["y"])
    with pytest.raises(PackageDamaged, match="A ConstantOfShape of the model"):
        read_opset(model_of([node], [shape], (2, 2)).SerializeToString())


@pytest.mark.parametrize(
    ("operator", "attributes"),
    [
        ("MaxPool", {"kernel_shape": [2**40, 1]}),
        ("Conv", {"pads": [0, 0, 2**40, 0]}),
        ("ConvTranspose", {"strides": [2**21, 1]}),
        ("ConvTranspose", {"output_shape": [2**21, 1]}),
        ("RoiAlign", {"output_height": 2**21}),
        ("TreeEnsembleRegressor", {"n_targets": 2**40}),
        ("LSTM", {"hidden_size": 2**40}),
    ],
)
def test_an_absurd_attribute_is_refused(operator: str, attributes: dict[str, Any]) -> None:
    ((name, value),) = attributes.items()
    worst = max(value) if isinstance(value, list) else value
    assert refusal(operator, {}, ["x"], **attributes) == (
        f"{name!r} of a {operator} is {worst}; at most {MAX_SIDE} is allowed."
    )


def test_an_attribute_written_packed_is_read_all_the_same() -> None:
    attribute = AttributeProto(name="strides").SerializeToString()
    packed = b"\x42\x04\x80\x80\x80\x01"  # field 8, four bytes: the number 2**21
    node = helper.make_node("ConvTranspose", ["x"], ["y"]).SerializeToString()
    inner = attribute + packed
    node += bytes([5 << 3 | 2, len(inner)]) + inner
    graph = bytes([1 << 3 | 2, len(node)]) + node
    whole = model_of([], [], (2, 2)).SerializeToString() + bytes([7 << 3 | 2, len(graph)]) + graph
    with pytest.raises(PackageDamaged, match="'strides' of a ConvTranspose is 2097152"):
        read_opset(whole)


def test_slices_to_the_end_of_an_axis_are_no_absurd_numbers() -> None:
    read("Slice", {"a": [0], "b": [2**63 - 1]}, ["x", "a", "b"])
