"""The files of a bundle, found, bounded and read as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from bedside.canonical import Json, read_json
from bedside.errors import FreezeRefused, LimitExceeded, NotFound, UsageError
from bedside.freezing.mlflow.strict_yaml import read_yaml

WeightsKind: TypeAlias = Literal["weights", "torchscript"]

MAX_CONFIGURATION: Final = 2**20
"""Bytes of one configuration; those of the model zoo have some ten thousand."""

MOST_CONTAINERS: Final = 20_000
"""Lists and objects in one configuration."""

METADATA: Final = "configs/metadata.json"

CONFIGURATIONS: Final = (
    "configs/inference.json",
    "configs/inference.yaml",
    "configs/inference.yml",
)
"""Where the inference stands, in the order in which it is looked for."""

WEIGHTS: Final[Mapping[WeightsKind, tuple[str, ...]]] = {
    "weights": ("models/model.safetensors", "models/model.pt", "models/model.pth"),
    "torchscript": ("models/model.ts",),
}
"""Where the network's weights stand; the first kind holds no program, and goes before."""


@dataclass(frozen=True, slots=True)
class BundleFolder:
    """The files of a bundle.

    Attributes:
        path: The folder.
        metadata: What `configs/metadata.json` says.
        inference: What the configuration of the inference says, as it stands there.
        configuration: The name of that configuration, inside the folder.
        weights: The file of weights of each kind that is there.
    """

    path: Path
    metadata: Mapping[str, Json]
    inference: Mapping[str, Json]
    configuration: str
    weights: Mapping[WeightsKind, Path]


def is_bundle(path: Path) -> bool:
    """Whether `path` looks like the folder of a bundle."""
    return (path / METADATA).is_file()


def read_bundle_folder(path: Path) -> BundleFolder:
    """Return the files of the bundle at `path`; of the weights nothing is read.

    Raises:
        NotFound: there is no such folder.
        FreezeRefused: a file is missing, is a link, or is no plain data; names it.
        LimitExceeded: a configuration is too large or nested too deep.
    """
    if not path.is_dir():
        raise NotFound(f"There is no folder {str(path)!r}.", advice="Give the bundle's folder.")
    metadata = _read(path, METADATA)
    there = [name for name in CONFIGURATIONS if (path / name).exists()]
    if not there:
        raise _refused(
            f"it has none of {', '.join(CONFIGURATIONS)}",
            "Give the bundle's whole folder, with the configuration of its inference.",
        )
    if len(there) > 1:
        raise _refused(
            f"it has {' and '.join(there)}, and which one counts is not said",
            "Keep the one that the evaluation was made with.",
        )
    return BundleFolder(path, metadata, _read(path, there[0]), there[0], _weights(path))


def plain_file(folder: Path, name: str) -> Path:
    """Return the file `name` of the bundle, which must lie in the folder itself.

    Raises:
        FreezeRefused: it is missing, or it or a folder above it is a link.
    """
    path = folder
    for part in Path(name).parts:
        path = path / part
        if path.is_symlink():
            raise _refused(
                f"{name} is a link to somewhere else",
                "Copy the bundle with its files in place of links.",
            )
    if not path.is_file():
        raise _refused(f"the file {name} is not there", "Give the bundle's whole folder.")
    return path


def _weights(folder: Path) -> dict[WeightsKind, Path]:
    found: dict[WeightsKind, Path] = {}
    for kind, candidates in WEIGHTS.items():
        there = [name for name in candidates if (folder / name).exists()]
        if len(there) > 1:
            raise _refused(
                f"it has {' and '.join(there)}, and which one counts is not said",
                "Keep the one that was evaluated.",
            )
        if there:
            found[kind] = plain_file(folder, there[0])
    if not found:
        names = ", ".join(name for every in WEIGHTS.values() for name in every)
        raise _refused(
            f"it has none of {names}",
            "Large weights are kept apart: run MONAI's `python -m monai.bundle download`, or fetch "
            "what large_files.yml names.",
        )
    return found


def _read(folder: Path, name: str) -> dict[str, Json]:
    path = plain_file(folder, name)
    if (size := path.stat().st_size) > MAX_CONFIGURATION:
        raise LimitExceeded(f"{name} has {size} bytes; at most {MAX_CONFIGURATION}.")
    data = path.read_bytes()
    try:
        if path.suffix == ".json":
            told = read_json(data, containers=MOST_CONTAINERS)
        else:
            told = read_yaml(data.decode("utf-8"))
    except (ValueError, UsageError) as problem:
        raise _refused(f"{name} cannot be read: {problem}", "Correct the file.") from problem
    if not isinstance(told, dict):
        raise _refused(f"{name} holds no names", "Correct the file.")
    return told


def _refused(why: str, advice: str) -> FreezeRefused:
    return FreezeRefused(f"The MONAI bundle cannot be frozen: {why}.", advice=advice)
