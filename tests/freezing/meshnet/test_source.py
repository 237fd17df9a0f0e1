from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bedside.canonical import Json
from bedside.errors import FreezeRefused
from bedside.freezing.meshnet import graph
from bedside.freezing.meshnet.network import MeshLayer, MeshNet
from bedside.freezing.meshnet.source import MeshNetSource, memory_of, meshnet_source
from bedside.freezing.volumes.freeze import freeze_volume
from bedside.runtime.runner import load
from tests.freezing.meshnet.folders import PLAIN, TINY, Asked, folder_of
from tests.freezing.volumes.building import (
    THREE_CLASSES,
    WHEN,
    output_of,
    volume_spec,
)


@pytest.fixture
def source(tmp_path: Path) -> MeshNetSource:
    return meshnet_source(folder_of(TINY).write(tmp_path / "tiny"))


class TestAMeshNet:
    def test_becomes_a_package_that_proves_itself(self, source: MeshNetSource) -> None:
        made = freeze_volume(source, volume_spec(), frozen_at=WHEN)
        manifest = made.package.manifest
        assert manifest.lineage.algorithm == "MeshNet, 3 convolutions, 550 weights"
        assert manifest.lineage.parameters["digest"] == source.net.digest
        assert [name for name, _, _ in made.report.groups] == [
            "layer first_gn",
            "layer second_gn",
            "layer output",
        ]
        assert manifest.lineage.difference.largest < 1e-5
        assert load(made.package).manifest.golden.cases == 1

    def test_gives_the_same_bytes_for_the_same_inputs(self, source: MeshNetSource) -> None:
        one = freeze_volume(source, volume_spec(), frozen_at=WHEN)
        assert freeze_volume(source, volume_spec(), frozen_at=WHEN).archive == one.archive

    def test_without_normalisation_and_with_three_classes_is_frozen_too(
        self, tmp_path: Path
    ) -> None:
        plain = meshnet_source(folder_of(PLAIN).write(tmp_path))
        made = freeze_volume(plain, volume_spec(output=output_of(THREE_CLASSES)), frozen_at=WHEN)
        assert set(made.package.golden[0].scores) == {"white", "grey"}

    def test_whose_graph_says_something_else_is_refused_with_the_layer(
        self, source: MeshNetSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        right = graph.onnx_of_every_layer

        def wrong(net: MeshNet, shape: tuple[int, int, int]) -> bytes:
            layers = (net.layers[0], _shifted(net.layers[1]), *net.layers[2:])
            return right(dataclasses.replace(net, layers=layers), shape)

        monkeypatch.setattr("bedside.freezing.meshnet.comparing.onnx_of_every_layer", wrong)
        with pytest.raises(FreezeRefused, match="the layer 'second_gn' differs"):
            freeze_volume(source, volume_spec(), frozen_at=WHEN)


def _shifted(layer: MeshLayer) -> MeshLayer:
    """Return a layer with one axis of its kernel turned round."""
    return dataclasses.replace(layer, kernel=np.ascontiguousarray(layer.kernel[:, :, ::-1]))


MISFITS: dict[str, tuple[dict[str, Json], str]] = {
    "three classes": ({"output": output_of(THREE_CLASSES)}, "3 classes"),
    "a number": ({"output": {"kind": "number", "name": "age", "unit": "a"}}, "kind number"),
    "another size": ({"preprocessing": [{"op": "conform", "side": 64}]}, "64 × 64 × 64"),
    "any size": ({"preprocessing": [{"op": "minimum_maximum"}]}, "any shape"),
    "windows": ({"inference": {"mode": "sliding", "patch": [16, 16, 16]}}, "whole"),
}


@pytest.mark.parametrize("what", MISFITS)
def test_a_spec_that_does_not_fit_is_refused(what: str, source: MeshNetSource) -> None:
    changes, told = MISFITS[what]
    with pytest.raises(FreezeRefused, match=told):
        source.network(volume_spec(**changes))


def test_operations_that_nobody_states_are_those_of_brainchop(tmp_path: Path) -> None:
    cube = meshnet_source(folder_of(TINY, side=256).write(tmp_path))
    network = cube.network(volume_spec(preprocessing=[]))
    assert [one.op for one in network.operations] == ["conform", "eight_bit", "minimum_maximum"]


def test_memory_is_that_of_two_neighbouring_tensors(tmp_path: Path) -> None:
    net = read(tmp_path)
    assert memory_of(net) == pytest.approx(2 * 4 * 32**3 * 4, abs=100 * 2**20)


def read(folder: Path) -> MeshNet:
    return meshnet_source(folder_of(TINY).write(folder)).net


def test_a_network_that_no_process_can_run_is_refused_before_anything_is_computed(
    tmp_path: Path,
) -> None:
    wide = (Asked("wide", 64, activation="relu"), Asked("output", 2, kernel=1, activation=None))
    source = meshnet_source(folder_of(wide, side=256).write(tmp_path))
    with pytest.raises(FreezeRefused, match=r"one run takes 8\.1 GiB, more than the 4 GiB"):
        source.network(volume_spec(preprocessing=[]))
