"""The network of a bundle with its weights. It imports MONAI: in the child process only.

Weights go into a network of our closed list, every one matched by name and shape. A TorchScript
file is a program; it is opened on its giver's word alone, and then it is itself the native network.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from bedside.canonical import Json
from bedside.errors import FreezeRefused, LimitExceeded
from bedside.freezing.monai.bundle import Bundle
from bedside.freezing.monai.networks import NETWORKS, NetworkDefinition
from bedside.freezing.pytorch.fitting import fitting
from bedside.freezing.pytorch.places import first_line
from bedside.freezing.pytorch.prepare import MAX_WEIGHTS, prepare, refuse_not_finite
from bedside.freezing.pytorch.quiet import quiet
from bedside.freezing.pytorch.weights import read_weights

SEED: Final = 0

Sides = tuple[int, int, int]


class BundleNetwork(NamedTuple):
    """A network with its weights, on the CPU, in evaluation mode and single precision.

    Attributes:
        module: 1 × 1 × i × j × k to 1 × channels × i × j × k; a ScriptModule where it is a program.
        name: What it is called in a refusal and in the lineage.
        parameters: How many numbers were trained.
        notes: Sentences that its author must read.
    """

    module: nn.Module
    name: str
    parameters: int
    notes: tuple[str, ...]


def load_network(bundle: Bundle, sides: Sides, *, i_made_this: bool) -> BundleNetwork:
    """Return the bundle's network; it was run once, on noise of the shape `sides`.

    Raises:
        FreezeRefused: the weights do not fit the network, or its answer has another shape.
        LimitExceeded: the network is larger than an ONNX file may be.
    """
    kind, path = bundle.weights
    notes: tuple[str, ...] = ()
    if kind == "torchscript":
        module, name = _script(bundle, i_made_this=i_made_this), "TorchScript"
    else:
        assert bundle.network is not None  # noqa: S101 - `bundle.weights` demands it
        name = bundle.network.name
        read = read_weights(path, i_made_this=i_made_this)
        module = construct(bundle.network)
        state, fitted = fitting(read.state, module, name, path.name)
        module.load_state_dict(state, strict=True)
        refuse_not_finite(module, name)
        module, changed = prepare(module.eval(), name, noise(sides))
        notes = (*read.notes, *fitted, *changed)
    refuse_answer(module, name, bundle.channels, sides)
    trained = sum(one.numel() for one in module.parameters())
    return BundleNetwork(module, name, trained, notes)


def construct(definition: NetworkDefinition) -> nn.Module:
    """Return a network of the list with fresh weights; how large it gets is looked at before.

    Raises:
        FreezeRefused: the class does not take the arguments.
        LimitExceeded: it has more weights than an ONNX file holds.
    """
    kind = _classes()[definition.name]
    with torch.device("meta"), _ReadOnTheWay(), quiet():
        size = 4 * sum(one.numel() for one in _made(kind, definition).parameters())
    if size > MAX_WEIGHTS:
        raise LimitExceeded(
            f"{definition.name} has {size / 1e9:.1f} GB of weights; an ONNX file holds "
            f"{MAX_WEIGHTS / 1e9} GB.",
            advice="Freeze a smaller network.",
        )
    with quiet():
        return _made(kind, definition)


def noise(sides: Sides) -> torch.Tensor:
    """Return the same noise each time, 1 × 1 × i × j × k, from 0 to 1."""
    return torch.rand(1, 1, *sides, generator=torch.Generator().manual_seed(SEED))


def _classes() -> Mapping[str, Callable[..., nn.Module]]:
    """Return the classes of the list; MONAI is imported here."""
    with quiet():
        from monai.networks import nets  # noqa: PLC0415 - seconds, and only in the child
    return {name: getattr(nets, name) for name in NETWORKS}


class _ReadOnTheWay(TorchFunctionMode):
    """Lets a constructor read the few numbers that it spaces evenly (SwinUNETR), and no weights."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        _types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        told = dict(kwargs or {})
        if func is torch.linspace:
            told["device"] = "cpu"
        return func(*args, **told)


def _made(kind: Callable[..., nn.Module], definition: NetworkDefinition) -> nn.Module:
    arguments: Mapping[str, Json] = definition.arguments
    try:
        return kind(**arguments)
    except (Exception, SystemExit) as problem:  # MONAI raises many kinds
        _refuse_without_einops(definition.name, problem)
        raise FreezeRefused(
            f"{definition.name} cannot be constructed with {dict(arguments)}: "
            f"{type(problem).__name__}: {first_line(problem)}.",
            advice="Use the arguments that it was trained with, as the installed MONAI writes them.",
        ) from problem


def _script(bundle: Bundle, *, i_made_this: bool) -> nn.Module:
    path = bundle.files.weights["torchscript"]
    if not i_made_this:
        raise FreezeRefused(
            f"{path.name} is TorchScript: a program, not weights. It was not opened.",
            advice="Give models/model.pt and a network_def of a network that is known here. Only if "
            "you made this file yourself, say so with --i-made-this.",
        )
    try:
        with quiet():
            module: nn.Module = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    except Exception as problem:
        raise FreezeRefused(
            f"{path.name} cannot be opened: {first_line(problem)}.", advice="Save it again."
        ) from problem
    refuse_not_finite(module, path.name)
    return module.eval()


def refuse_answer(module: nn.Module, name: str, channels: int, sides: Sides) -> None:
    """Run the network once, on noise of the shape `sides`.

    Raises:
        FreezeRefused: it fails, needs a library that is not here, or gives something else than scores.
    """
    given = noise(sides)
    try:
        with torch.no_grad(), quiet():
            made = module(given)
    except Exception as problem:
        _refuse_without_einops(name, problem)
        raise FreezeRefused(
            f"{name} fails on a volume of {_told(sides)}: {first_line(problem)}.",
            advice="Take the size that it was trained on: roi_size of the inferer, or a "
            "ResizeWithPadOrCropd before it.",
        ) from problem
    wanted = (1, channels, *sides)
    if not isinstance(made, torch.Tensor) or tuple(made.shape) != wanted:
        found = tuple(made.shape) if isinstance(made, torch.Tensor) else type(made).__name__
        raise FreezeRefused(
            f"{name} gives {found} for a volume of {_told(sides)}; a package needs {wanted}.",
            advice="The metadata's num_channels must be the network's, and its answer as large as "
            "its input.",
        )
    if not bool(torch.isfinite(made).all()):
        raise FreezeRefused(
            f"{name} gives NaN or infinity on a volume of noise.", advice="Train it again."
        )


def _refuse_without_einops(name: str, problem: BaseException) -> None:
    """Say which library is missing, where that is why a transformer of MONAI fails."""
    if "einops" in str(problem):
        raise FreezeRefused(
            f"{name} needs einops, which is not installed here.",
            advice="pip install einops, and freeze again.",
        ) from problem


def _told(sides: Sides) -> str:
    return f"{' × '.join(map(str, sides))} ({math.prod(sides)} voxels)"
