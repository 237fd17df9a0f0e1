"""What a captured graph shows: randomness, training modes and state, with layer and line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import fx
from torch.export import ExportedProgram

from bedside.errors import FreezeRefused
from bedside.freezing.pytorch.places import Place, place_in
from bedside.freezing.pytorch.prepare import MOST_NAMED
from bedside.freezing.pytorch.scores import PREFIX


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the graph that must not be there.

    Attributes:
        what: What was found, in words.
        advice: What to change.
        layer: Where in the network.
        place: The author's line, where known.
    """

    what: str
    advice: str
    layer: str
    place: Place | None

    def __str__(self) -> str:
        return f"{self.what} in {self.layer}" + (f" ({self.place})" if self.place else "")


DROPOUT = (
    "Write F.dropout(x, p, training=self.training), or use nn.Dropout: F.dropout alone is active "
    "in evaluation mode too."
)
ATTENTION = (
    "Write dropout_p=self.dropout if self.training else 0.0: scaled_dot_product_attention does not "
    "look at the mode."
)
BATCH_NORM = (
    "Keep running statistics (track_running_stats=True, training=self.training), or use GroupNorm: "
    "now a row's answer depends on the other rows."
)
RANDOM = "Take the randomness out of forward, or fix what it draws as a buffer."


def refuse_findings(program: ExportedProgram, name: str) -> None:
    """Refuse a graph with active dropout, batch-norm in training mode, or other randomness.

    Raises:
        FreezeRefused: names each layer and line, and what to change.
    """
    found = list(_findings(program, name))
    if not found:
        return
    shown = "; ".join(map(str, found[:MOST_NAMED]))
    more = f"; and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    raise FreezeRefused(
        f"{name} does not answer each row by itself, and always alike: {shown}{more}.",
        advice=" ".join(dict.fromkeys(one.advice for one in found)),
    )


def _findings(program: ExportedProgram, name: str) -> Iterator[Finding]:
    for node in program.graph.nodes:
        if node.op != "call_function":
            continue
        if told := _judged(node):
            what, advice = told
            place = place_in(node.meta.get("stack_trace"))
            yield Finding(what, advice, layer_of(node, name), place)


def _judged(node: fx.Node) -> tuple[str, str] | None:
    target = node.target
    if not isinstance(target, torch._ops.OpOverload):
        return None
    operator = target.overloadpacket.__name__
    values = _arguments(node, target)
    if special := _SPECIAL.get(operator):
        return special(values)
    if torch.Tag.nondeterministic_seeded in target.tags:
        return f"random numbers ({operator})", RANDOM
    return None


def _dropout(values: dict[str, object]) -> tuple[str, str] | None:
    if values.get("train", values.get("training")) and values.get("p"):
        return f"dropout (p = {values['p']}) stays active", DROPOUT
    return None


def _attention(values: dict[str, object]) -> tuple[str, str] | None:
    if values.get("dropout_p"):
        return f"dropout (p = {values['dropout_p']}) of attention stays active", ATTENTION
    return None


def _batch_norm(values: dict[str, object]) -> tuple[str, str] | None:
    if values.get("training"):
        return "batch-norm takes its statistics from the batch", BATCH_NORM
    return None


def _recurrent(values: dict[str, object]) -> tuple[str, str] | None:
    if values.get("train") and values.get("dropout"):
        return f"dropout (p = {values['dropout']}) stays active", DROPOUT
    return None


def _leaky(values: dict[str, object]) -> tuple[str, str] | None:
    return ("random slopes (rrelu) stay active", DROPOUT) if values.get("training") else None


Judge = Callable[[dict[str, object]], tuple[str, str] | None]
_DROPOUTS = (
    "dropout",
    "feature_dropout",
    "alpha_dropout",
    "feature_alpha_dropout",
    "native_dropout",
)
_SPECIAL: dict[str, Judge] = {
    **dict.fromkeys(_DROPOUTS, _dropout),
    **{f"{one}_": _dropout for one in _DROPOUTS},
    "scaled_dot_product_attention": _attention,
    "batch_norm": _batch_norm,
    **dict.fromkeys(("lstm", "gru", "rnn_tanh", "rnn_relu"), _recurrent),
    **dict.fromkeys(("rrelu", "rrelu_"), _leaky),
}


def _arguments(node: fx.Node, target: torch._ops.OpOverload) -> dict[str, object]:
    """Return the arguments of a node by name, defaults included."""
    values: dict[str, object] = {}
    for position, one in enumerate(target._schema.arguments):
        if position < len(node.args):
            values[one.name] = node.args[position]
        elif one.name in node.kwargs:
            values[one.name] = node.kwargs[one.name]
        elif one.has_default_value():
            values[one.name] = one.default_value
    return values


def layer_of(node: fx.Node, name: str) -> str:
    """Return words for the layer of the author's network that a node belongs to."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    for path, kind in reversed(stack):
        inner = str(path).removeprefix(PREFIX)
        word = kind.__name__ if isinstance(kind, type) else str(kind).rsplit(".", 1)[-1]
        if inner and inner != PREFIX.rstrip(".") and not inner.startswith("_empty"):
            return f"the layer '{inner}' ({word})"
    return f"the forward of {name}"
