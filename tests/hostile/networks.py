"""ONNX files that reach out of themselves, or ask for memory and time without end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.hostile.hostile import Hostile
from tests.hostile.onnx_functions import with_functions
from tests.package.building import model_of, network

Change = Callable[[onnx.ModelProto], None]


def networks() -> Iterator[Hostile]:
    """Yield the networks of the corpus."""
    yield Hostile("good.onnx", "network", network().SerializeToString(), None)
    yield Hostile("good-run.onnx", "run", network().SerializeToString(), None)
    for name, (change, says) in {**_outside(), **_tensors(), **_odd()}.items():
        model = network()
        change(model)
        yield Hostile(f"{name}.onnx", "network", model.SerializeToString(), says)
    for name, (node, constants, says) in {**_operators(), **_shapes()}.items():
        weights = [numpy_helper.from_array(value, key) for key, value in constants.items()]
        model = model_of([node], weights, (2, 2))
        yield Hostile(f"{name}.onnx", "network", model.SerializeToString(), says)
    yield from _bytes()
    yield from _at_run_time()
    yield from _slow()
    yield from with_functions()
    for name, (graph, says) in {**_texts(), **_scopes()}.items():
        yield Hostile(f"{name}.onnx", "network", graph.SerializeToString(), says)


def _tensor(**parts: Any) -> TensorProto:
    return TensorProto(name="big", **parts)


def _outside() -> dict[str, tuple[Change, str]]:
    def external(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer.add(name="out", dims=[1], data_type=1)
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "../../../etc/passwd"

    def external_constant(model: onnx.ModelProto) -> None:
        tensor = TensorProto(name="out", dims=[1], data_type=1)
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "/dev/zero"
        model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))

    def function(model: onnx.ModelProto) -> None:
        model.functions.add(name="f", domain="local")

    def training(model: onnx.ModelProto) -> None:
        model.training_info.add()

    def custom(domain: str) -> Change:
        def change(model: onnx.ModelProto) -> None:
            model.graph.node[0].domain = domain
            model.opset_import.append(helper.make_opsetid(domain, 1))

        return change

    return {
        "external-data": (external, "keeps data outside its file"),
        "external-data-of-a-constant": (external_constant, "keeps data outside its file"),
        "functions-of-its-own": (function, "functions of its own"),
        "training-steps": (training, "training steps"),
        "custom-domain": (custom("com.example"), "domain 'com.example', which is not part of ONNX"),
        "contributed-operators": (custom("com.microsoft"), "not part of ONNX"),
    }


def _tensors() -> dict[str, tuple[Change, str]]:
    def weight(**parts: Any) -> Change:
        return lambda model: model.graph.initializer.append(_tensor(**parts))

    def sparse(model: onnx.ModelProto) -> None:
        tensor = model.graph.sparse_initializer.add(dims=[2**20, 2**20])
        tensor.values.CopyFrom(_tensor(dims=[1], data_type=1, float_data=[1.0]))

    def twice(model: onnx.ModelProto) -> None:
        model.graph.initializer.append(model.graph.initializer[0])

    def constant(model: onnx.ModelProto) -> None:
        value = TensorProto(dims=[2**40], data_type=1, raw_data=b"1234")
        model.graph.node.append(helper.make_node("Constant", [], ["c"], value=value))

    return {
        "gigantic-weight-raw": (
            weight(dims=[2**20, 2**20], data_type=1, raw_data=b"1234"),
            "has the shape 1048576 × 1048576, which needs 4398046511104 bytes; 4 are given",
        ),
        "gigantic-weight-typed": (
            weight(dims=[2**40], data_type=1, float_data=[1.0]),
            "needs 1099511627776 numbers",
        ),
        "gigantic-weight-without-data": (weight(dims=[2**40], data_type=7), "0 are given"),
        "gigantic-weight-of-texts": (
            weight(dims=[2**40], data_type=8, string_data=[b"a"]),
            "1 are given",
        ),
        "overflowing-weight": (weight(dims=[2**62, 4], data_type=1), "which needs"),
        "negative-weight": (weight(dims=[-1], data_type=1), "has an axis of -1"),
        "weight-with-too-little": (weight(dims=[3], data_type=1, raw_data=b"1" * 8), "8 are given"),
        "weight-with-too-much": (weight(dims=[1], data_type=1, raw_data=b"1" * 8), "8 are given"),
        "weight-given-twice": (
            weight(dims=[1], data_type=1, raw_data=b"1234", float_data=[1.0]),
            "gives its data twice",
        ),
        "weight-of-an-unknown-type": (weight(dims=[1], data_type=99), "unknown type 99"),
        "weight-with-a-thousand-axes": (weight(dims=[1] * 1000, data_type=1), "more than 32 axes"),
        "gigantic-constant": (constant, "needs 4398046511104 bytes"),
        "sparse-weight": (sparse, "holds sparse tensors"),
        "two-weights-of-one-name": (twice, "Two weights of the model are called 'weights'"),
    }


def _version(number: int) -> Change:
    def change(model: onnx.ModelProto) -> None:
        model.opset_import[0].version = number

    return change


def _form(number: int) -> Change:
    def change(model: onnx.ModelProto) -> None:
        model.ir_version = number

    return change


def _deep(model: onnx.ModelProto) -> None:
    graph = helper.make_graph([], "leaf", [], [])
    for _ in range(30):
        node = helper.make_node("If", ["c"], ["y"], then_branch=graph)
        graph = helper.make_graph([node], "g", [], [])
    model.graph.MergeFrom(graph)


def _crowd(model: onnx.ModelProto) -> None:
    model.graph.node.extend([helper.make_node("Identity", ["x"], ["z"])] * 30_000)


def _words(model: onnx.ModelProto) -> None:
    node = helper.make_node("LabelEncoder", ["x"], ["z"], domain="ai.onnx.ml")
    node.attribute.add(name="keys_strings", strings=[b"a"] * 400_000)
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    model.graph.node.append(node)


def _odd() -> dict[str, tuple[Change, str]]:
    element = helper.make_tensor_type_proto(1, [])

    def sequence(model: onnx.ModelProto) -> None:
        kind = helper.make_sequence_type_proto(element)
        model.graph.output.append(helper.make_value_info("many", kind))

    def optional(model: onnx.ModelProto) -> None:
        kind = helper.make_optional_type_proto(element)
        model.graph.input.append(helper.make_value_info("maybe", kind))

    def again(model: onnx.ModelProto) -> None:
        model.opset_import.append(helper.make_opsetid("ai.onnx", 1))

    return {
        "opset-of-the-future": (_version(10**9), "there is none such"),
        "opset-zero": (_version(0), "there is none such"),
        "opset-twice": (again, "imports the domain 'ai.onnx' twice"),
        "format-of-the-future": (_form(10**9), "format version 1000000000 is not known"),
        "sequence-output": (sequence, "The model's value 'many' is a sequence"),
        "optional-input": (optional, "The model's value 'maybe' is a sequence"),
        "graphs-within-graphs": (_deep, "nests more than 8 graphs"),
        "thirty-thousand-operators": (_crowd, "more than 20000 operators"),
        "four-hundred-thousand-texts": (_words, "more than 250000 parts"),
    }


def _texts() -> dict[str, tuple[onnx.ModelProto, str]]:
    """Return networks that make texts, which no limit of the runtime counts."""
    text = TensorProto(name="t", dims=[1], data_type=8, string_data=[b"a" * 1024])
    learnt = "ai.onnx.ml"

    def model(node: onnx.NodeProto, *weights: TensorProto) -> onnx.ModelProto:
        made = model_of([node], list(weights), (2, 2))
        made.opset_import.append(helper.make_opsetid(learnt, 3))
        return made

    labels: dict[str, Any] = {"coefficients": [1.0, 1.0], "classlabels_strings": ["a", "b" * 1024]}
    skipped: dict[str, Any] = {"coefficients": [1.0, 1.0], "classlabels_strings": ["LEAF"] * 1000}
    encoder: dict[str, Any] = {"keys_int64s": [1], "values_strings": ["a" * 1024]}
    many = "holds or makes texts"
    return {
        "text-doubled": (
            model(helper.make_node("StringConcat", ["t", "t"], ["y"])),
            "The model uses StringConcat: texts",
        ),
        "text-expanded": (
            model(helper.make_node("Expand", ["t", "s"], ["y"]), text),
            "holds texts",
        ),
        "text-constant": (
            model(helper.make_node("Constant", [], ["y"], value_string="a" * 1024)),
            many,
        ),
        "text-tensor": (model(helper.make_node("Constant", [], ["y"], value=text)), "holds texts"),
        "text-of-numbers": (model(helper.make_node("Cast", ["x"], ["y"], to=8)), many),
        "text-of-labels": (
            model(helper.make_node("LinearClassifier", ["x"], ["l", "y"], domain=learnt, **labels)),
            many,
        ),
        "text-of-many-labels": (
            model(
                helper.make_node("LinearClassifier", ["x"], ["l", "y"], domain=learnt, **skipped)
            ),
            many,
        ),
        "text-of-codes": (
            model(helper.make_node("LabelEncoder", ["x"], ["y"], domain=learnt, **encoder)),
            many,
        ),
        "text-unsaid": (model(helper.make_node("LabelEncoder", ["x"], ["y"], domain=learnt)), many),
    }


def _scopes() -> dict[str, tuple[onnx.ModelProto, str]]:
    """Return networks in which a small constant has the name of a large one, or hides it."""

    def branch(side: int, made: str) -> onnx.GraphProto:
        value = numpy_helper.from_array(np.array([side]))
        nodes = [
            helper.make_node("Constant", [], ["s"], value=value),
            helper.make_node("ConstantOfShape", ["s"], [made]),
        ]
        return helper.make_graph(nodes, made, [], [helper.make_empty_tensor_value_info(made)])

    def either(first: int, second: int) -> onnx.ModelProto:
        then, other = branch(first, "t"), branch(second, "e")
        node = helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other)
        return model_of([node], [], (2, 2))

    def twice(name: str, *numbers: Any) -> onnx.ModelProto:
        node = helper.make_node("Cast", ["x"], ["y"])
        node.attribute.extend(helper.make_attribute(name, number) for number in numbers)
        return model_of([node], [], (2, 2))

    both = twice("to", [1] * 64)
    both.graph.node[0].attribute[0].i = 8
    many, double = "makes a tensor of about", "'to' of a Cast stands twice"
    return {
        "large-then-small": (either(2**40, 1), many),
        "small-then-large": (either(1, 2**40), many),
        "attribute-twice": (twice("to", 8, 1), double),
        "attribute-hidden-behind-numbers": (both, double),
    }


def _slow() -> Iterator[Hostile]:
    """Yield a network of a few kilobytes that multiplies for minutes."""
    weights = [numpy_helper.from_array(np.full((256, 256), 2.0**-8, np.float32), "a")]
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["m"], keepdims=0),
        helper.make_node("Add", ["a", "m"], ["m0"]),
        *(helper.make_node("MatMul", [f"m{n}", "a"], [f"m{n + 1}"]) for n in range(5_000)),
        helper.make_node("ReduceMean", ["m5000"], ["mean"], keepdims=0),
        helper.make_node("Add", ["x", "mean"], ["probabilities"]),
    ]
    data = model_of(nodes, weights, (5, 5)).SerializeToString()
    yield Hostile("slow.onnx", "run", data, "took longer than 0.2 s to run, and was stopped")


Case = tuple[onnx.NodeProto, dict[str, "np.ndarray[tuple[int, ...], np.dtype[np.generic]]"], str]


def _operators() -> dict[str, Case]:
    body = helper.make_graph([], "body", [], [])
    nodes = {
        "endless-loop": helper.make_node("Loop", ["", "c"], ["y"], body=body),
        "scan": helper.make_node("Scan", ["x"], ["y"], body=body, num_scan_inputs=1),
        "sequence-map": helper.make_node("SequenceMap", ["x"], ["y"], body=body),
        "sequence": helper.make_node("SequenceConstruct", ["x"], ["y"]),
        "optional": helper.make_node("Optional", ["x"], ["y"]),
        "search": helper.make_node("NonZero", ["x"], ["y"]),
        "sort": helper.make_node("Unique", ["x"], ["y"]),
        "mel-scale": helper.make_node("MelWeightMatrix", ["x"] * 5, ["y"]),
        "grid": helper.make_node("GridSample", ["x", "x"], ["y"]),
        "random-numbers": helper.make_node("RandomNormal", [], ["y"], shape=[2, 2]),
    }
    hidden = helper.make_graph([nodes["endless-loop"]], "branch", [], [])
    nodes["loop-in-a-branch"] = helper.make_node("If", ["c"], ["y"], then_branch=hidden)
    says = {"loop-in-a-branch": "Loop", "endless-loop": "Loop"}
    return {
        name: (node, {}, f"The model uses {says.get(name, node.op_type)}: ")
        for name, node in nodes.items()
    }


def _shapes() -> dict[str, Case]:
    huge = np.array([2**20, 2**20])
    many = "makes a tensor of about"
    pool = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2**40, 2**40])
    return {
        "constant-of-shape": (helper.make_node("ConstantOfShape", ["s"], ["y"]), {"s": huge}, many),
        "expand": (helper.make_node("Expand", ["x", "s"], ["y"]), {"s": huge}, many),
        "tile": (helper.make_node("Tile", ["x", "s"], ["y"]), {"s": huge}, many),
        "range": (
            helper.make_node("Range", ["a", "b", "c"], ["y"]),
            {"a": np.array(0), "b": np.array(2**60), "c": np.array(1)},
            many,
        ),
        "resize": (helper.make_node("Resize", ["x", "", "", "s"], ["y"]), {"s": huge}, many),
        "pad": (
            helper.make_node("Pad", ["x", "s"], ["y"]),
            {"s": np.array([0, 0, 2**40, 0])},
            many,
        ),
        "one-hot": (
            helper.make_node("OneHot", ["x", "s", "v"], ["y"]),
            {"s": np.array(2**40), "v": np.array([0, 1])},
            many,
        ),
        "absurd-kernel": (pool, {}, "'kernel_shape' of a MaxPool is 1099511627776"),
    }


def _bytes() -> Iterator[Hostile]:
    whole = network().SerializeToString()
    nested = b""
    for _ in range(5000):  # messages within messages, in a field that holds graphs
        nested = b"\x3a" + _varint(len(nested)) + nested
    told = {
        "ort-format": (b"\x20\0\0\0ORTM" + bytes(100), "ONNX Runtime's own format"),
        "not-onnx": (b"\x89PNG\r\n\x1a\n" + bytes(100), "not readable ONNX"),
        "empty": (b"", "imports no operator set"),
        "endless-number": (b"\xff" * 100, "a number without an end"),
        "part-longer-than-the-file": (b"\x3a\xff\xff\xff\xff\x0f", "longer than what holds it"),
        "endless-small-parts": (b"\x10\x01" * 300_000, "more than 250000 parts"),
        "protobuf-nested-deep": (nested, "imports no operator set"),
        "truncated": (whole[:-3], "longer than what holds it"),
    }
    for name, (data, says) in told.items():
        yield Hostile(f"{name}.onnx", "network", data, says)


def _varint(number: int) -> bytes:
    digits = b""
    while number >= 0x80:
        digits += bytes([number & 0x7F | 0x80])
        number >>= 7
    return digits + bytes([number])


def _at_run_time() -> Iterator[Hostile]:
    """Yield networks whose gigantic tensor comes about only while they are loaded or run."""
    column, row = np.ones((60_000, 1), np.float32), np.ones((1, 60_000), np.float32)
    constants = {"a": column, "b": row, "s": np.array([2**24])}

    def model(*nodes: onnx.NodeProto) -> bytes:
        last = [
            helper.make_node("ReduceMean", ["big"], ["mean"], keepdims=0),
            helper.make_node("Add", ["x", "mean"], ["probabilities"]),
        ]
        used = {name for node in nodes for name in node.input} & constants.keys()
        given = [numpy_helper.from_array(constants[name], name) for name in sorted(used)]
        return bytes(model_of([*nodes, *last], given, (5, 5)).SerializeToString())

    outer = helper.make_node("Add", ["a", "b"], ["big"])
    mixed = [
        helper.make_node("ReduceMean", ["x"], ["m"], keepdims=0),
        helper.make_node("Add", ["a", "m"], ["am"]),
        helper.make_node("Mul", ["am", "b"], ["big"]),
    ]
    says = "The network asks for more memory than the"
    yield Hostile("outer-product-of-weights.onnx", "run", model(outer), says)
    yield Hostile("outer-product-with-the-input.onnx", "run", model(*mixed), says)
    many = [
        helper.make_node("ConstantOfShape", ["s"], ["part"]),
        helper.make_node("Concat", ["part"] * 160, ["big"], axis=0),
    ]
    yield Hostile("a-constant-taken-160-times.onnx", "run", model(*many), says)
