from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

from bedside.freezing.pytorch.module import module_in_memory
from bedside.freezing.pytorch.source import translate_module
from tests.freezing.pytorch.exporting import EXPORTED
from tests.freezing.pytorch.networks import KINDS, network, rows

ROOT = Path(__file__).parents[3]


def exported_anew(kind: str) -> bytes:
    make, shape = KINDS[kind]
    return translate_module(module_in_memory(network(make)), rows(4, *shape)).network.onnx


exported = cache(exported_anew)


def texts(message: Any) -> Iterator[tuple[str, str]]:
    """Yield every text in a protobuf message, with the name of its field."""
    for field, value in message.ListFields():
        for one in value if field.is_repeated else [value]:
            if hasattr(one, "ListFields"):
                yield from texts(one)
            elif isinstance(one, str):
                yield field.name, one


@pytest.mark.slow
def test_two_processes_with_nothing_in_common_give_the_same_bytes(tmp_path: Path) -> None:
    started = []
    for number, zone in enumerate(("Asia/Tokyo", "America/Lima")):
        folder = tmp_path / str(number)
        folder.mkdir()
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONHASHSEED": str(number + 1),
            "HOME": str(folder),
            "TZ": zone,
            "USER": f"somebody-{number}",
            "OMP_WAIT_POLICY": "passive",  # the other core is another test's
        }
        command = [sys.executable, "-m", "tests.freezing.pytorch.exporting", str(folder)]
        started.append((folder, subprocess.Popen(command, cwd=folder, env=environment)))
    assert [process.wait(timeout=200) for _, process in started] == [0, 0]
    (one, _), (other, _) = started
    for kind in EXPORTED:
        data = (one / f"{kind}.onnx").read_bytes()
        assert data == (other / f"{kind}.onnx").read_bytes(), kind
        assert data == exported(kind), f"{kind}: this process gives other bytes"


@pytest.mark.parametrize("kind", ["any size", "lstm"])
def test_nothing_of_this_machine_or_the_author_is_told(kind: str) -> None:
    model = onnx.load_model_from_string(exported(kind))
    assert model.producer_name == model.producer_version == model.doc_string == ""
    assert not model.metadata_props
    assert not model.functions
    for field, text in texts(model):
        assert field not in {"doc_string", "key"}, text
        assert not re.search(r"[/\\]|\.py|torch|aten", text), (field, text)


def test_weights_keep_their_names_and_all_else_is_numbered() -> None:
    graph = onnx.load_model_from_string(exported("perceptron")).graph
    assert {"network.layers.4.weight", "network.layers.4.bias"} <= {
        one.name for one in graph.initializer
    }
    assert [one.name for one in graph.input] == ["input"]
    assert [one.name for one in graph.output] == ["output"]
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "rows"
    assert all(re.fullmatch(r"[A-Z]\w+_\d+", node.name) for node in graph.node)


def test_a_second_export_gives_the_same_bytes_whatever_was_drawn_between() -> None:
    before = exported("perceptron")
    torch.manual_seed(99)
    torch.rand(7)
    assert exported_anew("perceptron") == before
