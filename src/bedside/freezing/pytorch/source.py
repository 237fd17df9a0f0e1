"""A PyTorch network as what freezing needs: an ONNX graph, native answers, notes for its author.

The order: evaluation mode and single precision; one run, which must give rows × columns; the
graph captured; randomness and training modes looked for in it; each row asked alone and twice;
the graph written as ONNX. Whether native and frozen answers are equal is for the caller to
compare, on data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.export import ExportedProgram

from bedside.errors import FreezeRefused, UsageError
from bedside.freezing.pytorch.behaviour import check_behaviour
from bedside.freezing.pytorch.capture import capture, fixed_rows
from bedside.freezing.pytorch.export import ExportedNetwork, export_onnx
from bedside.freezing.pytorch.graph_checks import refuse_findings
from bedside.freezing.pytorch.module import LoadedModule
from bedside.freezing.pytorch.native import TorchNative
from bedside.freezing.pytorch.prepare import prepare
from bedside.freezing.pytorch.quiet import quiet
from bedside.freezing.pytorch.scores import Scores, as_scores

MOST_ROWS = 8
"""Rows of the example that are used: enough to see rows that look at each other."""


@dataclass(frozen=True, slots=True)
class TorchModel:
    """A network, frozen and native.

    Attributes:
        network: The ONNX graph.
        native: The native network as a function.
        notes: What its author must know: sentences.
    """

    network: ExportedNetwork
    native: TorchNative
    notes: tuple[str, ...]


def translate_module(
    loaded: LoadedModule, example: NDArray[np.float32], *, output: str | int | None = None
) -> TorchModel:
    """Return `loaded` as ONNX, after it was checked on `example`.

    Args:
        loaded: The network with its weights.
        example: Preprocessed rows, rows × … (× channels × rows × columns for pictures), float32.
        output: Name or position (from 0) of the output to take, where the network returns several.

    Raises:
        FreezeRefused: it cannot be frozen as it is; names the layer, and what to change.
        LimitExceeded: it has more weights than an ONNX file holds.
        UsageError: the example has no rows.
    """
    rows = _rows(example)
    name = loaded.name.rsplit(".", 1)[-1]
    with quiet():
        module, changed = prepare(loaded.module, name, rows)
        scores, shaped = as_scores(module, name, rows, output)
        program = _captured(scores, name, rows)
        refuse_findings(program, name)
        check_behaviour(scores, name, rows)
        made = scores(rows[:1])
        network = export_onnx(program, name, made.shape[1])
    native = TorchNative(scores, loaded.name, loaded.arguments)
    return TorchModel(network, native, (*loaded.notes, *changed, *shaped))


def _captured(scores: Scores, name: str, rows: torch.Tensor) -> ExportedProgram:
    """Return the graph; where it is bound to a number of rows, running may tell which layer is."""
    try:
        return capture(scores, name, rows[:2])
    except FreezeRefused as problem:
        if fixed_rows(problem.__cause__):
            check_behaviour(scores, name, rows)
        raise


def _rows(example: NDArray[np.float32]) -> torch.Tensor:
    """Return some rows of the example, at least two: the last is turned around where there is one."""
    if example.ndim < 2 or len(example) == 0:
        raise UsageError(
            f"The example has the shape {example.shape}.",
            advice="Give at least one preprocessed row: rows × columns, or rows × channels × "
            "height × width.",
        )
    rows = torch.from_numpy(np.ascontiguousarray(example[:MOST_ROWS], dtype=np.float32))
    return rows if len(rows) > 1 else torch.cat([rows, rows.flip(-1)])
