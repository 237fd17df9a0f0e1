"""ONNX files whose functions call one another without end, or nearly so."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from onnx import helper

from tests.hostile.hostile import Hostile
from tests.package.building import OPSET, model_of


def with_functions() -> Iterator[Hostile]:
    """Yield files to be frozen whose functions call one another without end, or nearly so."""
    opset = [helper.make_opsetid("", OPSET), helper.make_opsetid("own", 1)]

    def function(name: str, *called: str) -> onnx.FunctionProto:
        names = ["x", *(f"v{n}" for n in range(len(called) - 1)), "y"]
        nodes = [
            helper.make_node(one, [names[n]], [names[n + 1]], domain="" if one == "Relu" else "own")
            for n, one in enumerate(called)
        ]
        return helper.make_function("own", name, ["x"], ["y"], nodes, opset)

    def model(*functions: onnx.FunctionProto) -> bytes:
        call = helper.make_node(functions[-1].name, ["x"], ["probabilities"], domain="own")
        made = model_of([call], [], (2, 2))
        made.functions.extend(functions)
        made.opset_import.append(opset[1])
        return bytes(made.SerializeToString())

    relu, large = function("f0", "Relu"), function("f0", "Relu")
    large.node[0].doc_string = "a" * 2**20
    deep = [function(f"f{n}", f"f{n - 1}") for n in range(1, 100)]
    laugh = [function(f"f{n}", *[f"f{n - 1}"] * 2) for n in range(1, 60)]
    some = [function(f"f{n}", *[f"f{n - 1}"] * 2) for n in range(1, 10)]
    round_about = (function("f0", "f1"), function("f1", "f0"))
    yield Hostile("good-functions.onnx", "onnx", model(relu, *some), None)
    told = {
        "billion-laughs": (model(relu, *laugh), "stand for more than 20000 operators"),
        "large-laughs": (model(large, *some), "stand for more than 268435456 bytes"),
        "function-of-itself": (model(function("f0", "f0")), "'f0' calls itself"),
        "functions-round-about": (model(*round_about), "'f0' calls itself or one that does"),
        "functions-deep": (model(relu, *deep), "call one another more than 32 deep"),
        "function-twice": (model(relu, relu), "two of its functions have one name"),
    }
    for name, (data, says) in told.items():
        yield Hostile(f"{name}.onnx", "onnx", data, says)
