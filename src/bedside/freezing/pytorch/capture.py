"""The network's computation as a graph: captured by torch.export, with any number of rows."""

from __future__ import annotations

import torch
from torch.export import Dim, ExportedProgram, export

from bedside.errors import FreezeRefused
from bedside.freezing.pytorch.native import fixed_threads
from bedside.freezing.pytorch.places import Place, first_line, place_in, place_of
from bedside.freezing.pytorch.quiet import quiet
from bedside.freezing.pytorch.scores import Scores

ROWS = "rows"
"""Name of the first axis of input and output."""


def capture(scores: Scores, name: str, rows: torch.Tensor) -> ExportedProgram:
    """Return the graph of `scores`, seen on `rows`, at least 2 × …, for any number of rows.

    Raises:
        FreezeRefused: the computation depends on the values, on Python objects or on the number
            of rows; names the author's line.
    """
    try:
        with torch.no_grad(), fixed_threads(), quiet():
            return export(scores, (rows,), dynamic_shapes=({0: Dim(ROWS)},), strict=False)
    except Exception as problem:
        place = place_of(problem) or place_in(str(problem))
        raise _refusal(name, problem, place) from problem


def fixed_rows(problem: BaseException | None) -> bool:
    """Whether a capture failed because the graph fits some numbers of rows only."""
    return "Constraints violated" in str(problem)


def _refusal(name: str, problem: Exception, place: Place | None) -> FreezeRefused:
    kind, said = type(problem).__name__, str(problem)
    where = f" at {place}" if place else ""
    if "DataDependent" in kind or "data-dependent" in said or "unbacked symbol" in said:
        return FreezeRefused(
            f"{name} decides by the values it computes{where}: such a branch has no graph.",
            advice="Write it without `if`, float() or .item() on a tensor: torch.where(condition, a, b), "
            "clamp, or a multiplication.",
        )
    if fixed_rows(problem):
        return FreezeRefused(
            f"{name} only works for some numbers of rows{where}.",
            advice="Write the batch size as x.shape[0] or -1, and replace a loop over the rows "
            "(`for row in x`) by one operation on all of them.",
        )
    if ".numpy()" in said or "numpy" in said.lower():
        return FreezeRefused(
            f"{name} leaves PyTorch{where}: {first_line(problem)}.",
            advice="Compute this step with torch functions instead of NumPy, or before the network, "
            "as declared preprocessing.",
        )
    if "ScriptModule" in said or "takes 2 positional arguments but 3 were given" in said:
        return FreezeRefused(
            f"{name} has a part compiled with torch.jit.script{where}, which cannot be captured.",
            advice="Use the plain layer instead of torch.jit.script(layer); the weights are the same.",
        )
    if "device" in said.lower() or "cuda" in said.lower():
        return FreezeRefused(
            f"{name} uses another device than the CPU{where}: {first_line(problem)}.",
            advice="Create tensors with device=x.device, and take .cuda() out of the class.",
        )
    return FreezeRefused(
        f"{name} cannot be captured as a graph{where}: {kind}: {first_line(problem)}.",
        advice="Write that line with torch operations on whole tensors, without changing Python "
        "objects in forward.",
    )
