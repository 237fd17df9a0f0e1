from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bedside.errors import PackageDamaged, PackageRefused
from bedside.package.volume_models import SlidingInference, VolumeModel, WholeInference
from bedside.runtime.engines import onnx as engine_module
from bedside.runtime.engines.engine import Prepared
from bedside.runtime.engines.onnx import OnnxEngine
from bedside.runtime.progress import Progress, silent
from tests.package.building import OPSET, conditions

SIDES = (6, 5, 4)
SHAPE = [1, 1, *SIDES]


def network(
    *nodes: onnx.NodeProto,
    given: list[Any] = SHAPE,
    gives: list[Any] = SHAPE,
    element: int = TensorProto.FLOAT,
    tensors: tuple[onnx.TensorProto, ...] = (),
) -> bytes:
    graph = helper.make_graph(
        list(nodes) or [helper.make_node("Neg", ["x"], ["y"])],
        "network",
        [helper.make_tensor_value_info("x", element, given)],
        [helper.make_tensor_value_info("y", element, gives)],
        list(tensors),
    )
    opset = [helper.make_opsetid("", OPSET)]
    made = helper.make_model(graph, opset_imports=opset, ir_version=9)
    return bytes(made.SerializeToString())


def model(**changes: Any) -> VolumeModel:
    parts: dict[str, Any] = {
        "entry": "model.onnx",
        "opset": {"ai.onnx": OPSET},
        "input": "x",
        "element": "float32",
        "output": "y",
        "inference": WholeInference(shape=SIDES),
    }
    return VolumeModel(**{**parts, **changes})


def engine(data: bytes | None = None, channels: int | None = 1, **changes: Any) -> OnnxEngine:
    return OnnxEngine(data or network(), model(**changes), conditions(), channels)


def prepared(*sides: int) -> Prepared:
    values = np.random.default_rng(0).normal(size=(1, *(sides or SIDES))).astype(np.float32)
    return Prepared(values, np.eye(4))


def test_scores_are_what_the_network_gives() -> None:
    given = prepared()
    assert (engine()(given, silent) == -given.tensor).all()


def test_a_network_in_double_precision_gives_single() -> None:
    found = engine(network(element=TensorProto.DOUBLE), element="float64")(prepared(), silent)
    assert found.dtype == np.float32


def test_any_size_is_taken_where_the_graph_says_so() -> None:
    sides: list[Any] = [1, 1, "i", "j", "k"]
    whole = engine(network(given=sides, gives=sides), inference=WholeInference(shape=None))
    assert whole(prepared(7, 8, 9), silent).shape == (1, 7, 8, 9)


def test_windows_are_put_together() -> None:
    windows = engine(inference=SlidingInference(patch=SIDES, overlap=0.5))
    given = prepared(9, 9, 9)
    assert windows(given, silent) == pytest.approx(-given.tensor, abs=1e-5)


@pytest.mark.parametrize(
    ("data", "changes", "named"),
    [
        (network(given=[1, 2, *SIDES], gives=[1, 2, *SIDES]), {}, "batch × channels × i × j × k"),
        (network(), {"inference": WholeInference(shape=(6, 5, 5))}, "of 1 × 1 × 6 × 5 × 5"),
        (network(given=[1, *SIDES], gives=[1, *SIDES]), {}, "batch × channels × i × j × k"),
        (network(), {"input": "volume"}, "'volume'"),
        (network(), {"element": "float64"}, "tensor\\(double\\)"),
        (network(), {"output": "z"}, "no output 'z'; it has \\['y'\\]"),
        (network(), {"opset": {"ai.onnx": OPSET - 1}}, "imports the operator sets"),
    ],
    ids=["channels", "sides", "axes", "input", "element", "output", "opset"],
)
def test_another_network_than_declared_is_refused(
    data: bytes, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(PackageDamaged, match=named):
        engine(data, **changes)


def test_another_number_of_classes_is_refused() -> None:
    with pytest.raises(PackageDamaged, match="floating-point tensor of 1 × 3 × i × j × k"):
        engine(channels=3)
    with pytest.raises(PackageDamaged, match="floating-point tensor of 1 × 1"):
        engine(channels=None)


def test_scores_that_are_no_numbers_are_refused() -> None:
    zero = numpy_helper.from_array(np.zeros(1, dtype=np.float32), "zero")
    data = network(helper.make_node("Div", ["x", "zero"], ["y"]), tensors=(zero,))
    with pytest.raises(PackageRefused, match="there is no answer to show"):
        engine(data)(prepared(), silent)


def test_what_comes_about_in_another_shape_is_refused() -> None:
    sides: list[Any] = [1, 1, "i", "j", "k"]
    starts = numpy_helper.from_array(np.array([1]), "starts")
    ends = numpy_helper.from_array(np.array([5]), "ends")
    axes = numpy_helper.from_array(np.array([2]), "axes")
    data = network(
        helper.make_node("Slice", ["x", "starts", "ends", "axes"], ["y"]),
        given=sides,
        gives=sides,
        tensors=(starts, ends, axes),
    )
    whole = engine(data, inference=WholeInference(shape=None))
    with pytest.raises(
        PackageRefused, match=r"shape \(1, 1, 4, 5, 4\); it must be \(1, 1, 6, 5, 4\)"
    ):
        whole(prepared(), silent)


def slow(times: int = 400) -> bytes:
    """A chain of convolutions that takes some seconds, and some milliseconds an operator."""
    weight = numpy_helper.from_array(np.full((8, 8, 3, 3, 3), 1e-3, np.float32), "w")
    first = numpy_helper.from_array(np.full((8, 1, 1, 1, 1), 1.0, np.float32), "first")
    last = numpy_helper.from_array(np.full((1, 8, 1, 1, 1), 1.0, np.float32), "last")
    nodes = [helper.make_node("Conv", ["x", "first"], ["t0"])]
    for number in range(times):
        names = [f"t{number}", "w"]
        nodes.append(helper.make_node("Conv", names, [f"t{number + 1}"], pads=[1] * 6))
    nodes.append(helper.make_node("Conv", [f"t{times}", "last"], ["y"]))
    sides: list[Any] = [1, 1, "i", "j", "k"]
    return network(*nodes, given=sides, gives=sides, tensors=(weight, first, last))


def a_slow_run(report: Callable[[Progress], None], **more: Any) -> None:
    whole = OnnxEngine(slow(), model(inference=WholeInference(shape=None)), conditions(), 1, **more)
    whole(prepared(48, 48, 48), report)


def test_a_run_is_stopped_in_the_middle_by_whoever_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "TICK", 0.05)
    told: list[Progress] = []

    class EnoughError(Exception):
        pass

    def report(progress: Progress) -> None:
        told.append(progress)
        if len(told) == 4:
            raise EnoughError

    with pytest.raises(EnoughError):
        a_slow_run(report)
    assert {one.done for one in told} == {0}


def test_a_run_that_takes_too_long_is_stopped() -> None:
    with pytest.raises(PackageRefused, match=r"took longer than 0.2 s to run, and was stopped"):
        a_slow_run(silent, seconds=0.2)
