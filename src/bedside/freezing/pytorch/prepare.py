"""A network made ready: evaluation mode, single precision, on the CPU; what was changed is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import torch
from torch import nn

from bedside.errors import FreezeRefused, LimitExceeded
from bedside.freezing.pytorch.places import first_line
from bedside.freezing.pytorch.watch import watch

MAX_WEIGHTS = 1_900_000_000
"""Bytes of all weights in single precision: an ONNX file is one protobuf message, below 2 GiB."""

MOST_NAMED = 5
"""Names in one message."""

LONGEST_NAME = 120
"""Characters of one of them."""

LARGEST_SHIFT = 0.05
"""Largest change by conversion to single precision, relative to the largest score."""


def prepare(module: nn.Module, name: str, rows: torch.Tensor) -> tuple[nn.Module, tuple[str, ...]]:
    """Return `module` in evaluation mode and single precision, and what was changed.

    `rows`, rows × …, float32, show how much the conversion to single precision changes.

    Raises:
        FreezeRefused: layers that stay in training mode, quantised or complex weights, weights
            that are no numbers, or scores that single precision changes by more than 5 %.
        LimitExceeded: more weights than an ONNX file holds.
    """
    notes = _evaluation_mode(module, name)
    refuse_quantised(module, name)
    refuse_not_finite(module, name)
    _refuse_large(module, name)
    precisions = precisions_of(module)
    if set(precisions) - {torch.float32}:
        return _in_single(module, name, precisions, rows, notes)
    return module, notes


def _evaluation_mode(module: nn.Module, name: str) -> tuple[str, ...]:
    came_training = [path or name for path, layer in module.named_modules() if layer.training]
    module.eval()
    stubborn = [
        f"'{path}' ({type(layer).__name__})" if path else type(layer).__name__
        for path, layer in module.named_modules()
        if layer.training
    ]
    if stubborn:
        raise FreezeRefused(
            f"{name} keeps {named(stubborn)} in training mode after eval().",
            advice="Remove the train() method that overrides it: dropout and batch-norm in training "
            "mode answer differently each time.",
        )
    if not came_training or not any(map(_minds_training, module.modules())):
        return ()
    return (
        f"{name} came in training mode; it is frozen in evaluation mode, as model.eval() sets it. "
        "Check that its evaluation was made in that mode too.",
    )


def _minds_training(layer: nn.Module) -> bool:
    dropouts = nn.modules.dropout._DropoutNd | nn.modules.batchnorm._NormBase
    return isinstance(layer, dropouts | nn.RReLU | nn.RNNBase | nn.MultiheadAttention)


def refuse_quantised(module: nn.Module, name: str) -> None:
    """Refuse a network with quantised layers or weights.

    Raises:
        FreezeRefused: names the layers.
    """
    found = [
        f"'{path}' ({type(layer).__name__})"
        for path, layer in module.named_modules()
        if ".quantized" in type(layer).__module__
    ]
    found += [f"'{path}'" for path, one in _tensors(module) if one.is_quantized or one.is_complex()]
    if found:
        raise FreezeRefused(
            f"{name} has quantised or complex weights: {named(found)}.",
            advice="Freeze the network as it was before quantisation, with weights in float32.",
        )


def refuse_not_finite(module: nn.Module, name: str) -> None:
    """Refuse weights that are no numbers; a mask may hold infinity, a parameter may not.

    Raises:
        FreezeRefused: names the weights.
    """
    parameters = {path for path, _ in module.named_parameters(remove_duplicate=False)}
    found = []
    for path, one in _tensors(module):
        if one.is_meta:
            raise FreezeRefused(
                f"The weight '{path}' of {name} lies on the device 'meta': it has no values.",
                advice="Load the weights first, or give the file that holds them.",
            )
        if nn.parameter.is_lazy(one) or not one.is_floating_point():
            continue
        wrong = torch.isnan(one) if path not in parameters else ~torch.isfinite(one)
        if count := int(wrong.sum()):
            found.append(f"'{path}' ({count} of {one.numel()})")
    if found:
        raise FreezeRefused(
            f"Weights of {name} are NaN or infinite: {named(found)}.",
            advice="Training went astray: take an earlier checkpoint, or train again with a "
            "smaller learning rate.",
        )


def _refuse_large(module: nn.Module, name: str) -> None:
    size = sum(4 * one.numel() for _, one in _tensors(module) if not nn.parameter.is_lazy(one))
    if size > MAX_WEIGHTS:
        raise LimitExceeded(
            f"{name} has {size / 1e9:.1f} GB of weights; an ONNX file holds {MAX_WEIGHTS / 1e9} GB.",
            advice="Freeze a smaller network.",
        )


def precisions_of(module: nn.Module) -> Counter[torch.dtype]:
    """Return how many floating-point weights have which precision."""
    found = (one for _, one in _tensors(module) if not nn.parameter.is_lazy(one))
    return Counter(one.dtype for one in found if one.is_floating_point())


def _in_single(
    module: nn.Module,
    name: str,
    precisions: Counter[torch.dtype],
    rows: torch.Tensor,
    notes: tuple[str, ...],
) -> tuple[nn.Module, tuple[str, ...]]:
    shown = ", ".join(
        f"{count} in {str(kind).removeprefix('torch.')}" for kind, count in precisions.most_common()
    )
    before = _answer(module, rows, precisions.most_common(1)[0][0])
    single = module.float()  # a copy of the author's, or the child's own
    after = _answer(single, rows, torch.float32)
    begun = (
        f"The weights of {name} are not all in single precision ({shown}); it is frozen in float32"
    )
    if isinstance(before, str) or isinstance(after, str):
        why = before if isinstance(before, str) else after
        return single, (
            *notes,
            f"{begun}. As saved it does not run on the CPU ({why}), so what the "
            "conversion changes was not measured: evaluate the package again.",
        )
    shift = float((before - after).abs().max()) / max(1e-6, float(before.abs().max()))
    if not shift <= LARGEST_SHIFT:
        raise FreezeRefused(
            f"{begun}, and that changes its output by {shift:.1%} of the largest score on your data.",
            advice="Convert it yourself (model.float()), evaluate it again, and freeze that one.",
        )
    return single, (
        *notes,
        f"{begun}. That changes its output by at most {shift:.2g} of the largest "
        "score on your data.",
    )


def _answer(module: nn.Module, rows: torch.Tensor, kind: torch.dtype) -> torch.Tensor | str:
    """Return all that the module gives as one float64 vector, or why it fails."""
    seen = watch(module, rows.to(kind))
    if seen.problem is not None:
        return first_line(seen.problem, 100)
    found = [one.double().flatten() for one in _leaves(seen.made) if one.is_floating_point()]
    return torch.cat(found) if found else torch.zeros(1, dtype=torch.float64)


def _leaves(made: object) -> Iterable[torch.Tensor]:
    if isinstance(made, torch.Tensor):
        yield made
    elif isinstance(made, dict):
        for one in made.values():
            yield from _leaves(one)
    elif isinstance(made, tuple | list):
        for one in made:
            yield from _leaves(one)


def _tensors(module: nn.Module) -> Iterable[tuple[str, torch.Tensor]]:
    yield from module.named_parameters()
    yield from module.named_buffers()


def named(names: list[str]) -> str:
    """Return the first of `names`, and how many more there are."""
    more = len(names) - MOST_NAMED
    shown = [one if len(one) <= LONGEST_NAME else one[:LONGEST_NAME] + "…" for one in names]
    return ", ".join(shown[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
