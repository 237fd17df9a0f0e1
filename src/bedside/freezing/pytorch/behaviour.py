"""What only running shows: state, randomness outside PyTorch, rows that look at each other."""

from __future__ import annotations

import torch

from bedside.errors import FreezeRefused
from bedside.freezing.pytorch.prepare import named
from bedside.freezing.pytorch.scores import Scores, chosen, refuse_failed, shape_of
from bedside.freezing.pytorch.watch import NEAR, Watched, first_to_differ, watch

MOST_ROWS = 4
"""Rows that are each asked alone too."""


def check_behaviour(scores: Scores, name: str, rows: torch.Tensor) -> None:
    """Check that `scores` answers each of `rows`, rows × …, always alike and by itself.

    Raises:
        FreezeRefused: two runs differ, a buffer changes, or a row's answer depends on the others;
            names the layer that was the first to differ.
    """
    rows = rows[:MOST_ROWS]
    before = {path: one.clone() for path, one in scores.network.named_buffers()}
    _refuse_other_shape(scores, name, rows)
    once, again = (_watched(scores, name, rows) for _ in range(2))
    changed = [
        path for path, one in scores.network.named_buffers() if not _equal(one, before.get(path))
    ]
    if changed:
        raise FreezeRefused(
            f"{name} keeps something from one input for the next, in {named(changed)}.",
            advice="Change no buffer in forward: a frozen network has no memory.",
        )
    _refuse_unlike(name, once, again)
    for position in range(len(rows)):
        _refuse_not_by_itself(scores, name, rows, once, position)


def _refuse_unlike(name: str, once: Watched, again: Watched) -> None:
    if _gap(once.made, again.made) <= NEAR:
        return
    raise FreezeRefused(
        f"{name} answers the same rows differently each time; the first to differ is "
        f"{first_to_differ(once, again, lambda values: values)}.",
        advice="Take randomness (dropout, random, numpy.random) and anything remembered between "
        "calls (self.x = …) out of forward.",
    )


def _refuse_not_by_itself(
    scores: Scores, name: str, rows: torch.Tensor, once: Watched, position: int
) -> None:
    row = rows[position : position + 1]
    alone, together = _watched(scores, name, row), once.made
    assert isinstance(together, torch.Tensor)  # noqa: S101 - `Scores` gives nothing else
    gap = _gap(together[position : position + 1], alone.made)
    if gap <= NEAR:
        return
    layer = first_to_differ(
        once, alone, lambda values: values[position : position + 1] if len(values) > 1 else values
    )
    raise FreezeRefused(
        f"{name} answers row {position} alone otherwise than among {len(rows)} rows, by {gap:.3g}; "
        f"the first to differ is {layer}.",
        advice="A row's answer may not depend on the others: look for batch_first=True that is "
        "missing, a mean or softmax over axis 0, a positional table added along the rows, or a "
        "reshape that mixes rows.",
    )


def _refuse_other_shape(scores: Scores, name: str, rows: torch.Tensor) -> None:
    """Refuse a network that forgets the axis of the rows when there is one."""
    alone = watch(scores.network, rows[:1])
    refuse_failed(name, alone, rows[:1])
    made = chosen(alone.made, scores.output)
    if isinstance(made, torch.Tensor) and made.dim() == scores.axes and len(made) == 1:
        return
    shown = shape_of(made) if isinstance(made, torch.Tensor) else type(made).__name__
    raise FreezeRefused(
        f"{name} gives an output of {shown} for one row, without the axis of the rows.",
        advice="squeeze() without an axis also takes the rows away when there is one: write "
        "squeeze(1) or flatten(1).",
    )


def _watched(scores: Scores, name: str, rows: torch.Tensor) -> Watched:
    seen = watch(scores, rows, scores.network)
    refuse_failed(name, seen, rows)
    return seen


def _gap(one: object, other: object) -> float:
    if not isinstance(one, torch.Tensor) or not isinstance(other, torch.Tensor):
        return 0.0
    if one.shape != other.shape:
        return float("inf")
    size = max(1.0, float(one.abs().max()))
    return float((one.double() - other.double()).abs().max()) / size


def _equal(one: torch.Tensor, other: torch.Tensor | None) -> bool:
    return other is not None and one.shape == other.shape and bool(torch.equal(one, other))
