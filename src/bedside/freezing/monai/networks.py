"""The networks of MONAI that are constructed here: a closed list, with literal arguments only.

A class is chosen by its name from this list, never looked up by what a configuration says. Each
takes a volume, and gives scores of the same size; none fetches anything or runs what it is given.
What is not on the list goes by TorchScript, or by ONNX.

Source: MONAI 1.6, `monai.networks.nets`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bedside.canonical import Json
from bedside.errors import FreezeRefused
from bedside.freezing.monai.components import Component, read_component
from bedside.freezing.monai.configuration import Configuration

HOME: Final = "monai.networks"

NETWORKS: Final = (
    "AttentionUnet",
    "BasicUNet",
    "DynUNet",
    "HighResNet",
    "SegResNet",
    "SegResNetDS",
    "SwinUNETR",
    "UNETR",
    "UNet",
    "VNet",
)
"""All were exported and compared; tests/freezing/monai does it again."""

ALIASES: Final[Mapping[str, str]] = {
    "Unet": "UNet",
    "Vnet": "VNet",
    "AttentionUNet": "AttentionUnet",
}

_REFUSED_ARGUMENTS: Final = frozenset({"pretrained", "pretrained_path", "weights", "backbone"})
"""They name files, or fetch them."""

MOST_NUMBERS: Final = 512
"""Numbers and texts in the arguments of one network."""


@dataclass(frozen=True, slots=True)
class NetworkDefinition:
    """A network of the list.

    Attributes:
        name: Its class in `monai.networks.nets`.
        arguments: What it is constructed with: numbers, texts, truth values and lists of them.
    """

    name: str
    arguments: Mapping[str, Json]


def read_definition(configuration: Configuration) -> tuple[NetworkDefinition | None, str]:
    """Return the network that a configuration defines; else None, and why.

    Raises:
        FreezeRefused: a class of MONAI with arguments that cannot be followed.
    """
    place = "network_def" if configuration.has("network_def") else "network"
    if not configuration.has(place):
        return None, "the configuration has no network_def."
    try:
        component = read_component(configuration, configuration.entry(place), place, HOME)
    except FreezeRefused as problem:
        return None, problem.message
    if component is None:
        return None, f"{place} is disabled."
    name = ALIASES.get(component.name, component.name)
    if name not in NETWORKS:
        return None, f"{name[:60]} is none of {', '.join(NETWORKS)}."
    return NetworkDefinition(name, _arguments(component)), ""


def _arguments(component: Component) -> dict[str, Json]:
    told = {name: component.value(name) for name in component.arguments}
    if found := sorted(_REFUSED_ARGUMENTS & set(told)):
        raise component.refused(f"has the argument {found[0]!r}", "Leave it out.")
    if _size(told) > MOST_NUMBERS:
        raise component.refused("has too many arguments", f"At most {MOST_NUMBERS} numbers.")
    if told.get("spatial_dims", 3) != 3:
        raise component.strange("spatial_dims", told["spatial_dims"], "3")
    return told


def _size(value: Json) -> int:
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, list) else 1
