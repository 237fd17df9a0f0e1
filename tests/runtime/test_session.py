import contextlib
import platform

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from bedside.errors import ConditionsNotMet, PackageDamaged, PackageRefused
from bedside.package.manifest import Conditions
from bedside.package.networks import Model
from bedside.runtime.session import Session, check_conditions, this_processor
from tests.package.building import OPSET, WEIGHTS, conditions, model, model_of, network

ROWS = np.array([[1.0, 2.0, 0.0, 1.0, 0.0], [-1.0, 0.5, 1.0, 0.0, 1.0]])


def session(
    proto: onnx.ModelProto | None = None,
    declared: Model | None = None,
    stated: Conditions | None = None,
    width: int = 2,
) -> Session:
    data = (network() if proto is None else proto).SerializeToString()
    return Session(data, declared or model(5), stated or conditions(), width)


def refusal(
    proto: onnx.ModelProto | None = None, declared: Model | None = None, width: int = 2
) -> str:
    with pytest.raises(PackageDamaged) as caught:
        session(proto, declared, width=width)
    return str(caught.value)


def by_hand(rows: np.ndarray) -> np.ndarray:
    positive = 1 / (1 + np.exp(-(rows @ np.array(WEIGHTS) - 0.5)))
    return np.stack([1 - positive, positive], axis=1)


def test_a_network_gives_what_arithmetic_gives() -> None:
    found = session()(ROWS)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, by_hand(ROWS), atol=1e-6)


def test_a_network_in_double_precision_gives_it_more_exactly() -> None:
    found = session(network(element=TensorProto.DOUBLE), model(5, element="float64"))(ROWS)
    np.testing.assert_allclose(found, by_hand(ROWS), atol=1e-14)


@pytest.mark.parametrize("level", ["disabled", "basic", "extended", "all"])
def test_every_declared_optimisation_level_runs(level: str) -> None:
    found = session(stated=conditions(graph_optimisation=level, threads=2))(ROWS)
    np.testing.assert_allclose(found, by_hand(ROWS), atol=1e-6)


def test_only_the_processor_is_used_and_threads_are_as_declared() -> None:
    inner = session(stated=conditions(threads=2, graph_optimisation="extended"))._session
    options = inner.get_session_options()
    assert inner.get_providers() == ["CPUExecutionProvider"]
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (2, 1)
    assert options.execution_mode == onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    assert (
        options.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    )


def test_one_row_at_a_time_gives_the_same_as_all_at_once() -> None:
    many = np.random.default_rng(7).normal(size=(100, 5))
    run = session()
    np.testing.assert_allclose(
        run(many), np.vstack([run(many[n : n + 1]) for n in range(100)]), rtol=0, atol=1e-7
    )


def test_a_missing_number_reaches_the_network_as_such() -> None:
    assert np.isnan(session()(np.array([[np.nan, 0, 0, 0, 0]]))).all()


def test_a_value_that_does_not_fit_the_element_type_is_refused() -> None:
    with pytest.raises(PackageRefused, match="a value too large for float32"):
        session()(np.array([[1e300, 0, 0, 0, 0]]))


def test_other_operator_sets_than_declared_are_refused() -> None:
    message = refusal(declared=model(5, opset={"ai.onnx": 17}))
    assert message == (
        "The network imports the operator sets {'ai.onnx': 18}; the manifest says {'ai.onnx': 17}."
    )


@pytest.mark.parametrize(
    ("declared", "width"),
    [
        (model(5, input="other"), 2),
        (model(4), 2),
        (model(5, element="float64"), 2),
        (model(5, output="other"), 2),
        (model(5), 3),
    ],
)
def test_inputs_and_outputs_are_as_declared(declared: Model, width: int) -> None:
    assert refusal(declared=declared, width=width).startswith(
        ("The network's ", "The network has no")
    )


def test_a_network_for_a_fixed_number_of_rows_is_refused() -> None:
    proto = network()
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 3
    assert "with any number of rows and 5 columns" in refusal(proto)


def test_a_second_input_is_refused() -> None:
    proto = network()
    proto.graph.input.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [None]))
    assert "the manifest declares one, 'x'" in refusal(proto)


