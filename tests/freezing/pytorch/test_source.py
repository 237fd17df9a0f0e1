from __future__ import annotations

import copy
from functools import cache

import numpy as np
import onnxruntime as ort
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from bedside.errors import FreezeRefused, UsageError
from bedside.freezing.pytorch.export import ExportedNetwork
from bedside.freezing.pytorch.module import LoadedModule, module_in_memory
from bedside.freezing.pytorch.source import TorchModel, translate_module
from bedside.runtime.onnx_wire import read_opset
from tests.freezing.pytorch.networks import (
    KINDS,
    Convolutions,
    Perceptron,
    Rows,
    TwoHeads,
    network,
    rows,
)


def answers(exported: ExportedNetwork, given: Rows) -> NDArray[np.float32]:
    """Return what ONNX Runtime makes of `given`, optimised as packages are."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = ort.InferenceSession(exported.onnx, options, providers=["CPUExecutionProvider"])
    (made,) = session.run([exported.output], {exported.input: given})
    return np.asarray(made)


def largest_difference(model: TorchModel, given: Rows) -> float:
    return float(np.abs(model.native(given) - answers(model.network, given)).max())


@cache
def translated(kind: str) -> TorchModel:
    """Return one of the networks, translated; it comes in training mode."""
    make, shape = KINDS[kind]
    return translate_module(module_in_memory(network(make)), rows(4, *shape))


@pytest.mark.parametrize("kind", KINDS)
def test_native_and_frozen_give_the_same_scores_for_any_number_of_rows(kind: str) -> None:
    model, (_, shape) = translated(kind), KINDS[kind]
    for count in (1, 2, 5):
        given = rows(count, *shape, seed=count)
        assert answers(model.network, given).shape == (count, model.network.columns)
        assert largest_difference(model, given) <= 1e-5
    assert read_opset(model.network.onnx) == model.network.opset == {"ai.onnx": 18}


def test_the_native_answers_are_those_of_the_authors_own_network() -> None:
    own = network(Convolutions)
    model = translate_module(module_in_memory(own), rows(4, 1, 64, 64))
    given = rows(40, 1, 64, 64, seed=9)
    with torch.no_grad():
        expected = own.eval()(torch.from_numpy(given)).numpy()
    assert np.abs(model.native(given) - expected).max() < 1e-5


def test_a_network_in_memory_stays_as_it_was() -> None:
    own = network(Perceptron).half()
    before = copy.deepcopy(own.state_dict())
    translate_module(module_in_memory(own), rows(4, 12))
    assert own.training
    assert all(torch.equal(before[key], one) for key, one in own.state_dict().items())


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(UsageError, match=r"is a type, not a torch\.nn\.Module.*Net\(\), not Net"):
        module_in_memory(Perceptron)  # type: ignore[arg-type] # what people do
    with pytest.raises(UsageError, match=r"shape \(12,\)"):
        translate_module(module_in_memory(Perceptron()), rows(12))


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
def test_wrappers_are_taken_off_and_torchscript_is_sent_back() -> None:
    own = network(Perceptron).eval()
    for wrapper in (nn.DataParallel(own), torch.compile(own, backend="eager")):
        assert isinstance(wrapper, nn.Module)
        loaded = module_in_memory(wrapper)
        assert loaded.name.endswith("networks.Perceptron")
        assert "taken out of" in loaded.notes[0]
    with pytest.raises(FreezeRefused, match=r"TorchScript.*the network that it was made from"):
        module_in_memory(torch.jit.script(nn.Linear(4, 2)))


def test_one_row_is_example_enough() -> None:
    model = translate_module(module_in_memory(network(Perceptron)), rows(1, 12))
    assert largest_difference(model, rows(7, 12)) <= 1e-5


def test_one_output_of_several_is_chosen_by_name() -> None:
    loaded = module_in_memory(network(TwoHeads))
    with pytest.raises(
        FreezeRefused, match=r"a dict with \['map', 'logits'\].*output in \[network\]"
    ):
        translate_module(loaded, rows(4, 1, 8, 8))
    with pytest.raises(FreezeRefused, match="no output 'logit'"):
        translate_module(loaded, rows(4, 1, 8, 8), output="logit")
    model = translate_module(loaded, rows(4, 1, 8, 8), output="logits")
    assert model.network.columns == 2
    assert largest_difference(model, rows(5, 1, 8, 8)) <= 1e-5


class Pair(nn.Module):
    """Scores and features, as a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, self.fc(x)


def test_one_output_of_several_is_chosen_by_position() -> None:
    loaded = module_in_memory(network(Pair))
    with pytest.raises(FreezeRefused, match="a tuple of 2 outputs"):
        translate_module(loaded, rows(4, 4))
    assert translate_module(loaded, rows(4, 4), output="1").network.columns == 2


def test_one_number_for_each_row_becomes_a_column_and_is_said() -> None:
    model = translated("residual network")
    assert model.network.columns == 1
    assert any("rows × 1" in note for note in model.notes)


def test_training_mode_is_noted_where_it_matters() -> None:
    assert any("came in training mode" in note for note in translated("perceptron").notes)
    ready = network(Perceptron).eval()
    assert translate_module(module_in_memory(ready), rows(4, 12)).notes == ()


def test_the_lineage_names_class_arguments_size_and_version() -> None:
    loaded = LoadedModule(network(Perceptron), "net.Net", {"classes": 3}, ("a note",))
    model = translate_module(loaded, rows(4, 12))
    assert model.native.algorithm == "torch.nn.Module net.Net"
    assert model.native.parameters == {
        "class": "net.Net",
        "arguments": {"classes": 3},
        "parameters": 12 * 32 + 32 + 32 * 3 + 3 + 64,
        "torch": torch.__version__,
    }
    assert model.notes[0] == "a note"


def test_pytorchs_threads_are_as_they_were() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)  # not the number that ours are asked with
    try:
        translate_module(module_in_memory(network(Perceptron)), rows(4, 12)).native(rows(3, 12))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    translate_module(module_in_memory(network(Convolutions)), rows(4, 1, 64, 64))
    assert capfd.readouterr() == ("", "")
