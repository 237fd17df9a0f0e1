"""A run's state as tensors and numbers, both ways: weights, their mean, the optimiser's memory."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import nn

from bedside.canonical import Json
from bedside.errors import UsageError

WEIGHTS: Final = "weights."
AVERAGE: Final = "average."
OPTIMISER: Final = "optimiser."
BEST: Final = "best."

Named = dict[str, torch.Tensor]


def weights_of(network: nn.Module, prefix: str = "") -> Named:
    """Return all weights and buffers of a network by name, with a prefix."""
    return {f"{prefix}{name}": one for name, one in network.state_dict().items()}


def part(tensors: Named, prefix: str) -> Named:
    """Return the tensors whose names begin with a prefix, without it."""
    return {
        name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)
    }


def optimiser_state(optimiser: torch.optim.Optimizer) -> tuple[Named, dict[str, Json]]:
    """Return an optimiser's memory: what is a tensor, and what is a number."""
    tensors: Named = {}
    numbers: dict[str, Json] = {}
    for place, memory in optimiser.state_dict()["state"].items():
        for name, value in memory.items():
            if isinstance(value, torch.Tensor):
                tensors[f"{OPTIMISER}{place}.{name}"] = value
            else:
                numbers[f"{place}.{name}"] = value
    return tensors, numbers


def restore_optimiser(
    optimiser: torch.optim.Optimizer, tensors: Named, numbers: dict[str, Json]
) -> None:
    """Give an optimiser the memory that `optimiser_state` told.

    Raises:
        UsageError: the memory is of other weights than it has.
    """
    document = optimiser.state_dict()
    memory: dict[int, dict[str, Any]] = {}
    for name, value in (*part(tensors, OPTIMISER).items(), *numbers.items()):
        place, _, what = name.partition(".")
        memory.setdefault(int(place), {})[what] = value
    known = {place for group in document["param_groups"] for place in group["params"]}
    if not set(memory) <= known:
        raise UsageError("This checkpoint is of a network with other weights.")
    document["state"] = memory
    optimiser.load_state_dict(document)


def restore_weights(network: nn.Module, tensors: Named) -> None:
    """Give a network its weights back.

    Raises:
        UsageError: they are those of another network.
    """
    try:
        network.load_state_dict(tensors)
    except RuntimeError as problem:
        raise UsageError(
            f"These weights are of another network: {str(problem).splitlines()[-1].strip()}",
            advice="Take the settings and the version of Bedside that they were trained with.",
        ) from problem
