from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from bedside.freezing.meshnet.comparing import small_shape
from bedside.freezing.meshnet.graph import onnx_of, onnx_of_every_layer
from bedside.freezing.meshnet.network import MeshNet
from bedside.freezing.meshnet.plain import layer_by_layer
from bedside.freezing.meshnet.reading import read_meshnet
from bedside.runtime.engines.engine import Prepared
from bedside.runtime.engines.onnx import OnnxEngine
from bedside.runtime.progress import silent
from tests.freezing.meshnet.folders import PLAIN, TINY, Asked, declared, folder_of

Shape = tuple[int, int, int]


def run(
    graph: bytes, shape: Shape, channels: int, volume: NDArray[np.float32]
) -> NDArray[np.float32]:
    engine = OnnxEngine(graph, *declared(graph, shape), channels)
    return engine(Prepared(volume[np.newaxis], np.eye(4)), silent)


def by_torch(net: MeshNet, volume: NDArray[np.float32]) -> NDArray[np.float64]:
    """A third reading of the same weights, by another library, in double precision."""
    here = torch.from_numpy(volume.astype(np.float64))[None, None]
    for layer in net.layers:
        kernel = torch.from_numpy(layer.kernel.astype(np.float64)).permute(4, 3, 0, 1, 2)
        bias = None if layer.bias is None else torch.from_numpy(layer.bias.astype(np.float64))
        here = functional.conv3d(here, kernel, bias, padding="same", dilation=layer.dilation)
        if layer.normalised:
            here = functional.group_norm(here, layer.gives, eps=1e-5)
        match layer.activation:
            case "relu":
                here = functional.relu(here)
            case "elu":
                here = functional.elu(here)
            case "gelu":
                here = functional.gelu(here)
    return np.asarray(here[0].numpy())


ASYMMETRIC = (
    Asked("a_gn", 3, dilation=3, bias=True, activation="elu"),
    Asked("b", 2, kernel=5, dilation=2, activation="gelu"),
    Asked("c_gn", 2, bias=True, activation=None),
)


@pytest.fixture(params=["normalised", "plain", "asymmetric"])
def net(request: pytest.FixtureRequest, tmp_path: Path) -> MeshNet:
    asked = {"normalised": TINY, "plain": PLAIN, "asymmetric": ASYMMETRIC}[request.param]
    return read_meshnet(folder_of(asked, shape=(18, 20, 22)).write(tmp_path))


def volume_of(shape: Shape) -> NDArray[np.float32]:
    return np.random.default_rng(3).random(shape, dtype=np.float32)


class TestTheGraph:
    def test_gives_what_every_layer_gives_in_numpy(self, net: MeshNet) -> None:
        volume = volume_of(net.shape)
        graph = onnx_of_every_layer(net, net.shape)
        scores = run(graph, net.shape, sum(one.gives for one in net.layers), volume)
        begin = 0
        for layer, wanted in zip(net.layers, layer_by_layer(net, volume), strict=True):
            given = scores[begin : begin + layer.gives].transpose(1, 2, 3, 0)
            begin += layer.gives
            assert np.abs(given - wanted).max() < 1e-5 * max(1.0, float(np.abs(wanted).max()))

    def test_gives_at_its_end_what_another_library_gives(self, net: MeshNet) -> None:
        volume = volume_of(net.shape)
        scores = run(onnx_of(net, net.shape), net.shape, net.classes, volume)
        *_, last = layer_by_layer(net, volume)
        wanted = by_torch(net, volume)
        assert np.abs(last.transpose(3, 0, 1, 2) - wanted).max() < 1e-10
        assert np.abs(scores - wanted).max() < 1e-5 * max(1.0, float(np.abs(wanted).max()))

    def test_has_the_same_bytes_every_time(self, net: MeshNet) -> None:
        assert onnx_of(net, net.shape) == onnx_of(net, net.shape)


def test_a_normalisation_over_millions_of_voxels_keeps_its_precision(tmp_path: Path) -> None:
    """ONNX Runtime's own InstanceNormalization is off by a hundredth of a deviation here."""
    shape = (160, 160, 160)
    asked = (Asked("only_gn", 1, kernel=1, bias=True, activation=None),)
    net = read_meshnet(folder_of(asked, shape=shape).write(tmp_path))
    volume = np.zeros(shape, np.float32)
    volume[20:130, 30:120, 30:120] = np.random.default_rng(0).gamma(2, 1, (110, 90, 90))
    scores = run(onnx_of(net, shape), shape, 1, volume)
    (wanted,) = layer_by_layer(net, volume)
    assert np.abs(scores[0] - wanted[..., 0]).max() < 2e-5


class TestTheRealWeights:
    @pytest.mark.parametrize("name", ["mindgrab", "gray-white"])
    def test_give_in_the_frozen_graph_what_they_give_in_numpy(
        self, name: str, samples: Path
    ) -> None:
        net = read_meshnet(samples / "meshnet" / name)
        shape = small_shape(net)
        volume = volume_of(shape)
        scores = run(onnx_of(net, shape), shape, net.classes, volume)
        *_, wanted = layer_by_layer(net, volume)
        far = np.abs(scores.transpose(1, 2, 3, 0) - wanted).max()
        assert far < 2e-5 * float(np.abs(wanted).max())

    def test_are_the_networks_that_they_are_known_to_be(self, samples: Path) -> None:
        mindgrab = read_meshnet(samples / "meshnet" / "mindgrab")
        assert (len(mindgrab.layers), mindgrab.classes, mindgrab.field) == (26, 2, 311)
        tissue = read_meshnet(samples / "meshnet" / "gray-white")
        assert (len(tissue.layers), tissue.classes, tissue.field) == (10, 3, 93)
