from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression

from bedside.canonical import Json
from bedside.errors import FreezeRefused, NotFound, UsageError
from bedside.freezing.freeze import freeze
from bedside.freezing.sources.onnx_file import read_onnx
from bedside.freezing.spec import Spec
from bedside.runtime.runner import load
from tests.freezing.building import AGE, SODIUM, WHEN, clinic, outcome, spec_for

FRAME = clinic(gaps=False)[["age", "sodium"]]
LINE = LogisticRegression(max_iter=5000).fit(FRAME.to_numpy(), outcome(clinic(gaps=False)))
WEIGHTS = np.asarray(LINE.coef_, dtype=np.float32)
BIAS = np.asarray(LINE.intercept_, dtype=np.float32)


def spec(gives: str = "logit", **network: Json) -> Spec:
    return spec_for(AGE, SODIUM, native_classes=[], network={"gives": gives, **network})


def line(
    sides: Sequence[int | str | None] = ("rows", 2),
    *,
    kind: int = TensorProto.FLOAT,
    opset: int = 18,
    more: Sequence[onnx.NodeProto] = (),
    outputs: Sequence[str] = ("logit",),
) -> onnx.ModelProto:
    """A logistic line: age and sodium in, one logit out."""
    given = helper.make_tensor_value_info("given", kind, list(sides))
    made = [helper.make_tensor_value_info(name, kind, [sides[0], 1]) for name in outputs]
    element = helper.tensor_dtype_to_np_dtype(kind)
    weights = [
        numpy_helper.from_array(WEIGHTS.T.astype(element), "weights"),
        numpy_helper.from_array(BIAS.astype(element), "bias"),
    ]
    nodes = [
        helper.make_node("MatMul", ["given", "weights"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["logit"]),
        *more,
    ]
    graph = helper.make_graph(nodes, "made in /home/someone", given and [given], made, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    model.producer_name, model.doc_string = "a notebook", "/home/someone/secret"
    return model


def frozen(model: object, told: Spec | None = None) -> Any:
    return freeze(model, data=FRAME, spec=told or spec(), frozen_at=WHEN)


def refusal(model: object, told: Spec | None = None) -> str:
    with pytest.raises(FreezeRefused) as caught:
        frozen(model, told)
    return str(caught.value)


def test_a_graph_in_memory_as_bytes_and_as_a_file_gives_one_package(tmp_path: Path) -> None:
    model = line()
    onnx.save(model, tmp_path / "line.onnx")
    made = [frozen(one) for one in (model, model.SerializeToString())]
    assert made[0].archive == made[1].archive
    answer = load(frozen(tmp_path / "line.onnx").package).predict([{"age": 70, "sodium": 135.0}])[0]
    expected = LINE.predict_proba([[70, 135.0]])[0, 1]
    assert answer.scores["ill"] == pytest.approx(expected, abs=1e-5)


def test_the_lineage_names_its_maker_and_digest_and_the_package_no_path() -> None:
    made = frozen(line())
    lineage = made.package.manifest.lineage
    assert lineage.algorithm == "ONNX graph by a notebook"
    assert lineage.parameters["digest"].startswith("sha256:")
    assert b"/home/someone" not in made.archive


def test_nodes_and_weights_that_no_answer_needs_are_left_out() -> None:
    more = [helper.make_node("Exp", ["product"], ["other"])]
    made = frozen(line(more=more, outputs=("logit", "other")), spec(output="logit"))
    graph = onnx.load_model_from_string(made.package.network).graph
    assert "Exp" not in {node.op_type for node in graph.node}


def test_a_classifier_of_scikit_learn_is_frozen_by_the_name_of_its_probabilities() -> None:
    model = to_onnx(
        LINE,
        initial_types=[("given", FloatTensorType([None, 2]))],
        options={"zipmap": False},
        target_opset={"": 17, "ai.onnx.ml": 3},
    )
    made = frozen(model, spec("probabilities"))
    assert made.report.largest < 1e-6


def test_weights_beside_the_file_are_brought_inside(tmp_path: Path) -> None:
    onnx.save(
        line(), tmp_path / "line.onnx", save_as_external_data=True, size_threshold=0, location="w"
    )
    assert (tmp_path / "w").is_file()
    made = frozen(tmp_path / "line.onnx")
    assert made.report.largest < 1e-6
    assert WEIGHTS.tobytes()[:4] in made.package.network


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("../w", "leads out of the folder"),
        ("/etc/passwd", "leads out of the folder"),
        ("sub/w", "leads out of the folder"),
        ("link", "no file beside it"),
        ("none", "no file beside it"),
    ],
)
def test_weights_anywhere_else_are_refused(tmp_path: Path, location: str, words: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    onnx.save(
        line(), folder / "line.onnx", save_as_external_data=True, size_threshold=0, location="w"
    )
    (tmp_path / "w").write_bytes((folder / "w").read_bytes())
    (folder / "link").symlink_to(tmp_path / "w")
    model = onnx.load(folder / "line.onnx", load_external_data=False)
    for weight in model.graph.initializer:
        weight.external_data[0].value = location
    (folder / "line.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(FreezeRefused, match=words):
        read_onnx(folder / "line.onnx")


def test_weights_beyond_the_end_of_their_file_are_refused(tmp_path: Path) -> None:
    onnx.save(
        line(), tmp_path / "line.onnx", save_as_external_data=True, size_threshold=0, location="w"
    )
    (tmp_path / "w").write_bytes(b"1")
    with pytest.raises(FreezeRefused, match=r"ends beyond the 1 bytes"):
        read_onnx(tmp_path / "line.onnx")


def test_half_precision_is_refused_with_the_way_out() -> None:
    model = line(kind=TensorProto.FLOAT16)
    assert "half precision" in refusal(model)
    assert "model.float() before the export" in refusal(model)


def test_operators_of_other_domains_are_named() -> None:
    model = line(more=[helper.make_node("Gelu", ["logit"], ["x"], domain="com.microsoft")])
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert "com.microsoft" in refusal(model)


def test_operator_sets_that_the_runtime_may_lack_are_refused() -> None:
    assert "operator set 8; from 9 to 22" in refusal(line(opset=8))
    assert "Export it again with opset_version=18" in refusal(line(opset=23))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (line(sides=("rows", 3)), r"takes \? × 3, and the declared operations give \? × 2"),
        (line(sides=(1, 2)), r"takes exactly 1 input\(s\) at once.*dynamic_axes"),
        (line(sides=(8, 2)), r"takes exactly 8 input\(s\) at once"),
        (line(outputs=("logit", "product")), "has several outputs: .*output in \\[network\\]"),
        (line(kind=TensorProto.INT32), "is int32; it must be float"),
    ],
    ids=["columns", "one row", "eight rows", "outputs", "integers"],
)
def test_what_does_not_fit_the_spec_is_told(model: onnx.ModelProto, words: str) -> None:

    assert re.search(words, refusal(model))


