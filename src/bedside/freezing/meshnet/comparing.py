"""Every layer of the frozen network against the NumPy reading of the same weights, on small volumes."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.errors import FreezeRefused
from bedside.freezing.comparison import Comparison
from bedside.freezing.meshnet.graph import INPUT, OUTPUT, onnx_of_every_layer
from bedside.freezing.meshnet.network import MeshLayer, MeshNet
from bedside.freezing.meshnet.plain import layer_by_layer
from bedside.freezing.meshnet.refusing import refused, told
from bedside.freezing.volumes.spec import VolumeComparison
from bedside.imaging.intensities import min_max
from bedside.imaging.phantoms import drawn_head
from bedside.package.manifest import Conditions
from bedside.package.volume_models import VolumeModel, WholeInference
from bedside.runtime.engines.engine import Prepared, Scores
from bedside.runtime.engines.onnx import OnnxEngine
from bedside.runtime.memory import MAX_MEMORY
from bedside.runtime.onnx_wire import read_opset
from bedside.runtime.progress import silent

LEAST_SIDE: Final = 36
"""Voxels of the smallest side; the other two have four and eight more, so that no axis is another."""

BEYOND: Final = 4
"""Voxels by which a side is longer than a layer reaches, so that every tap meets some value."""

SIZE: Final = 250.0
"""mm that a drawn head's field of view has."""


def compare_layers(net: MeshNet, conditions: Conditions, options: VolumeComparison) -> Comparison:
    """Return how near every layer comes to the NumPy reading.

    The measure is the largest absolute difference in a layer, as a share of the largest value in
    it by the NumPy reading. Two volumes are tried: seeded noise from 0 to 1, and a drawn head.

    Raises:
        FreezeRefused: a layer differs by more than the tolerance, or takes more memory to compare
            than a process has for networks; names it.
    """
    shape = small_shape(net)
    _refuse_large(net, shape)
    graph = onnx_of_every_layer(net, shape)
    model = VolumeModel(
        entry="layers.onnx",
        opset=read_opset(graph),
        input=INPUT,
        element="float32",
        output=OUTPUT,
        inference=WholeInference(shape=shape),
    )
    engine = OnnxEngine(graph, model, conditions, sum(one.gives for one in net.layers))
    largest = [0.0] * len(net.layers)
    volumes = _volumes(shape, options.seed)
    for volume in volumes:
        scores = engine(Prepared(volume[np.newaxis], np.eye(4)), silent)
        for number, (layer, share) in enumerate(_differences(net, volume, scores)):
            largest[number] = max(largest[number], share)
            if not share <= options.tolerance:
                raise _differs(layer, share, options.tolerance)
    groups = tuple(
        (f"layer {layer.name}", len(volumes), share)
        for layer, share in zip(net.layers, largest, strict=True)
    )
    rows = len(volumes) * len(net.layers)
    return Comparison(rows, max(largest), options.tolerance, groups)


def small_shape(net: MeshNet) -> tuple[int, int, int]:
    """Return the sides of the volumes that are tried."""
    side = max(LEAST_SIDE, *(max(one.reach) + BEYOND for one in net.layers))
    return side, side + 4, side + 8


def most_memory(net: MeshNet, shape: tuple[int, int, int]) -> tuple[MeshLayer, int]:
    """Return the layer at which comparing takes the most memory, and how many bytes that is.

    All layers' scores are kept in single precision. Beside them the NumPy reading of a layer has
    what it takes, what it takes once more with its padding, and what it gives three times (so
    many are alive while it is normalised or activated), in double precision.
    """
    voxels = math.prod(shape)
    kept = 2 * voxels * sum(one.gives for one in net.layers) * 4

    def of(layer: MeshLayer) -> int:
        padded = math.prod(side + 2 * reach for side, reach in zip(shape, layer.reach, strict=True))
        return kept + 8 * ((padded + 2 * voxels) * layer.takes + 3 * voxels * layer.gives)

    layer = max(net.layers, key=of)
    return layer, of(layer)


def _refuse_large(net: MeshNet, shape: tuple[int, int, int]) -> None:
    layer, memory = most_memory(net, shape)
    if memory > MAX_MEMORY:
        raise refused(
            f"comparing the layer {told(layer.name)}, which reaches {max(layer.reach)} voxels and "
            f"takes {layer.takes} channels, needs {memory / 2**30:.1f} GiB, more than the "
            f"{MAX_MEMORY // 2**30} GiB of a process",
            "Give a model of fewer channels, or with a smaller dilation.",
        )


def _volumes(shape: tuple[int, int, int], seed: int) -> tuple[NDArray[np.float32], ...]:
    random = np.random.default_rng(seed)
    step = SIZE / shape[0]
    head = drawn_head(shape, (step, step, step), seed)
    return random.random(shape, dtype=np.float32), np.array(min_max(head.values))


def _differences(
    net: MeshNet, volume: NDArray[np.float32], scores: Scores
) -> list[tuple[MeshLayer, float]]:
    """Return each layer with its largest difference, as a share of its largest value."""
    found, begin = [], 0
    for layer, wanted in zip(net.layers, layer_by_layer(net, volume), strict=True):
        given = scores[begin : begin + layer.gives].transpose(1, 2, 3, 0)
        begin += layer.gives
        most = float(np.abs(given - wanted).max())
        found.append((layer, most / max(float(np.abs(wanted).max()), 1e-6)))
    return found


def _differs(layer: MeshLayer, share: float, tolerance: float) -> FreezeRefused:
    return FreezeRefused(
        f"The MeshNet cannot be frozen exactly: the layer {layer.name!r} differs from the NumPy "
        f"reading of its weights by {share:.3g} of its largest value, above {tolerance:g}.",
        advice="Report it with the folder: a frozen network must say what its weights say.",
    )
