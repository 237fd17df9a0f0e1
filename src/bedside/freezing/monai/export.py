"""The network of a bundle as ONNX: weights through torch.export, a program by its own graph."""

from __future__ import annotations

import io

import onnx
import torch
from onnx.inliner import inline_local_functions
from torch import nn
from torch.export import Dim, export

from bedside.errors import FreezeRefused, PackageDamaged
from bedside.freezing.monai.network import BundleNetwork, Sides, noise
from bedside.freezing.monai.norms import with_exact_norms
from bedside.freezing.pytorch.cleaned import INPUT, OUTPUT, cleaned
from bedside.freezing.pytorch.export import OPSET
from bedside.freezing.pytorch.native import fixed_threads
from bedside.freezing.pytorch.places import first_line
from bedside.freezing.pytorch.quiet import quiet
from bedside.runtime.onnx_wire import read_opset

AXES = (2, 3, 4)
"""Of a tensor, batch × channels × i × j × k: those of the voxels."""


def export_network(network: BundleNetwork, sides: Sides, *, any_size: bool) -> bytes:
    """Return the network as ONNX, 1 × 1 × i × j × k to 1 × channels × i × j × k, float32.

    Args:
        network: The network.
        sides: The shape that it is exported with.
        any_size: Whether it must take other shapes too.

    Raises:
        FreezeRefused: it has no graph, or one that no package can hold.
    """
    try:
        with torch.no_grad(), fixed_threads(), quiet():
            if isinstance(network.module, torch.jit.ScriptModule):
                made = _of_program(network.module, sides, any_size=any_size)
            else:
                made = _of_module(network.module, sides, any_size=any_size)
            clean = cleaned(with_exact_norms(inlined(made)), batch=1)
    except Exception as problem:  # the exporters raise many kinds
        size = "any size" if any_size else " × ".join(map(str, sides))
        raise FreezeRefused(
            f"{network.name} cannot be written as ONNX for {size}: {type(problem).__name__}: "
            f"{first_line(problem)}.",
            advice="Use a SlidingWindowInferer, whose windows have one size, or a network of "
            "convolutions.",
        ) from problem
    data: bytes = clean.SerializeToString(deterministic=True)
    try:
        read_opset(data)
    except PackageDamaged as problem:
        raise FreezeRefused(
            f"The graph of {network.name} is none that a package can hold: {problem.message}",
            advice=problem.advice or "Use a network with standard layers.",
        ) from problem
    return data


def inlined(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return `model` without functions, so that every operator stands in its graph."""
    return inline_local_functions(model) if model.functions else model


def _of_module(module: nn.Module, sides: Sides, *, any_size: bool) -> onnx.ModelProto:
    dynamic = (dict.fromkeys(AXES, Dim.AUTO),) if any_size else None
    program = export(module, (noise(sides),), dynamic_shapes=dynamic, strict=False)
    made = torch.onnx.export(
        program,
        (),
        input_names=[INPUT],
        output_names=[OUTPUT],
        opset_version=OPSET,
        external_data=False,
        optimize=True,
        verbose=False,
    )
    assert made is not None  # noqa: S101 - torch.export's programs always give one
    return made.model_proto


def _of_program(module: torch.jit.ScriptModule, sides: Sides, *, any_size: bool) -> onnx.ModelProto:
    """Return the graph of a TorchScript program, by the exporter that was made for them."""
    named = {axis: f"side_{axis - 2}" for axis in AXES}
    written = io.BytesIO()
    torch.onnx.export(
        module,
        (noise(sides),),
        written,  # type: ignore[arg-type]  # this exporter writes into memory too
        input_names=[INPUT],
        output_names=[OUTPUT],
        opset_version=OPSET,
        dynamic_axes={INPUT: named, OUTPUT: named} if any_size else None,
        dynamo=False,
    )
    return onnx.load_model_from_string(written.getvalue())