def test_names_of_the_spec_that_the_graph_does_not_have_are_told() -> None:
    assert "names the input 'x', and" in refusal(line(), spec(input="x"))
    assert "has no output 'x' of numbers; it has ['logit']" in refusal(line(), spec(output="x"))


def test_two_inputs_are_refused() -> None:
    model = line()
    model.graph.input.append(helper.make_tensor_value_info("second", TensorProto.FLOAT, [None, 1]))
    assert "has 2 inputs ['given', 'second']" in refusal(model)


def test_what_is_no_onnx_is_refused(tmp_path: Path) -> None:
    assert "cannot be frozen" in refusal(b"\x80\x04not onnx")
    with pytest.raises(NotFound, match=r"no file"):
        frozen(tmp_path / "none.onnx")
    with pytest.raises(UsageError, match=r"no .onnx file: reading it may run code"):
        frozen(tmp_path / "model.pkl")
    with pytest.raises(UsageError, match=r"The model is a dict"):
        frozen({})


def test_a_spec_must_say_what_a_network_gives() -> None:
    with pytest.raises(
        UsageError, match=r"does not say what the network .* gives. Add \[network\]"
    ):
        frozen(line(), spec_for(AGE, SODIUM, native_classes=[]))
    both = spec_for(AGE, SODIUM, network={"gives": "logit"})
    with pytest.raises(UsageError, match=r"`native_classes`, which is for scikit-learn models"):
        frozen(line(), both)
    with pytest.raises(UsageError, match=r"has `network`, which is for networks"):
        frozen(LINE, both)


def test_a_category_field_without_its_operation_is_told() -> None:
    stage = {"kind": "category", "name": "stage", "categories": [1, 2, 3]}
    told = spec_for(AGE, stage, native_classes=[], network={"gives": "logit"})
    with pytest.raises(UsageError, match=r"how the category field 'stage' becomes numbers"):
        freeze(line(), data=clinic(gaps=False), spec=told, frozen_at=WHEN)


def test_a_network_without_a_number_for_a_gap_is_refused_with_the_operation_that_helps() -> None:
    gap: dict[str, Json] = {**SODIUM, "missing": "allow"}
    told = spec_for(AGE, gap, native_classes=[], network={"gives": "logit"})
    with pytest.raises(FreezeRefused, match=r"no number for 'sodium' missing.*`impute` operation"):
        freeze(line(), data=FRAME, spec=told, frozen_at=WHEN)
