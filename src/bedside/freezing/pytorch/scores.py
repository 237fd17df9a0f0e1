"""The network with one output, rows × columns, whatever its author returns beside it."""

from __future__ import annotations

import torch
from torch import nn

from bedside.errors import FreezeRefused
from bedside.freezing.pytorch.places import first_line, place_of
from bedside.freezing.pytorch.watch import Watched, watch

MOST_COLUMNS = 10_000
"""Columns of scores; a hospital's largest code list of findings has a few thousand."""

PREFIX = "network."
"""What every layer's path begins with inside `Scores`."""


class Scores(nn.Module):
    """A network, the output that was chosen, and the axis that a single score lacks.

    Attributes:
        network: The author's network.
        output: Name or position of the output to take; None where there is only one.
        axes: Number of axes of that output; axes beyond the second have length 1.
    """

    def __init__(self, network: nn.Module, output: str | int | None, axes: int) -> None:
        super().__init__()
        self.network = network
        self.output = output
        self.axes = axes
        self.training = False

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return scores, rows × columns, for `rows`, rows × …."""
        made = chosen(self.network(rows), self.output)
        assert isinstance(made, torch.Tensor)  # noqa: S101 - `as_scores` looked
        if self.axes == 2:
            return made
        return made.unsqueeze(1) if self.axes == 1 else made.flatten(1)


def chosen(made: object, output: str | int | None) -> object:
    """Return the part `output` of what a network returned.

    Raises:
        LookupError: there is no such part.
    """
    if output is None:
        return made
    if isinstance(made, dict):
        return made[output]
    if isinstance(made, tuple | list):
        if isinstance(output, int) or output.isdecimal():
            return made[int(output)]
        if output in getattr(made, "_fields", ()):
            return getattr(made, output)
    raise KeyError(output)


def as_scores(
    module: nn.Module, name: str, rows: torch.Tensor, output: str | int | None
) -> tuple[Scores, tuple[str, ...]]:
    """Return `module` with one output, rows × columns, and what its author must know of it.

    It is run once, on `rows`, rows × ….

    Raises:
        FreezeRefused: it fails on inputs of this shape, returns several outputs of which none
            was chosen, an output of another shape, or values that are no numbers.
    """
    seen = watch(module, rows)
    refuse_failed(name, seen, rows)
    made = _output(name, seen.made, output)
    _refuse_shape(name, made, len(rows))
    _refuse_not_finite(name, seen, made)
    notes = (f"{name} gives one number for each row; it is kept as rows × 1.",)
    return Scores(module, output, made.dim()).eval(), notes if made.dim() == 1 else ()


def refuse_failed(name: str, seen: Watched, rows: torch.Tensor) -> None:
    """Refuse a network whose forward pass failed.

    Raises:
        FreezeRefused: names the layer, the author's line and what PyTorch says.
    """
    if seen.problem is None:
        return
    place, said = place_of(seen.problem), first_line(seen.problem)
    path, kind = seen.at_work[-1] if seen.at_work else ("", name)
    layer = f"in the layer '{path}' ({kind})" if path else f"in {kind}.forward"
    raise FreezeRefused(
        f"{name} fails on an input of {shape_of(rows)}, {layer}"
        f"{f', at {place}' if place else ''}: {said}.",
        advice=_way_out(said),
    ) from seen.problem


_WAYS_OUT = (
    (
        ("cuda", "nvidia", "mps", "device"),
        "Freezing runs on the CPU: take .cuda() and device='cuda' out of the class, and create "
        "tensors with device=x.device.",
    ),
    (
        ("required positional argument",),
        "A package's network takes one tensor: write a small class whose forward takes the "
        "preprocessed values joined in one, and splits them.",
    ),
    (
        ("channels",),
        "Declare as many channels as the network was trained on (1 grey, 3 colour).",
    ),
    (
        ("shapes cannot be multiplied", "size mismatch", "normalized_shape"),
        "The network only fits the size that it was trained on: declare the same Resize or the "
        "same fields as in training.",
    ),
    (
        ("invalid for input of size",),
        "Write the batch size as x.shape[0] (or -1), never as a number.",
    ),
    (
        ("must match the size", "expected size"),
        "Declare the size that the network was trained on, the same as in training.",
    ),
)
"""Words of PyTorch's errors, and what to do about them; the first that fits counts."""


