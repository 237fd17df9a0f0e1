"""A training's state on disk: numbers in safetensors, everything else in canonical JSON; no pickle.

`checkpoint-00000500.safetensors` is written first, and `checkpoint-00000500.json` last, with the
digest of the former: a checkpoint is whole or it is none. The last two are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load, save

from bedside.canonical import Json, canonical_bytes, digest, read_json
from bedside.errors import NotFound, UsageError
from bedside.store.disk import replace_file

KEPT: Final = 2
MODE: Final = 0o644
MOST_JSON: Final = 64 * 2**20
"""Bytes of a checkpoint's JSON; a run of a million lines of log has about as many."""

TORN: Final = (".*.safetensors.incoming-*", ".*.json.incoming-*")
"""What `replace_file` writes before it takes its name."""

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state that was saved.

    Attributes:
        step: How many steps had been done.
        tensors: By name, on the CPU.
        told: Everything else.
    """

    step: int
    tensors: dict[str, torch.Tensor]
    told: dict[str, Json]


def save_weights(path: Path, tensors: Tensors) -> str:
    """Write tensors into one file of safetensors, in the place of an older one; return its digest.

    Raises:
        OSError: it cannot be written; the older one stands.
    """
    data = save({name: one.detach().cpu().contiguous() for name, one in tensors.items()})
    replace_file(path, data, MODE)
    return digest(data)


def save_checkpoint(folder: Path, step: int, tensors: Tensors, told: Mapping[str, Json]) -> None:
    """Write a checkpoint durably, and remove all but the last `KEPT`.

    Raises:
        OSError: it cannot be written; those before it stand.
        UsageError: `told` is no JSON, such as a loss that is not finite.
    """
    stem = f"checkpoint-{step:08d}"
    document = canonical_bytes(
        {"step": step, "weights": "", **told}
    )  # refused before any is written
    _sweep(folder)
    weights = save_weights(folder / f"{stem}.safetensors", tensors)
    document = canonical_bytes({"step": step, "weights": weights, **told})
    replace_file(folder / f"{stem}.json", document, MODE)
    for old in _found(folder)[:-KEPT]:
        old.unlink()
        old.with_suffix(".safetensors").unlink(missing_ok=True)


def last_checkpoint(folder: Path) -> Checkpoint:
    """Return the last checkpoint that is whole.

    Raises:
        NotFound: there is none.
    """
    for path in reversed(_found(folder)):
        found = _read(path)
        if found is not None:
            return found
    raise NotFound(
        f"There is no whole checkpoint in {folder}.",
        advice="Begin the run anew, in another folder; or name the folder of a run.",
    )


def has_checkpoint(folder: Path) -> bool:
    """Return whether a folder holds a checkpoint, whole or not."""
    return bool(_found(folder))


def _sweep(folder: Path) -> None:
    """Remove what a process that was killed in the middle of writing left: no checkpoint is whole by it."""
    for pattern in TORN:
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
    for path in folder.glob("checkpoint-*.safetensors"):
        if not path.with_suffix(".json").exists():
            path.unlink(missing_ok=True)


def _found(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint-*.json"))


def _read(path: Path) -> Checkpoint | None:
    """Return a checkpoint, or None where it is damaged."""
    if path.stat().st_size > MOST_JSON:
        return None
    try:
        told = read_json(path.read_bytes())
        data = path.with_suffix(".safetensors").read_bytes()
    except (UsageError, FileNotFoundError):
        return None
    if not isinstance(told, dict) or digest(data) != told.get("weights"):
        return None
    return Checkpoint(int(told["step"]), load(data), told)
