"""The weights of a MeshNet folder: sizes judged first, then plain little-endian singles.

Source: the weights manifest of TensorFlow.js ("weightsManifest": groups of paths and weights, the
weights of a group lying one behind the other in the joined bytes of its paths).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.canonical import Json
from bedside.errors import LimitExceeded
from bedside.freezing.meshnet.layer_list import mapping
from bedside.freezing.meshnet.refusing import refused, told

MOST_WEIGHT_BYTES: Final = 64 * 2**20
"""A hundred times the largest known MeshNet."""

MOST_FILES: Final = 64
MOST_WEIGHTS: Final = 1_024
MOST_RANK: Final = 5
MOST_WEIGHT_SIDE: Final = 4_096

_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,119}")
_SINGLE: Final = 4


@dataclass(frozen=True, slots=True)
class Declared:
    """One weight as the manifest declares it."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Its bytes."""
        return math.prod(self.shape) * _SINGLE


def read_weights(folder: Path, manifest: Json) -> tuple[dict[str, NDArray[np.float32]], bytes]:
    """Return every weight by its name, and all bytes that they stand in.

    Args:
        folder: Where the files lie.
        manifest: `weightsManifest` of a `model.json`.

    Raises:
        FreezeRefused: weights that are no plain singles, files that are not there or lie
            elsewhere, bytes that do not fit, a name twice, or a value that is not finite.
        LimitExceeded: more bytes or files than a MeshNet has.
    """
    if not isinstance(manifest, list) or not 1 <= len(manifest) <= MOST_FILES:
        raise refused("it lists no weights (weightsManifest), or too many groups of them")
    found: dict[str, NDArray[np.float32]] = {}
    whole = b""
    for raw in manifest:
        group = mapping(raw, "group of weights")
        if strange := sorted(set(group) - {"paths", "weights"}):
            raise refused(f"a group of its weights says {told(strange[0])}")
        data = _joined(folder, group.get("paths"), MOST_WEIGHT_BYTES - len(whole))
        for name, values in _cut(data, _declared(group.get("weights"))).items():
            if name in found:
                raise refused(f"the weight {told(name)} stands twice")
            found[name] = values
        whole += data
    return found, whole


def _declared(weights: Json) -> list[Declared]:
    if not isinstance(weights, list) or not 1 <= len(weights) <= MOST_WEIGHTS:
        raise refused(f"a group lists no weights, or more than {MOST_WEIGHTS}")
    return [_weight(mapping(one, "weight")) for one in weights]


def _weight(entry: dict[str, Json]) -> Declared:
    name, shape = entry.get("name"), entry.get("shape")
    if strange := sorted(set(entry) - {"name", "shape", "dtype"}):
        raise refused(
            f"the weight {told(name)} says {told(strange[0])}",
            "Quantised weights are not read; give the model with float32 weights.",
        )
    if not isinstance(name, str) or entry.get("dtype") != "float32":
        raise refused(f"the weight {told(name)} is of the kind {told(entry.get('dtype'))}")
    sides = shape if isinstance(shape, list) else []
    plain = all(type(side) is int and 1 <= side <= MOST_WEIGHT_SIDE for side in sides)
    if not plain or not 1 <= len(sides) <= MOST_RANK:
        raise refused(f"the weight {told(name)} has the shape {told(shape)}")
    return Declared(name, tuple(sides))


def _joined(folder: Path, paths: Json, most: int) -> bytes:
    if not isinstance(paths, list) or not 1 <= len(paths) <= MOST_FILES:
        raise refused(f"a group of its weights names the files {told(paths)}")
    files = [_inside(folder, name) for name in paths]
    if len(set(files)) != len(files):
        raise refused(f"its weights name one file twice: {told(paths)}")
    if (size := sum(file.stat().st_size for file in files)) > most:
        raise LimitExceeded(
            f"The weights have more than {MOST_WEIGHT_BYTES} bytes ({size} in one group).",
            advice="A MeshNet has less than a megabyte; freeze larger networks from ONNX.",
        )
    return b"".join(file.read_bytes() for file in files)


def _inside(folder: Path, name: Json) -> Path:
    if not isinstance(name, str) or not _FILE.fullmatch(name):
        raise refused(
            f"its weights name the file {told(name)}",
            "Only files that lie beside model.json are read.",
        )
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise refused(f"the file {name!r} that its weights name is no plain file in the folder")
    return path


def _cut(data: bytes, weights: list[Declared]) -> dict[str, NDArray[np.float32]]:
    if (wanted := sum(one.size for one in weights)) != len(data):
        raise refused(f"its weights need {wanted} bytes, and the files have {len(data)}")
    found: dict[str, NDArray[np.float32]] = {}
    place = 0
    for one in weights:
        flat = np.frombuffer(data, "<f4", one.size // _SINGLE, place)
        place += one.size
        if not np.isfinite(flat).all():
            raise refused(f"the weight {told(one.name)} holds NaN or infinity")
        if one.name in found:
            raise refused(f"the weight {told(one.name)} stands twice")
        found[one.name] = flat.reshape(one.shape).astype(np.float32)
    return found