def _way_out(said: str) -> str:
    for words, advice in _WAYS_OUT:
        if any(word in said.lower() for word in words):
            return advice
    return "Correct the class so that it runs on the preprocessed data, and freeze again."


def _output(name: str, made: object, output: str | int | None) -> torch.Tensor:
    if output is None and isinstance(made, torch.Tensor):
        return made
    parts = _parts(made)
    if output is None:
        raise FreezeRefused(
            f"{name} returns {parts}, not one tensor.",
            advice="Say which output holds the scores (output in [network] of the spec), or let "
            "forward return only that one.",
        )
    try:
        found = chosen(made, output)
    except LookupError as problem:
        raise FreezeRefused(
            f"{name} has no output {output!r}; it returns {parts}.",
            advice="Choose one of these.",
        ) from problem
    if not isinstance(found, torch.Tensor):
        raise FreezeRefused(
            f"The output {output!r} of {name} is a {type(found).__name__}, not a tensor.",
            advice=f"It returns {parts}: choose a tensor of scores.",
        )
    return found


def _parts(made: object) -> str:
    if isinstance(made, torch.Tensor):
        return "one tensor"
    if isinstance(made, dict):
        return f"a dict with {[str(key) for key in made][:10]}"
    if isinstance(made, tuple | list):
        names = getattr(made, "_fields", None)
        inside = f": {list(names)}" if names else ""
        return f"a {type(made).__name__} of {len(made)} outputs{inside}"
    return f"a {type(made).__name__}"


def _refuse_shape(name: str, made: torch.Tensor, rows: int) -> None:
    kept = made.dim() > 0 and made.shape[0] == rows
    if kept and all(length == 1 for length in made.shape[2:]):
        if made.dim() == 1 or 0 < made.shape[1] <= MOST_COLUMNS:
            return
        advice = f"Give between 1 and {MOST_COLUMNS} scores for each row."
    elif made.dim() == 0:
        advice = "Return one row of scores for each input; a mean or a loss is none."
    elif not kept:
        advice = (
            "The first axis must be the rows: write the batch size as x.shape[0], and look for a "
            "reshape, squeeze() or transpose that mixes it with another axis."
        )
    else:
        advice = (
            "Give one number for each class: pool over the other axes, such as x.mean(dim=(2, 3)). "
            "A map of scores is no score."
        )
    raise FreezeRefused(
        f"{name} gives an output of {shape_of(made)} for {rows} rows; it must be rows × classes.",
        advice=advice,
    )


def _refuse_not_finite(name: str, seen: Watched, made: torch.Tensor) -> None:
    if not made.is_floating_point():
        raise FreezeRefused(
            f"{name} gives {str(made.dtype).removeprefix('torch.')}, not scores.",
            advice="Return logits or probabilities, not the class that argmax takes.",
        )
    if torch.isfinite(made).all():
        return
    first = next(
        (one for one in seen.calls if one.made is not None and not torch.isfinite(one.made).all()),
        None,
    )
    where = f"; the first is {first}" if first is not None else ""
    raise FreezeRefused(
        f"{name} gives NaN or infinity on your data{where}.",
        advice="Look for a division by zero, a logarithm of zero or an overflow there; or for "
        "data that are not preprocessed as in training.",
    )


def shape_of(values: torch.Tensor) -> str:
    """Return words for a tensor's shape, such as `the shape 8 × 2`."""
    return f"the shape {' × '.join(map(str, values.shape)) or 'of a single number'}"
