from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch.nn import functional

from bedside.lab.brain.graph import INPUT, OUTPUT, network_graph, phased
from bedside.lab.brain.network import BrainNetwork, NetworkSettings


@pytest.fixture(scope="module")
def network() -> BrainNetwork:
    torch.manual_seed(4)
    made = BrainNetwork(NetworkSettings(widths=(8, 12, 16)))
    for weight in made.parameters():
        weight.data += 0.1 * torch.randn(weight.shape)
    return made


@pytest.mark.parametrize("shape", [(16, 24, 16), (32, 16, 8)])
def test_gives_what_the_network_gives_at_any_size(
    network: BrainNetwork, shape: tuple[int, int, int]
) -> None:
    session = onnxruntime.InferenceSession(
        network_graph(network), providers=["CPUExecutionProvider"]
    )
    image = np.random.default_rng(1).random((1, 1, *shape), dtype=np.float32)
    found = session.run([OUTPUT], {INPUT: image})[0]
    with torch.no_grad():
        wanted = network(torch.from_numpy(image)).numpy()
    assert np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()


def test_holds_nothing_but_plain_operators(network: BrainNetwork) -> None:
    graph = onnx.load_from_string(network_graph(network)).graph
    kinds = {node.op_type for node in graph.node}
    assert kinds == {"Conv", "LeakyRelu", "MaxPool", "Add", "ConvTranspose"}


def test_is_the_same_bytes_for_the_same_network(network: BrainNetwork) -> None:
    assert network_graph(network) == network_graph(network)


def test_a_convolution_of_a_doubled_grid_is_one_of_its_phases() -> None:
    weight, coarse = torch.randn(3, 5, 3, 3, 3), torch.randn(1, 5, 4, 3, 2)
    doubled = coarse.repeat_interleave(2, 2).repeat_interleave(2, 3).repeat_interleave(2, 4)
    wanted = functional.conv3d(doubled, weight, padding=1)
    phases = functional.conv3d(coarse, phased(weight), padding=1)
    sorting = torch.eye(8).view(8, 1, 2, 2, 2).repeat(3, 1, 1, 1, 1)
    found = functional.conv_transpose3d(phases, sorting, stride=2, padding=1, groups=3)
    assert torch.allclose(found, wanted, atol=1e-4)


def test_does_less_than_the_network_as_it_is_trained(network: BrainNetwork) -> None:
    """A doubled grid costs 8 products a channel and fine voxel, not 27, and is never written down."""
    graph = onnx.load_from_string(network_graph(network)).graph
    shapes = {one.name: tuple(one.dims) for one in graph.initializer}
    weights = [shapes[node.input[1]] for node in graph.node if node.op_type == "Conv"]
    assert [shape for shape in weights if shape[2:] == (2, 2, 2)] == [
        (8, 1, 2, 2, 2),
        (8 * 12, 16, 2, 2, 2),
        (8 * 8, 12, 2, 2, 2),
    ]
    assert "Resize" not in {node.op_type for node in graph.node}
