"""Folders as brainchop writes them, small enough for a test: `model.json` and its weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bedside.freezing.meshnet.graph import INPUT, OUTPUT
from bedside.package.manifest import Conditions
from bedside.package.volume_models import VolumeModel, WholeInference
from bedside.runtime.onnx_wire import read_opset
from bedside.runtime.session import this_processor


@dataclass(frozen=True)
class Asked:
    """One convolution to be written, and what follows it."""

    name: str
    gives: int
    dilation: int = 1
    kernel: int = 3
    bias: bool = True
    activation: str | None = "relu"


TINY = (
    Asked("first_gn", 4, dilation=2, bias=False, activation="gelu"),
    Asked("second_gn", 4, bias=False, activation="gelu"),
    Asked("output", 2, kernel=1, activation=None),
)
PLAIN = (
    Asked("one", 3, dilation=4),
    Asked("two", 3, dilation=3, activation="elu"),
    Asked("output", 3, kernel=1, activation=None),
)


@dataclass
class Folder:
    """What stands in the two files; change it, then `write`."""

    told: dict[str, Any]
    weights: bytes

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.json").write_text(json.dumps(self.told))
        (folder / "model.bin").write_bytes(self.weights)
        return folder

    @property
    def layers(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.told["modelTopology"]["model_config"]["config"][
            "layers"
        ]
        return listed

    @property
    def listed(self) -> list[dict[str, Any]]:
        weights: list[dict[str, Any]] = self.told["weightsManifest"][0]["weights"]
        return weights


def folder_of(
    asked: Sequence[Asked] = TINY, side: int = 32, seed: int = 0, shape: Sequence[int] | None = None
) -> Folder:
    """Return a network with seeded weights; its last layer has a bias for each class."""
    random = np.random.default_rng(seed)
    layers: list[dict[str, Any]] = [_input([*(shape or [side] * 3)])]
    weights: list[tuple[str, NDArray[np.float32]]] = []
    channels, before = 1, "input"
    for one in asked:
        layers.append(_convolution(one, before))
        before = one.name
        kernel = random.normal(0, 0.4, (*[one.kernel] * 3, channels, one.gives))
        weights.append((f"{one.name}/kernel", kernel.astype("<f4")))
        if one.bias:
            weights.append((f"{one.name}/bias", random.normal(0, 0.1, one.gives).astype("<f4")))
        if one.activation is not None:
            layers.append(_activation(one, before))
            before = f"{one.name}_activated"
        channels = one.gives
    folder = Folder(_whole(layers), b"".join(values.tobytes() for _, values in weights))
    folder.listed.extend(
        {"name": name, "shape": list(values.shape), "dtype": "float32"} for name, values in weights
    )
    return folder


def _input(shape: list[int]) -> dict[str, Any]:
    config = {
        "batch_input_shape": [None, *shape, 1],
        "dtype": "float32",
        "sparse": False,
        "ragged": False,
        "name": "input",
    }
    return {"class_name": "InputLayer", "config": config, "name": "input", "inbound_nodes": []}


def _convolution(one: Asked, before: str) -> dict[str, Any]:
    config = {
        "name": one.name,
        "trainable": True,
        "dtype": "float32",
        "filters": one.gives,
        "kernel_size": [one.kernel] * 3,
        "strides": [1, 1, 1],
        "padding": "same",
        "data_format": "channels_last",
        "dilation_rate": [one.dilation] * 3,
        "groups": 1,
        "activation": "linear",
        "use_bias": one.bias,
        "kernel_initializer": {"class_name": "Zeros", "config": {}},
    }
    return _after("Conv3D", config, before)


def _activation(one: Asked, before: str) -> dict[str, Any]:
    name = f"{one.name}_activated"
    return _after("Activation", {"name": name, "activation": one.activation}, before)


def _after(kind: str, config: dict[str, Any], before: str) -> dict[str, Any]:
    return {
        "class_name": kind,
        "config": config,
        "name": config["name"],
        "inbound_nodes": [[[before, 0, 0, {}]]],
    }


def _whole(layers: list[dict[str, Any]]) -> dict[str, Any]:
    config = {
        "name": "model",
        "layers": layers,
        "input_layers": [["input", 0, 0]],
        "output_layers": [[layers[-1]["name"], 0, 0]],
    }
    return {
        "format": "layers-model",
        "generatedBy": "a test",
        "convertedBy": None,
        "modelTopology": {
            "keras_version": "2.7.0",
            "backend": "tensorflow",
            "model_config": {"class_name": "Functional", "config": config},
        },
        "weightsManifest": [{"paths": ["model.bin"], "weights": []}],
    }


def declared(graph: bytes, shape: tuple[int, int, int]) -> tuple[VolumeModel, Conditions]:
    """Return what a manifest would say of a graph that `freezing.meshnet.graph` wrote."""
    model = VolumeModel(
        entry="model.onnx",
        opset=read_opset(graph),
        input=INPUT,
        element="float32",
        output=OUTPUT,
        inference=WholeInference(shape=shape),
    )
    conditions = Conditions(
        runtime=">=1.22",
        verified_with={},
        graph_optimisation="basic",
        processor=this_processor(),
    )
    return model, conditions
