from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from bedside.errors import PackageRefused
from bedside.runtime import memory
from bedside.runtime.memory import MAX_FOLDED, asked_too_much, bound_memory, too_much_asked
from bedside.runtime.session import Session
from tests.package.building import conditions, model, model_of

ROOT = Path(__file__).resolve().parents[2]

LOAD = """
import resource, sys
from pathlib import Path
from bedside.runtime.session import Session
from tests.package.building import conditions, model
Session(Path(sys.argv[1]).read_bytes(), model(5), conditions(graph_optimisation=sys.argv[2]), 5)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def outer_product(side: int) -> bytes:
    """A network of `side` × 8 bytes whose one intermediate value has `side`² elements."""
    column, row = np.ones((side, 1), np.float32), np.ones((1, side), np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["m"], keepdims=0),
        helper.make_node("Add", ["a", "m"], ["am"]),
        helper.make_node("Mul", ["am", "b"], ["big"]),
        helper.make_node("ReduceMean", ["big"], ["mean"], keepdims=0),
        helper.make_node("Add", ["x", "mean"], ["probabilities"]),
    ]
    weights = [numpy_helper.from_array(column, "a"), numpy_helper.from_array(row, "b")]
    return bytes(model_of(nodes, weights, (5, 5)).SerializeToString())


def folded(count: int) -> bytes:
    """A network with `count` constants of 8 MiB each, which a runtime would compute at load."""
    nodes = [
        *(helper.make_node("ConstantOfShape", ["s"], [f"c{n}"]) for n in range(count)),
        helper.make_node("Concat", [f"c{n}" for n in range(count)], ["all"], axis=0),
        helper.make_node("ReduceMean", ["all"], ["mean"], keepdims=0),
        helper.make_node("Add", ["x", "mean"], ["probabilities"]),
    ]
    shape = numpy_helper.from_array(np.array([2**21]), "s")
    return bytes(model_of(nodes, [shape], (5, 5)).SerializeToString())


def test_a_network_that_asks_for_too_much_is_refused_by_name() -> None:
    session = Session(outer_product(60_000), model(5), conditions(), 5)
    with pytest.raises(PackageRefused) as caught:
        session(np.ones((1, 5)))
    assert caught.value.message == (
        "The network asks for more memory than the 4 GiB that all networks of a process share."
    )


def test_a_network_that_asks_for_little_is_answered() -> None:
    session = Session(outer_product(600), model(5), conditions(), 5)
    np.testing.assert_array_equal(session(np.ones((2, 5))), np.full((2, 5), 3.0))


@pytest.mark.parametrize("level", ["basic", "all"])
def test_loading_computes_no_large_constants(level: str, tmp_path: Path) -> None:
    held = []
    for name, network in (("small", outer_product(2)), ("large", folded(64))):
        (tmp_path / name).write_bytes(network)
        command = [sys.executable, "-c", LOAD, str(tmp_path / name), level]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        held.append(int(done.stdout) * 1024)
    assert held[1] - held[0] < 64 * 2**20  # folded, it would be 512 MiB


def test_the_options_are_those_that_onnx_runtime_knows() -> None:
    options = onnxruntime.SessionOptions()
    bound_memory(options)
    assert options.get_session_config_entry("session.use_env_allocators") == "1"
    entry = options.get_session_config_entry(
        "optimization.constant_folding_max_output_size_in_bytes"
    )
    assert entry == str(MAX_FOLDED)


def test_only_a_lack_of_memory_counts_as_such() -> None:
    assert asked_too_much(MemoryError())
    assert asked_too_much(RuntimeError("bfc_arena.cc:360 Available memory of 1 is smaller"))
    assert not asked_too_much(RuntimeError("Non-zero status code returned"))
    assert str(memory.MAX_MEMORY // 2**30) in str(too_much_asked())
