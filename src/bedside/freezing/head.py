"""From what a network gives to probabilities by class: once in NumPy, once as nodes of its graph.

The frozen graph carries its head with it, in double precision; the native model's numbers go
through `native_head`, written apart, so that a mistake in one shows as a difference.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bedside.errors import FreezeRefused
from bedside.freezing.network_answers import NetworkAnswers
from bedside.package.outputs import BinaryOutput, NumberOutput, Output

SCORES = "scores"
"""What the graph's one output is called, unless the network already has a value of that name."""

Scores = NDArray[np.float64]


def picked_columns(network: NetworkAnswers, output: Output, columns: int) -> list[int]:
    """Return which of the network's `columns` become the answer, in the answer's order.

    One column where a finding of several is picked or only one is needed; else one for each
    class.

    Raises:
        FreezeRefused: the network has too few columns, or more than are accounted for.
    """
    single = network.gives in ("probability", "logit", "number") or network.column is not None
    if single:
        if network.column is None and columns != 1:
            raise FreezeRefused(
                f"The network gives {columns} columns, and network.gives = {network.gives!r} "
                "means one of them.",
                advice="Say which: column = 0 (counted from 0) in [network].",
            )
        chosen = [network.column or 0]
    else:
        wanted = 1 if isinstance(output, NumberOutput) else len(output.classes)
        chosen = list(range(wanted)) if network.columns is None else list(network.columns)
        if columns != wanted:
            raise FreezeRefused(
                f"The network gives {columns} columns, and the spec declares {wanted} classes.",
                advice="Declare every class that the network tells apart, in the order of its "
                "columns; or pick one finding with `column` in [network] and declare a binary "
                "output.",
            )
    if max(chosen) >= columns:
        raise FreezeRefused(
            f"The spec picks column {max(chosen)}, and the network has the columns 0 to "
            f"{columns - 1}.",
            advice="Correct `column` or `columns` in [network]; they are counted from 0.",
        )
    return chosen


def native_head(raw: Scores, network: NetworkAnswers, output: Output) -> Scores:
    """Return what `raw` (rows × the network's columns) means: rows × classes, or rows × 1."""
    picked = picked_columns(network, output, raw.shape[1])
    if network.gives == "logits":
        grown = np.exp(raw - raw.max(axis=1, keepdims=True))
        raw = grown / grown.sum(axis=1, keepdims=True)
    chosen = raw[:, picked]
    if network.gives == "logit":
        with np.errstate(over="ignore"):
            chosen = 1.0 / (1.0 + np.exp(-chosen))
    if isinstance(output, NumberOutput) or len(picked) > 1:
        return chosen
    pair = [1.0 - chosen, chosen] if _positive_is_last(output) else [chosen, 1.0 - chosen]
    return np.hstack(pair)


def with_head(
    model: onnx.ModelProto, raw: tuple[str, int], network: NetworkAnswers, output: Output
) -> tuple[onnx.ModelProto, str]:
    """Return `model` with the head behind its tensor `raw`, and the name of its one output.

    Args:
        model: A graph with operator set 9 or later.
        raw: Name of the floating-point tensor that holds the answer, and its number of columns;
            axes beyond the second must have length 1.
        network: How to read it.
        output: What it shall become.

    Raises:
        FreezeRefused: the columns are not there.
    """
    name, columns = raw
    head = _Head(model)
    value = head.op("Flatten", name, axis=1)
    value = head.op("Cast", value, to=int(TensorProto.DOUBLE))
    picked = picked_columns(network, output, columns)
    if network.gives == "logits":
        value = head.op("Softmax", value, axis=1)
    if picked != list(range(columns)):
        chosen = head.constant(np.array(picked, dtype=np.int64))
        value = head.op("Gather", value, chosen, axis=1)
    if network.gives == "logit":
        value = head.op("Sigmoid", value)
    if not isinstance(output, NumberOutput) and len(picked) == 1:
        rest = head.op("Sub", head.constant(np.array([1.0])), value)
        pair = (rest, value) if _positive_is_last(output) else (value, rest)
        value = head.op("Concat", *pair, axis=1)
    width = 1 if isinstance(output, NumberOutput) else len(output.classes)
    return head.finished(value, width)


def _positive_is_last(output: Output) -> bool:
    assert isinstance(output, BinaryOutput)  # noqa: S101 - the spec allows one column to no other
    return output.classes[1].label == output.positive


class _Head:
    """Nodes behind a copy of a graph, under names that the graph does not have."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = onnx.ModelProto()
        self._model.CopyFrom(model)
        graph = self._model.graph
        self._taken = {one for node in graph.node for one in (*node.output, node.name)}
        self._taken |= {one.name for one in (*graph.input, *graph.initializer)}

    def _free(self, word: str) -> str:
        count = 0
        while (name := word if count == 0 else f"{word}_{count}") in self._taken:
            count += 1
        self._taken.add(name)
        return name

    def constant(self, values: NDArray[np.generic]) -> str:
        name = self._free("head_constant")
        self._model.graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def op(self, kind: str, *reads: str, **numbers: int) -> str:
        made = self._free(f"head_{kind.lower()}")
        node = helper.make_node(kind, list(reads), [made], name=made)
        node.attribute.extend(helper.make_attribute(one, n) for one, n in numbers.items())
        self._model.graph.node.append(node)
        return made

    def finished(self, value: str, width: int) -> tuple[onnx.ModelProto, str]:
        graph, name = self._model.graph, self._free(SCORES)
        graph.node.append(helper.make_node("Identity", [value], [name], name=name))
        del graph.output[:]
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, width]))
        return self._model, name
