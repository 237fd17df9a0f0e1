"""What `metadata.json` says of a bundle, as far as a package needs it.

Source: MONAI 1.6, "MONAI Bundle Specification", metadata.json and `network_data_format`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bedside.canonical import Json
from bedside.errors import FreezeRefused

MOST_CHANNELS: Final = 256
"""A label map has one byte a voxel."""

LONGEST: Final = 2_000
"""Characters of one text that is kept."""

_KEPT: Final = (
    *("name", "version", "task", "authors", "copyright", "data_source", "intended_use"),
    *("monai_version", "pytorch_version"),
)
"""What the lineage keeps of the metadata."""


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """What a bundle says of itself.

    Attributes:
        image: The key of its one input, such as `image`.
        modality: Of the input, as the bundle writes it; empty where it says nothing.
        classes: What each channel of the output means, in their order.
        told: What the lineage keeps: name, version, authors, …
    """

    image: str
    modality: str
    classes: tuple[str, ...]
    told: Mapping[str, str]

    @property
    def name(self) -> str:
        """What the bundle is called in a refusal."""
        return self.told.get("name") or "the bundle"


def read_metadata(metadata: Mapping[str, Json]) -> BundleFacts:
    """Return what the metadata says.

    Raises:
        FreezeRefused: several inputs or outputs, several input channels, or nothing said of them.
    """
    formats = metadata.get("network_data_format")
    if not isinstance(formats, dict):
        raise _refused("says nothing of network_data_format", "Write what the network takes.")
    image, taken = _only(formats, "inputs")
    _, given = _only(formats, "outputs")
    if taken.get("num_channels", 1) != 1:
        raise _refused(
            f"says that the network takes {str(taken.get('num_channels'))[:40]} channels",
            "A package reads one volume with one channel. Freeze a network of one contrast, or one "
            "package for each.",
        )
    told = {
        name: " ".join(str(metadata[name]).split())[:LONGEST]
        for name in _KEPT
        if metadata.get(name)
    }
    return BundleFacts(image, str(taken.get("modality", ""))[:40], _classes(given), told)


def _only(formats: Mapping[str, Json], name: str) -> tuple[str, Mapping[str, Json]]:
    found = formats.get(name)
    if not isinstance(found, dict) or len(found) != 1:
        shown = sorted(found)[:5] if isinstance(found, dict) else "nothing"
        raise _refused(
            f"names {shown} as {name} of the network, not one",
            "A package's network takes one volume and gives one answer: freeze one package for each.",
        )
    key, told = next(iter(found.items()))
    if not isinstance(told, dict):
        raise _refused(f"says nothing of {name}#{key[:40]}", "Write what the network takes.")
    return key, told


def _classes(given: Mapping[str, Json]) -> tuple[str, ...]:
    count = given.get("num_channels")
    if type(count) is not int or not 1 <= count <= MOST_CHANNELS:
        raise _refused(
            f"says that the network gives {str(count)[:40]} channels",
            f"A segmentation has 1 to {MOST_CHANNELS}.",
        )
    meaning = given.get("channel_def")
    named = meaning if isinstance(meaning, dict) else {}
    return tuple(str(named.get(str(i), ""))[:80] for i in range(count))


def _refused(why: str, advice: str) -> FreezeRefused:
    return FreezeRefused(
        f"The MONAI bundle cannot be frozen: its metadata.json {why}.", advice=advice
    )
