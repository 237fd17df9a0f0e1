"""The layer list of a `model.json`: read strictly, nothing guessed, nothing constructed by name.

Every key that could change an answer is either understood or refused; what only matters in training
(initialisers, regularisers, constraints) is left aside. Source: the files of TensorFlow.js
("layers-model"), js.tensorflow.org/js/guide/save_load.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from bedside.canonical import Json
from bedside.freezing.meshnet.network import ACTIVATIONS
from bedside.freezing.meshnet.refusing import refused, told

MOST_LAYERS: Final = 256
"""Entries of the list; the deepest known MeshNet has 52."""

MOST_CHANNELS: Final = 128
MOST_SIDE: Final = 512
KERNELS: Final = (1, 3, 5)
MOST_DILATION: Final = 64
MOST_NAME: Final = 120

TRAINING: Final = frozenset(
    {
        *("trainable", "kernel_initializer", "bias_initializer", "kernel_regularizer"),
        *("bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint"),
    }
)
"""Keys of a layer that change no answer of a trained network."""

OF_INPUT: Final = frozenset({"batch_input_shape", "dtype", "sparse", "ragged", "name"})
OF_ACTIVATION: Final = frozenset({"name", "dtype", "activation"}) | TRAINING
OF_CONVOLUTION: Final = (
    frozenset({"name", "dtype", "filters", "kernel_size", "strides", "padding", "data_format"})
    | frozenset({"dilation_rate", "groups", "activation", "use_bias"})
    | TRAINING
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One convolution of the list, without its weights.

    Attributes:
        name: Its name.
        kernel: Sides of its kernel.
        dilation: Along the three axes.
        gives: Output channels.
        bias: Whether it has one.
        activation: What the list puts after it, `linear` where nothing.
    """

    name: str
    kernel: tuple[int, int, int]
    dilation: tuple[int, int, int]
    gives: int
    bias: bool
    activation: str


def read_layers(topology: Json) -> tuple[tuple[int, int, int], tuple[Listed, ...]]:
    """Return the shape of the input, and the convolutions in order.

    Args:
        topology: `modelTopology` of a `model.json`.

    Raises:
        FreezeRefused: not one row of 3-D convolutions with known activations; names what.
    """
    config = mapping(mapping(topology, "modelTopology").get("model_config"), "model_config")
    if config.get("class_name") not in ("Functional", "Model", "Sequential"):
        raise refused(f"its model_config is of the class {told(config.get('class_name'))}")
    inner = mapping(config.get("config"), "config of model_config")
    entries = inner.get("layers")
    if not isinstance(entries, list) or not 2 <= len(entries) <= MOST_LAYERS:
        raise refused(f"it lists no layers, or more than {MOST_LAYERS}")
    shape = _input(_entry(entries[0], None))
    _refuse_other_ends(inner, entries)
    layers: list[Listed] = []
    before = str(entries[0]["name"])
    for number, raw in enumerate(entries[1:], 1):
        entry = _entry(raw, before)
        before = str(entry["name"])
        if entry.get("class_name") == "Conv3D":
            layers.append(_convolution(before, entry["config"]))
        elif entry.get("class_name") == "Activation" and layers and _follows(entries[number - 1]):
            last = layers.pop()
            layers.append(_activated(last, before, entry["config"]))
        else:
            raise refused(
                f"the layer {told(before)} is a {told(entry.get('class_name'))} after a "
                f"{told(entries[number - 1].get('class_name'))}",
                "Only 3-D convolutions, each followed by at most one activation, are read.",
            )
    if not layers:
        raise refused("it lists no convolution")
    return shape, tuple(layers)


def mapping(value: Json, name: str) -> dict[str, Json]:
    """Return `value`, which must be an object.

    Raises:
        FreezeRefused: it is none.
    """
    if not isinstance(value, dict):
        raise refused(f"its {name} is {told(value)}, not an object")
    return value


def _entry(raw: Json, before: str | None) -> dict[str, Json]:
    """Return an entry of the list that reads what `before` gives, and nothing else."""
    entry = mapping(raw, "entry of a layer")
    name = entry.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= MOST_NAME:
        raise refused(f"a layer is called {told(name)}")
    config = mapping(entry.get("config"), f"config of layer {told(name)}")
    if config.get("name", name) != name or config.get("dtype", "float32") != "float32":
        raise refused(
            f"the layer {told(name)} calls itself {told(config.get('name'))} and computes in "
            f"{told(config.get('dtype'))}; one name and float32 are read"
        )
    wanted = [] if before is None else [[[before, 0, 0, {}]]]
    if entry.get("inbound_nodes", wanted) != wanted:
        raise refused(
            f"the layer {told(name)} reads {told(entry.get('inbound_nodes'))}, not just "
            f"{told(before)} before it",
            "Only layers in one row are read, without branches.",
        )
    return entry