def test_probabilities_as_a_list_of_dictionaries_are_refused() -> None:
    classifier = network()
    classifier.graph.node.append(
        helper.make_node(
            "ZipMap", ["probabilities"], ["zipped"], domain="ai.onnx.ml", classlabels_int64s=[0, 1]
        )
    )
    mapped = helper.make_map_type_proto(
        TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, [])
    )
    sequence = helper.make_sequence_type_proto(mapped)
    classifier.graph.output.append(helper.make_value_info("zipped", sequence))
    classifier.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    message = refusal(classifier, model(5, opset={"ai.onnx": OPSET, "ai.onnx.ml": 3}))
    assert "The model uses ZipMap: sequences, options or dictionaries, not tensors" in message
    assert "without ZipMap" in message


def test_an_output_of_whole_numbers_is_refused() -> None:
    proto = model_of([helper.make_node("ArgMax", ["x"], ["probabilities"], axis=1)], [], (5, 1))
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    assert "must be a floating-point tensor" in refusal(proto, width=1)


def test_an_output_that_turns_out_to_have_another_shape_is_refused() -> None:
    axes = numpy_helper.from_array(np.array([1]), "axes")
    node = helper.make_node("ReduceSum", ["x", "axes"], ["probabilities"], keepdims=0)
    proto = model_of([node], [axes], (5, 1))
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    with pytest.raises(PackageRefused, match=r"has the shape \(2,\); it must be \(2, 1\)"):
        session(proto, width=1)(ROWS)


def test_nothing_is_printed_and_tried_again_when_a_network_does_not_load(
    capfd: pytest.CaptureFixture[str],
) -> None:
    proto = network()
    shape = proto.graph.node[1].op_type.encode()
    data = proto.SerializeToString().replace(shape, b"Soft\xffmax"[: len(shape)])
    with pytest.raises(PackageDamaged, match="does not load"):
        Session(data, model(5), conditions(), 2)
    assert capfd.readouterr() == ("", "")


def test_an_unknown_operator_is_refused_by_name() -> None:
    proto = model_of([helper.make_node("Divine", ["x"], ["probabilities"])], [], (5, 2))
    message = refusal(proto)
    assert "does not load 'model.onnx'" in message
    assert "Divine" in message


def test_a_network_that_fails_on_an_input_is_refused_with_its_reason() -> None:
    shape = numpy_helper.from_array(np.array([7, 2]), "shape")
    proto = model_of(
        [helper.make_node("Reshape", ["x", "shape"], ["probabilities"])], [shape], (5, 2)
    )
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    with pytest.raises(PackageRefused, match="The network failed on this input"):
        session(proto)(ROWS)


@settings(max_examples=60, derandomize=True)  # ONNX Runtime itself is not under test
@given(st.data())
def test_a_mutated_network_loads_or_is_refused(data: st.DataObject) -> None:
    whole = bytearray(network().SerializeToString())
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(PackageRefused):
        Session(bytes(whole), model(5), conditions(), 2)(ROWS)


def test_another_runtime_version_is_refused_and_both_are_named() -> None:
    with pytest.raises(ConditionsNotMet) as caught:
        check_conditions(conditions(runtime="<1.0"))
    assert str(caught.value) == (
        f"The package needs ONNX Runtime <1.0; here is {onnxruntime.__version__}. Install "
        "onnxruntime<1.0, or freeze the model again here."
    )


def test_another_processor_is_refused_and_both_are_named() -> None:
    with pytest.raises(ConditionsNotMet) as caught:
        check_conditions(conditions(processor="riscv128"))
    assert str(caught.value) == (
        f"The package was verified on riscv128; this machine is {this_processor()}. Run it on "
        "that architecture, or freeze the model again here."
    )


@pytest.mark.parametrize(
    ("here", "stated"),
    [("arm64", "aarch64"), ("aarch64", "arm64"), ("AMD64", "x86_64"), ("x86_64", "AMD64")],
)
def test_two_spellings_of_one_processor_are_the_same(
    here: str, stated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: here)
    check_conditions(conditions(processor=stated))


def test_the_conditions_of_this_machine_are_met() -> None:
    check_conditions(conditions(runtime=f"=={onnxruntime.__version__}"))
