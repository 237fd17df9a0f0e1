"""A class and a file of weights, to a network. It runs the author's code: in the child only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bedside.canonical import Json
from bedside.errors import FreezeRefused, UsageError
from bedside.freezing.pytorch.author_code import construct, read_module_spec
from bedside.freezing.pytorch.fitting import fitting
from bedside.freezing.pytorch.module import LoadedModule, module_in_memory
from bedside.freezing.pytorch.places import first_line
from bedside.freezing.pytorch.prepare import refuse_not_finite, refuse_quantised
from bedside.freezing.pytorch.weights import read_weights


def load_module(
    module_spec: str | None,
    arguments: Mapping[str, Json],
    weights: Path,
    *,
    i_made_this: bool = False,
) -> LoadedModule:
    """Return the author's network with the weights of a file. Only the child process may call it.

    Args:
        module_spec: `file.py:Class`; None where the file holds the whole network.
        arguments: What the class is constructed with, by name.
        weights: A state dict, or a checkpoint that wraps one; `.pth`, `.pt`, `.ckpt` or safetensors.
        i_made_this: The author's word that they made the file of weights, which lets code in it run.

    Raises:
        UsageError: no class, or arguments that are not its own.
        NotFound: a file is missing.
        FreezeRefused: the class fails, the file needs code, or the weights do not fit; names each.
    """
    if module_spec is None:
        return _whole(weights, i_made_this)
    spec = read_module_spec(module_spec)
    read = read_weights(weights, i_made_this=i_made_this)
    module = construct(spec, arguments)
    state, notes = fitting(read.state, module, spec.public, weights.name)
    try:
        module.load_state_dict(state, strict=True, assign=True)
    except (RuntimeError, ValueError, TypeError) as problem:
        raise FreezeRefused(
            f"{spec.public} does not take the weights of {weights.name}: {first_line(problem)}.",
            advice="Use the class and the arguments that the weights were trained with.",
        ) from problem
    module.eval()  # a class just constructed is in training mode, which says nothing of its author
    refuse_quantised(module, spec.public)
    refuse_not_finite(module, spec.public)
    return LoadedModule(module, spec.public, dict(arguments), (*read.notes, *notes))


def _whole(weights: Path, i_made_this: bool) -> LoadedModule:
    read = read_weights(weights, i_made_this=i_made_this)
    if read.whole is None:
        raise UsageError(
            f"{weights.name} holds weights, and not the network that they belong to.",
            advice="Name the file and the class of the network: --module net.py:Net.",
        )
    loaded = module_in_memory(read.whole)
    refuse_not_finite(loaded.module, loaded.name)
    return replace(loaded, notes=(*read.notes, *loaded.notes))