def _follows(entry: Json) -> bool:
    return bool(entry.get("class_name") == "Conv3D")


def _input(entry: dict[str, Json]) -> tuple[int, int, int]:
    name, config = entry["name"], entry["config"]
    if entry.get("class_name") != "InputLayer":
        raise refused(f"its first layer {told(name)} is a {told(entry.get('class_name'))}")
    _only(config, OF_INPUT, name)
    shape = config.get("batch_input_shape")
    if config.get("sparse") or config.get("ragged"):
        raise refused("its input is sparse or ragged")
    fits = isinstance(shape, list) and len(shape) == 5 and shape[0] in (None, 1) and shape[4] == 1
    if not fits:
        raise refused(
            f"its input has the shape {told(shape)}; batch × three sides × one channel is read"
        )
    return _three(shape[1:4], name, "input side", range(8, MOST_SIDE + 1))


def _convolution(name: str, config: dict[str, Json]) -> Listed:
    _only(config, OF_CONVOLUTION, name)
    wanted = {
        "padding": ("same",),
        "data_format": ("channels_last",),
        "groups": (1,),
        "activation": ("linear", None),
        "strides": ([1, 1, 1],),
    }
    for key, allowed in wanted.items():
        if key in config and config[key] not in allowed:
            raise refused(
                f"the convolution {told(name)} has {key} {told(config[key])}; {told(allowed[0])} "
                "is read"
            )
    if "padding" not in config or not isinstance(config.get("use_bias"), bool):
        raise refused(f"the convolution {told(name)} does not say its padding and use_bias")
    gives = config.get("filters")
    if type(gives) is not int or not 1 <= gives <= MOST_CHANNELS:
        raise refused(
            f"the convolution {told(name)} gives {told(gives)} channels; at most {MOST_CHANNELS}"
        )
    return Listed(
        name=name,
        kernel=_three(config.get("kernel_size"), name, "kernel side", KERNELS),
        dilation=_three(
            config.get("dilation_rate", [1, 1, 1]), name, "dilation", range(1, MOST_DILATION + 1)
        ),
        gives=gives,
        bias=config["use_bias"],
        activation="linear",
    )


def _activated(layer: Listed, name: str, config: dict[str, Json]) -> Listed:
    _only(config, OF_ACTIVATION, name)
    if (kind := config.get("activation")) not in ACTIVATIONS:
        raise refused(
            f"the layer {told(name)} is the activation {told(kind)}; {', '.join(ACTIVATIONS)} are "
            "read",
            "A softmax at the end is not needed: the spec says it (activation).",
        )
    return Listed(layer.name, layer.kernel, layer.dilation, layer.gives, layer.bias, kind)


def _three(value: Json, name: str, what: str, allowed: Collection[int]) -> tuple[int, int, int]:
    if not isinstance(value, list) or len(value) != 3 or {type(one) for one in value} != {int}:
        raise refused(f"the layer {told(name)} has the {what}s {told(value)}, not three numbers")
    one, two, three = value
    for side in (one, two, three):
        if side not in allowed:
            known = f"{min(allowed)} to {max(allowed)}" if len(allowed) > 3 else f"{list(allowed)}"
            raise refused(f"the layer {told(name)} has a {what} of {side}; {known} are read")
    return one, two, three


def _only(config: dict[str, Json], known: Collection[str], name: str) -> None:
    if strange := sorted(set(config) - set(known)):
        raise refused(
            f"the layer {told(name)} says {told(strange[0])}, which is not understood",
            "Nothing of a layer list is guessed; ask for it with the file at hand.",
        )


def _refuse_other_ends(inner: dict[str, Json], entries: list[Json]) -> None:
    ends = (("input_layers", entries[0]), ("output_layers", entries[-1]))
    for key, entry in ends:
        name = entry.get("name") if isinstance(entry, dict) else None
        if key in inner and inner[key] != [[name, 0, 0]]:
            raise refused(f"its {key} are {told(inner[key])}, not just {told(name)}")
