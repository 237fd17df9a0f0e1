from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch.nn import functional

from bedside.lab.brain.graph import INPUT, OUTPUT, network_graph, unfolded
from bedside.lab.brain.network import BrainNetwork, NetworkSettings, depth_from_space


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
    assert kinds == {"Conv", "LeakyRelu", "MaxPool", "Resize", "Concat", "ConvTranspose"}


def test_is_the_same_bytes_for_the_same_network(network: BrainNetwork) -> None:
    assert network_graph(network) == network_graph(network)


def test_a_convolution_of_folded_voxels_is_one_of_voxels_with_a_step() -> None:
    weight, image = torch.randn(3, 8, 3, 3, 3), torch.randn(1, 1, 8, 6, 4)
    folded = functional.conv3d(depth_from_space(image), weight, padding=1)
    direct = functional.conv3d(image, unfolded(weight), stride=2, padding=2)
    assert torch.allclose(folded, direct, atol=1e-4)
