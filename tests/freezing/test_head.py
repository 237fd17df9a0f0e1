from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bedside.errors import FreezeRefused
from bedside.freezing.head import native_head, with_head
from bedside.freezing.network_answers import NetworkAnswers
from bedside.freezing.rows import RawRow
from bedside.freezing.sources.source import model_of
from bedside.package.manifest import Conditions
from bedside.package.networks import Network
from bedside.package.outputs import Output
from bedside.runtime.onnx_wire import read_opset
from bedside.runtime.session import Session, this_processor
from tests.freezing.building import AGE, spec_for

BINARY: RawRow = {
    "kind": "binary",
    "classes": [{"label": "well"}, {"label": "ill"}],
    "positive": "ill",
    "threshold": {"value": 0.5, "meaning": {"en": "half"}},
}
TURNED = {**BINARY, "classes": BINARY["classes"][::-1]}
THREE = {"kind": "multiclass", "classes": [{"label": name} for name in ("a", "b", "c")]}
NUMBER = {"kind": "number", "name": "dose", "unit": "mg"}

READINGS: list[tuple[int, RawRow, RawRow]] = [
    (1, {"gives": "logit"}, BINARY),
    (1, {"gives": "logit"}, TURNED),
    (1, {"gives": "probability"}, BINARY),
    (5, {"gives": "logit", "column": 3}, BINARY),
    (5, {"gives": "probability", "column": 3}, TURNED),
    (5, {"gives": "logits", "column": 3}, BINARY),
    (2, {"gives": "logits"}, BINARY),
    (2, {"gives": "logits", "columns": [1, 0]}, BINARY),
    (2, {"gives": "probabilities"}, TURNED),
    (3, {"gives": "logits"}, THREE),
    (3, {"gives": "logits", "columns": [2, 0, 1]}, THREE),
    (1, {"gives": "number"}, NUMBER),
    (4, {"gives": "number", "column": 2}, NUMBER),
]


def declared(output: RawRow) -> Output:
    return spec_for(AGE, output=output, native_classes=[]).output


def identity(columns: int, *, deep: bool = False) -> onnx.ModelProto:
    """A graph that gives what it gets, with two more axes of length 1 where `deep`."""
    given = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, columns])
    sides = [None, columns, 1, 1] if deep else [None, columns]
    made = helper.make_tensor_value_info("out", TensorProto.FLOAT, sides)
    nodes = [helper.make_node("Identity", ["scores"], ["flat" if deep else "out"])]
    weights = []
    if deep:
        weights = [helper.make_tensor("axes", TensorProto.INT64, [2], [2, 3])]
        nodes.append(helper.make_node("Unsqueeze", ["flat", "axes"], ["out"]))
    graph = helper.make_graph(nodes, "g", [given], [made], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def run(
    model: onnx.ModelProto, output: str, columns: int, rows: np.ndarray[Any, Any], width: int
) -> Any:
    written = model.SerializeToString()
    told = Network(
        entry="model.onnx",
        opset=read_opset(written),
        input="scores",
        element="float32",
        output=output,
    )
    conditions = Conditions(
        runtime=">=1",
        verified_with={},
        graph_optimisation="basic",
        processor=this_processor(),
    )
    return Session(written, model_of(told, (columns,)), conditions, width)(rows)


@pytest.mark.parametrize(("columns", "network", "output"), READINGS)
def test_the_graphs_head_and_the_native_one_say_the_same(
    columns: int, network: RawRow, output: RawRow
) -> None:
    answers, meant = NetworkAnswers.model_validate(network, strict=False), declared(output)
    raw = np.random.default_rng(0).normal(0, 4, (50, columns)).astype(np.float32)
    if answers.gives in ("probability", "probabilities"):
        raw = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True) if columns > 1 else abs(raw) % 1
    expected = native_head(raw.astype(np.float64), answers, meant)
    model, name = with_head(identity(columns), ("out", columns), answers, meant)
    onnx.checker.check_model(model, full_check=True)
    found = run(model, name, columns, raw, expected.shape[1])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)
    if output is not NUMBER:
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_a_logit_becomes_the_probability_of_the_positive_class_wherever_it_stands() -> None:
    network, raw = NetworkAnswers(gives="logit"), np.array([[2.0]])
    chance = 1 / (1 + np.exp(-2.0))
    assert native_head(raw, network, declared(BINARY))[0].tolist() == [1 - chance, chance]
    assert native_head(raw, network, declared(TURNED))[0].tolist() == [chance, 1 - chance]


def test_logits_far_from_zero_stay_numbers() -> None:
    raw = np.array([[-2000.0], [2000.0]])
    found = native_head(raw, NetworkAnswers(gives="logit"), declared(BINARY))
    assert found.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    pair = native_head(
        np.array([[2000.0, -2000.0]]), NetworkAnswers(gives="logits"), declared(BINARY)
    )
    assert pair.tolist() == [[1.0, 0.0]]


def test_axes_of_length_one_are_taken_off() -> None:
    network, output = NetworkAnswers(gives="logits"), declared(THREE)
    model, name = with_head(identity(3, deep=True), ("out", 3), network, output)
    raw = np.eye(3, dtype=np.float32)
    expected = native_head(raw.astype(np.float64), network, output)
    np.testing.assert_allclose(run(model, name, 3, raw, 3), expected, atol=1e-15)


def test_names_that_the_graph_has_are_not_taken_again() -> None:
    model, name = with_head(
        identity(1), ("out", 1), NetworkAnswers(gives="logit"), declared(BINARY)
    )
    assert name == "scores_1"
    made = [one for node in model.graph.node for one in node.output]
    assert len(made) == len(set(made))


@pytest.mark.parametrize(
    ("columns", "network", "output", "words"),
    [
        (14, {"gives": "logit"}, BINARY, "gives 14 columns.*Say which: column = 0"),
        (3, {"gives": "logits"}, BINARY, "gives 3 columns, and the spec declares 2 classes"),
        (3, {"gives": "probability", "column": 3}, BINARY, "picks column 3.*columns 0 to 2"),
        (3, {"gives": "logits", "columns": [0, 1, 7]}, THREE, "picks column 7"),
    ],
)
def test_columns_that_are_not_there_or_not_accounted_for_are_refused(
    columns: int, network: RawRow, output: RawRow, words: str
) -> None:
    answers = NetworkAnswers.model_validate(network, strict=False)
    with pytest.raises(FreezeRefused, match=words):
        with_head(identity(columns), ("out", columns), answers, declared(output))
