"""Saved weights under the names of a network, every one matched.

Keys are matched one by one, never with `strict=False`: a layer that silently kept its random
weights would answer, and be wrong.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from bedside.errors import FreezeRefused
from bedside.freezing.pytorch.prepare import named
from bedside.freezing.pytorch.weights import StateDict

COUNTER = "num_batches_tracked"
"""A counter of batch-norm, unknown to PyTorch before 0.4.1; evaluation never reads it."""


def fitting(
    saved: StateDict, module: nn.Module, name: str, file: str
) -> tuple[StateDict, tuple[str, ...]]:
    """Return `saved` under the names of `module`, every one matched, and what was done for it.

    Raises:
        FreezeRefused: a name is missing or unexpected, or a shape differs; lists each kind.
    """
    own = module.state_dict()
    saved, notes = _without_prefix(saved, own.keys(), file)
    counters = [key for key in own if key not in saved and key.endswith(COUNTER)]
    if counters:
        saved = {**saved, **{key: own[key] for key in counters}}
        notes = (*notes, f"{file} has no {COUNTER}; evaluation never reads it.")
    missing = [key for key in own if key not in saved]
    unexpected = [key for key in saved if key not in own]
    shapes = [
        f"'{key}' is {_shape(saved[key])} in the file and {_shape(own[key])} in the class"
        for key in own
        if key in saved
        and not nn.parameter.is_lazy(own[key])
        and saved[key].shape != own[key].shape
    ]
    if not missing and not unexpected and not shapes:
        return saved, notes
    raise _misfit(f"{name} and {file} do not fit", missing, unexpected, shapes)


def _misfit(
    begun: str, missing: list[str], unexpected: list[str], shapes: list[str]
) -> FreezeRefused:
    parts = []
    if missing:
        parts.append(f"{len(missing)} weights of the class are not in the file ({named(missing)})")
    if unexpected:
        parts.append(f"{len(unexpected)} in the file are not of the class ({named(unexpected)})")
    if shapes:
        parts.append(f"{len(shapes)} have another shape: {named(shapes)}")
    if not missing and not unexpected:
        advice = (
            "Give the arguments that the class was trained with (such as the number of classes or "
            "channels): --arg NAME=VALUE, or [network.arguments] of the spec."
        )
    elif not shapes and not unexpected:
        advice = "The file is of an earlier or smaller class: use the class as it was in training."
    else:
        advice = "Use the class and the arguments as they were in training; nothing is left out."
    return FreezeRefused(f"{begun}: {'; '.join(parts)}.", advice=advice)


def _without_prefix(
    saved: StateDict, own: Iterable[str], file: str
) -> tuple[StateDict, tuple[str, ...]]:
    """Return `saved` with the one prefix taken off that makes all names of the network fit."""
    wanted = [key for key in own if not key.endswith(COUNTER)]
    if not wanted or all(key in saved for key in wanted):
        return saved, ()
    ends = [key.removesuffix(wanted[0]) for key in saved if key.endswith("." + wanted[0])]
    fits = [prefix for prefix in ends if all(prefix + key in saved for key in wanted)]
    if len(fits) != 1:
        return saved, ()
    (prefix,) = fits
    taken = {key.removeprefix(prefix): one for key, one in saved.items() if key.startswith(prefix)}
    left = [key for key in saved if not key.startswith(prefix)]
    writer = _WRITERS.get(prefix, "the network is a part of a larger one")
    note = f"The weights in {file} are named '{prefix}…' ({writer}); the prefix was taken off."
    if left:
        note += f" {named(left)} in the file are outside it and were left aside."
    return taken, (note,)


_WRITERS = {
    "module.": "as DataParallel saves it",
    "_orig_mod.": "as torch.compile saves it",
    "model.": "as Lightning saves it",
}


def _shape(values: torch.Tensor) -> str:
    return " × ".join(map(str, values.shape)) or "a single number"
