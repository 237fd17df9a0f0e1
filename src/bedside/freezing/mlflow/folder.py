"""What an MLflow model folder says of itself: which flavour, which file, which columns.

Source: mlflow.org/docs, "MLflow Models", section "Storage Format".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from bedside.canonical import Json
from bedside.errors import FreezeRefused, LimitExceeded
from bedside.freezing.mlflow.strict_yaml import read_yaml
from bedside.freezing.model_file import FOLDER, Kind

MAX_BYTES: Final = 2**20
"""An MLmodel file has some kilobytes, its signature included."""

FLAVOURS: Final[Mapping[str, tuple[str, ...]]] = {
    "onnx": ("data",),
    "sklearn": ("pickled_model",),
    "pytorch": ("model_data",),
}
"""The flavours that can be frozen, the safest first, and where each names its file."""


@dataclass(frozen=True, slots=True)
class MlflowModel:
    """A model folder.

    Attributes:
        flavour: `onnx`, `sklearn` or `pytorch`.
        kind: What kind of file the model is in.
        path: That file, inside the folder.
        code: A folder with the author's own modules, or None.
        told: What the lineage keeps: run, identifiers, versions.
        columns: Names of the input columns by the signature; None where it names none.
    """

    flavour: str
    kind: Kind
    path: Path
    code: Path | None
    told: Mapping[str, Json]
    columns: tuple[str, ...] | None


def read_folder(folder: Path) -> MlflowModel:
    """Return what the MLflow model in `folder` is; nothing of it is loaded.

    Raises:
        FreezeRefused: no MLmodel that can be read, no flavour that can be frozen, or a path
            that leads out of the folder.
        LimitExceeded: the MLmodel is larger than `MAX_BYTES`.
    """
    told = _read(folder / FOLDER)
    flavours = told.get("flavors")
    if not isinstance(flavours, dict):
        raise _refused("it names no flavours", "Save the model again with MLflow.")
    flavour = next((name for name in FLAVOURS if isinstance(flavours.get(name), dict)), None)
    if flavour is None:
        raise _refused(
            f"its flavours are {sorted(map(str, flavours))[:8]}",
            f"Save it with mlflow.{{{', '.join(FLAVOURS)}}}; other kinds can be converted to ONNX.",
        )
    own = flavours[flavour]
    code = own.get("code")
    return MlflowModel(
        flavour=flavour,
        kind=_kind(flavour, own),
        path=_model_path(folder, flavour, own),
        code=None if code is None else inside(folder, code),
        told=_lineage(told, flavour, own),
        columns=_columns(told.get("signature")),
    )


def inside(folder: Path, named: object) -> Path:
    """Return the file or folder that an MLmodel names, which must lie in `folder` itself.

    Raises:
        FreezeRefused: no relative path, one that leads out of the folder, a link, or nothing
            there.
    """
    if not isinstance(named, str) or not named:
        raise _refused(f"it names {str(named)[:80]!r} as a file", "Save it again with MLflow.")
    parts = PurePosixPath(named).parts
    if PurePosixPath(named).is_absolute() or ".." in parts or "\\" in named or "\0" in named:
        raise _refused(
            f"it names the path {named[:80]!r}, which leads out of its folder",
            "Do not use this folder: MLflow writes no such path.",
        )
    path = folder
    for part in parts:
        path = path / part
        if path.is_symlink():
            raise _refused(
                f"{named[:80]!r} is a link to somewhere else",
                "Copy the model with its files in place of links.",
            )
    if not path.exists():
        raise _refused(f"the file {named[:80]!r} that it names is not there", "Copy all of it.")
    return path


def _read(path: Path) -> dict[str, Json]:
    if path.is_symlink():
        raise _refused("its MLmodel is a link", "Copy the model with its files.")
    if (size := path.stat().st_size) > MAX_BYTES:
        raise LimitExceeded(f"The MLmodel has {size} bytes; at most {MAX_BYTES}.")
    try:
        told = read_yaml(path.read_bytes().decode("utf-8"))
    except ValueError as problem:
        raise _refused(
            f"its MLmodel cannot be read: {problem}", "Save the model again with MLflow."
        ) from problem
    if not isinstance(told, dict):
        raise _refused("its MLmodel holds no names", "Save the model again with MLflow.")
    return told


def _kind(flavour: str, own: Mapping[str, Json]) -> Kind:
    if flavour == "sklearn":
        return "skops" if own.get("serialization_format") == "skops" else "estimator"
    return "onnx" if flavour == "onnx" else "torch"


def _model_path(folder: Path, flavour: str, own: Mapping[str, Json]) -> Path:
    path = inside(folder, next(own.get(name) for name in FLAVOURS[flavour]))
    if flavour != "pytorch" or path.is_file():
        return path
    relative = path.relative_to(folder).as_posix()
    if not (path / "model.pth").is_file():
        files = sorted(one.name for one in path.iterdir())
        raise _refused(
            f"its data holds {files[:5]}, and no model.pth",
            "Save the weights with torch.save(model.state_dict(), 'weights.pth') and freeze them "
            "with --module file.py:Class, or save the model with mlflow.onnx.",
        )
    return inside(folder, f"{relative}/model.pth")


def _lineage(told: Mapping[str, Json], flavour: str, own: Mapping[str, Json]) -> dict[str, Json]:
    names = ("run_id", "model_uuid", "model_id", "mlflow_version", "utc_time_created")
    kept = {name: str(told[name])[:200] for name in names if told.get(name) is not None}
    versions = {
        name: str(value)[:80]
        for name, value in own.items()
        if name.endswith("_version") or name == "serialization_format"
    }
    return {"flavour": flavour, **kept, **versions}


def _columns(signature: Json) -> tuple[str, ...] | None:
    """Return the names of the signature's input columns.

    Raises:
        FreezeRefused: the signature is not what MLflow writes.
    """
    if not isinstance(signature, dict) or not isinstance(signature.get("inputs"), str):
        return None
    try:
        columns = json.loads(signature["inputs"])
        names = [one.get("name") for one in columns]
    except (ValueError, AttributeError, TypeError, RecursionError) as problem:
        raise _refused("its signature cannot be read", "Save it again with MLflow.") from problem
    return tuple(map(str, names)) if names and None not in names else None


def _refused(why: str, advice: str) -> FreezeRefused:
    return FreezeRefused(f"The MLflow model cannot be frozen: {why}.", advice=advice)
