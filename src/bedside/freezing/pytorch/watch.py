"""What each layer made of its input: small fingerprints that tell which layer was the first to differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

from bedside.freezing.pytorch.native import fixed_threads

NEAR = 1e-4
"""Fingerprints nearer than this, relative to their size, are equal: rounding of single precision."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one layer.

    Attributes:
        path: The layer's path in the network, such as `features.3`; empty for the whole.
        kind: Name of its class.
        given: Fingerprint of its input, rows × 3, or 1 × 3 where its first axis is not the rows.
        made: The same of its output; None where there is no tensor of numbers.
    """

    path: str
    kind: str
    given: torch.Tensor | None
    made: torch.Tensor | None

    def __str__(self) -> str:
        return f"the layer '{self.path}' ({self.kind})" if self.path else f"{self.kind}.forward"


@dataclass(slots=True)
class Watched:
    """What one forward pass did.

    Attributes:
        made: The network's output, whatever its author returns.
        calls: The finished calls, in the order in which they ended.
        at_work: The layers that were at work when the pass failed, the innermost last.
        problem: Why it failed, or None.
    """

    made: object = None
    calls: list[Call] = field(default_factory=list)
    at_work: list[tuple[str, str]] = field(default_factory=list)
    problem: Exception | None = None


def watch(module: nn.Module, rows: torch.Tensor, inside: nn.Module | None = None) -> Watched:
    """Return what one forward pass of `module` over `rows`, rows × …, did, layer by layer.

    `inside` is the part of `module` whose layers are watched; all of it where None.
    """
    seen = Watched()
    given: list[torch.Tensor | None] = []

    def entering(path: str) -> Callable[[nn.Module, object], None]:
        def note(layer: nn.Module, arguments: object) -> None:
            seen.at_work.append((path, type(layer).__name__))
            given.append(fingerprint(arguments, len(rows)))

        return note

    def leaving(layer: nn.Module, arguments: object, made: object) -> None:
        path, kind = seen.at_work.pop()
        seen.calls.append(Call(path, kind, given.pop(), fingerprint(made, len(rows))))

    layers = [
        one
        for one in (inside or module).named_modules()
        if not isinstance(one[1], torch.jit.ScriptModule)
    ]
    hooks = [layer.register_forward_pre_hook(entering(path)) for path, layer in layers]
    hooks += [layer.register_forward_hook(leaving) for _, layer in layers]
    try:
        with torch.no_grad(), fixed_threads():
            seen.made = module(rows)
    except Exception as problem:  # noqa: BLE001 - the author's code may raise anything
        seen.problem = problem
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def fingerprint(values: object, rows: int) -> torch.Tensor | None:
    """Return sum, sum of sizes and largest value of each row, rows × 3, float64.

    `values` is a tensor, or a tuple, list or dict whose first tensor counts. 1 × 3 where its
    first axis does not have `rows` entries.
    """
    found = _first_tensor(values)
    if found is None or not found.is_floating_point() or found.numel() == 0:
        return None
    by_row = found.dim() > 0 and found.shape[0] == rows
    flat = found.detach().reshape(rows if by_row else 1, -1).double()
    return torch.stack([flat.sum(1), flat.abs().sum(1), flat.max(1).values], dim=1)


def same(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    """Whether two fingerprints are equal up to rounding; what has none counts as equal."""
    if one is None or other is None or one.shape != other.shape:
        return True
    size = 1 + torch.maximum(one[:, 1:2], other[:, 1:2])
    gap = torch.where(torch.isnan(one) & torch.isnan(other), 0.0, (one - other).abs())
    return bool((gap <= NEAR * size).all())


def first_to_differ(
    one: Watched, other: Watched, row: Callable[[torch.Tensor], torch.Tensor]
) -> str:
    """Return words for the part that first gave another output in `other` than in `one`.

    `row` picks, from a fingerprint of `one`, the rows that `other` is about.
    """
    before: Call | None = None
    for first, second in zip(one.calls, other.calls, strict=False):
        if first.path != second.path:
            break
        if not same(_picked(first.made, row), second.made):
            if same(_picked(first.given, row), second.given):
                return str(first)
            after = f" after {before}" if before and before.path else ""
            return f"the code{after} and before {first}"
        before = first
    return f"the code after {before}" if before else "the network"


def _picked(
    values: torch.Tensor | None, row: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor | None:
    return None if values is None else row(values)


def _first_tensor(values: object) -> torch.Tensor | None:
    if isinstance(values, torch.Tensor):
        return values
    if isinstance(values, dict):
        values = list(values.values())
    if isinstance(values, tuple | list):
        found = (_first_tensor(one) for one in values)
        return next((one for one in found if one is not None), None)
    return None
