from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from bedside.errors import FreezeRefused
from bedside.freezing.isotonic import interpolate


def graph(*nodes: onnx.NodeProto) -> onnx.ModelProto:
    x = helper.make_tensor_value_info("x", TensorProto.DOUBLE, [None, 1])
    y = helper.make_tensor_value_info("y", TensorProto.DOUBLE, [None, 1])
    return helper.make_model(helper.make_graph(list(nodes), "g", [x], [y]))


def test_a_graph_without_a_lookup_stays_as_it_is() -> None:
    model = graph(helper.make_node("Abs", ["x"], ["y"]))
    assert interpolate(model) == model


def test_a_lookup_of_an_unknown_shape_is_refused() -> None:
    model = graph(
        helper.make_node("Exp", ["x"], ["a"]),
        helper.make_node("Neg", ["a"], ["b"]),
        helper.make_node("ArgMin", ["b"], ["c"]),
        helper.make_node("Cast", ["c"], ["y"], to=TensorProto.DOUBLE),
    )
    with pytest.raises(FreezeRefused, match="isotonic calibration was converted in a way"):
        interpolate(model)
