"""A network as it came: the module, the name of its class, its arguments, and what must be said of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from bedside.canonical import Json
from bedside.errors import FreezeRefused, UsageError


@dataclass(frozen=True, slots=True)
class LoadedModule:
    """A network with its weights, on the CPU.

    Attributes:
        module: The network; its own precision, and the mode in which it came.
        name: The class as the lineage names it, such as `net.Net`.
        arguments: What its class was constructed with; empty where that is unknown.
        notes: Sentences that its author must read, such as which prefix was taken off.
    """

    module: nn.Module
    name: str
    arguments: Mapping[str, Json] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def module_in_memory(module: nn.Module) -> LoadedModule:
    """Return a copy of `module` on the CPU; the author's own stays as it is.

    Raises:
        UsageError: it is no `nn.Module`.
        FreezeRefused: it cannot be copied, or a weight has no values.
    """
    if not isinstance(module, nn.Module):
        raise UsageError(
            f"The network is a {type(module).__name__}, not a torch.nn.Module.",
            advice="Pass an instance: Net(), not Net, and no state dict.",
        )
    module, notes = unwrapped(module)
    kind = type(module)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(module, torch.jit.ScriptModule):
        raise FreezeRefused(
            "The network is TorchScript, which cannot be captured.",
            advice="Pass the network that it was made from; its weights are the same.",
        )
    try:
        own = copy.deepcopy(module).to("cpu")
    except (RuntimeError, TypeError, NotImplementedError) as problem:
        raise FreezeRefused(
            f"{name} cannot be copied to the CPU: {str(problem).splitlines()[0][:300]}",
            advice="Save its weights with torch.save(model.state_dict(), 'weights.pth'), and "
            "freeze that file with --module file.py:Class.",
        ) from problem
    return LoadedModule(own, name, notes=notes)


def unwrapped(module: nn.Module) -> tuple[nn.Module, tuple[str, ...]]:
    """Return the network inside DataParallel or torch.compile, and what was taken off."""
    kind = type(module).__name__
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        inner = module.module
    elif kind == "OptimizedModule":
        inner = getattr(module, "_orig_mod", None)
    else:
        return module, ()
    assert isinstance(inner, nn.Module)  # noqa: S101 - both hold nothing else
    return inner, (f"The network was taken out of {kind}.",)
