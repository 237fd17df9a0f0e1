from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bedside.freezing.monai.norms import with_exact_norms
from bedside.package.manifest import Conditions
from bedside.package.volume_models import VolumeModel, WholeInference
from bedside.runtime.engines.engine import Prepared
from bedside.runtime.engines.onnx import OnnxEngine
from bedside.runtime.progress import silent
from bedside.runtime.session import this_processor

SIDE = 96
SCALE, SHIFT = 1.5, -0.25


def network(*, grouped: bool) -> onnx.ModelProto:
    """Return one normalisation of a window: by channel, or of all of it as one group."""
    sides = [1, 1, SIDE, SIDE, SIDE]
    constants: dict[str, Any] = {
        "scale": np.array([SCALE], np.float32),
        "bias": np.array([SHIFT], np.float32),
        "flat": np.array([0, 1, -1], np.int64),
        "sides": np.array(sides, np.int64),
    }
    nodes = [helper.make_node("InstanceNormalization", ["input", "scale", "bias"], ["output"])]
    if grouped:
        nodes = [
            helper.make_node("Reshape", ["input", "flat"], ["group"]),
            helper.make_node("InstanceNormalization", ["group", "scale", "bias"], ["done"]),
            helper.make_node("Reshape", ["done", "sides"], ["output"]),
        ]
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, sides)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, sides)],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def answer(model: onnx.ModelProto, values: NDArray[np.float32]) -> NDArray[np.float32]:
    declared = VolumeModel(
        entry="model.onnx",
        opset={"ai.onnx": 18},
        input="input",
        element="float32",
        output="output",
        inference=WholeInference(shape=(SIDE, SIDE, SIDE)),
    )
    conditions = Conditions(
        runtime=">=1.22,<2",
        verified_with={},
        graph_optimisation="basic",
        processor=this_processor(),
    )
    engine = OnnxEngine(model.SerializeToString(), declared, conditions, 1)
    return engine(Prepared(values, np.eye(4)), silent)


@pytest.mark.parametrize("grouped", [False, True], ids=["channels", "groups"])
def test_a_large_window_is_normalised_exactly(grouped: bool) -> None:
    values = np.random.default_rng(0).normal(9, 3, (1, SIDE, SIDE, SIDE)).astype(np.float32)
    exact = values.astype(np.float64)
    wanted = (exact - exact.mean()) / np.sqrt(exact.var() + 1e-5) * SCALE + SHIFT
    model = network(grouped=grouped)
    before = np.abs(answer(model, values) - wanted).max()
    after = np.abs(answer(with_exact_norms(model), values) - wanted).max()
    assert after < 5e-6
    assert before > 4 * after  # else nothing of this is needed any more


def test_what_is_no_window_stays_as_it_is() -> None:
    model = network(grouped=False)
    del model.graph.input[0].type.tensor_type.shape.dim[4]
    kept = with_exact_norms(model)
    assert [node.op_type for node in kept.graph.node] == ["InstanceNormalization"]
