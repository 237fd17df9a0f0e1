"""`read_meshnet`: from a folder to a `MeshNet`, within limits, with nothing left over."""

from __future__ import annotations

from pathlib import Path
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from bedside.canonical import Json, digest, read_json
from bedside.errors import LimitExceeded, NotFound, UsageError
from bedside.freezing.meshnet.layer_list import Listed, mapping, read_layers
from bedside.freezing.meshnet.network import NORMALISED, Activation, MeshLayer, MeshNet
from bedside.freezing.meshnet.refusing import refused, told
from bedside.freezing.meshnet.weights import read_weights

LIST: Final = "model.json"
MOST_LIST_BYTES: Final = 2**20
"""The longest known layer list has 68 kilobytes."""

MOST_CONTAINERS: Final = 20_000
KNOWN: Final = frozenset(
    {"format", "generatedBy", "convertedBy", "modelTopology", "weightsManifest"}
)


def read_meshnet(folder: Path) -> MeshNet:
    """Return the network in `folder`: its `model.json`, and the weights that it names.

    Raises:
        NotFound: no folder, or no `model.json` in it.
        FreezeRefused: another kind of network, or anything in it that is not understood; names it.
        LimitExceeded: larger than any MeshNet.
    """
    path = folder / LIST
    if not path.is_file() or path.is_symlink():
        raise NotFound(
            f"There is no {LIST} in {str(folder)!r}.",
            advice="Give the folder of a brainchop model: model.json and its weights.",
        )
    if (size := path.stat().st_size) > MOST_LIST_BYTES:
        raise LimitExceeded(f"{LIST} has {size} bytes; at most {MOST_LIST_BYTES}.")
    text = path.read_bytes()
    told_of = read_list(text)
    shape, listed = read_layers(told_of.get("modelTopology"))
    weights, raw = read_weights(folder, told_of.get("weightsManifest"))
    layers = _with_weights(listed, weights)
    made_by = " ".join(
        str(told_of[key]) for key in ("generatedBy", "convertedBy") if told_of.get(key)
    )
    return MeshNet(shape, layers, digest(text + raw), made_by[:200])


def read_list(text: bytes) -> dict[str, Json]:
    """Return the object of a `model.json`, its parts not looked into yet.

    Raises:
        FreezeRefused: not strict JSON, another format, or a key that is not understood.
        LimitExceeded: too deep, or too many parts.
    """
    try:
        found = mapping(read_json(text, containers=MOST_CONTAINERS), LIST)
    except UsageError as problem:
        raise refused(f"its {LIST} cannot be read ({problem.message})") from problem
    if strange := sorted(set(found) - KNOWN):
        raise refused(f"its {LIST} says {told(strange[0])}, which is not understood")
    if found.get("format") != "layers-model":
        raise refused(
            f"its {LIST} has the format {told(found.get('format'))}, not 'layers-model'",
            "Graph models are not read; export the layer list, or freeze the network from ONNX.",
        )
    return found


def _with_weights(
    listed: tuple[Listed, ...], weights: dict[str, NDArray[np.float32]]
) -> tuple[MeshLayer, ...]:
    """Return the layers with their weights; each weight belongs to exactly one of them."""
    layers, channels = [], 1
    for one in listed:
        kernel = _taken(weights, f"{one.name}/kernel", (*one.kernel, channels, one.gives))
        bias = _taken(weights, f"{one.name}/bias", (one.gives,)) if one.bias else None
        layers.append(
            MeshLayer(
                name=one.name,
                kernel=kernel,
                bias=bias,
                dilation=one.dilation,
                normalised=one.name.endswith(NORMALISED),
                activation=cast("Activation", one.activation),
            )
        )
        channels = one.gives
    if weights:
        raise refused(f"the weight {told(min(weights))} belongs to no layer, or stands twice")
    return tuple(layers)


def _taken(
    weights: dict[str, NDArray[np.float32]], name: str, shape: tuple[int, ...]
) -> NDArray[np.float32]:
    values = weights.pop(name, None)
    if values is None:
        raise refused(f"the weight {told(name)} is missing")
    if values.shape != shape:
        raise refused(
            f"the weight {told(name)} has the shape {list(values.shape)}; its layer needs "
            f"{list(shape)}"
        )
    return values
