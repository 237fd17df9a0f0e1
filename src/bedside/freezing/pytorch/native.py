"""The native network's answers: the reference that the frozen one is held against."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bedside.canonical import Json

THREADS = 1
"""Threads of the native run: sums are then added in one order, so that two runs are equal."""

ROWS_AT_ONCE = 16
"""Rows in one forward pass: a 224² network then needs some hundred MiB for its layers."""


class TorchNative:
    """A network as a function: float32, rows × …, to float64, rows × columns. Never on a GPU.

    Attributes:
        algorithm: The kind and the class, as the lineage records them.
        parameters: Class, arguments, number of parameters and PyTorch's version.
    """

    def __init__(self, module: nn.Module, name: str, arguments: Mapping[str, Json]) -> None:
        self._module = module
        self.algorithm = f"torch.nn.Module {name}"
        self.parameters: dict[str, Json] = {
            "class": name,
            "arguments": dict(arguments),
            "parameters": sum(one.numel() for one in module.parameters()),
            "torch": torch.__version__,
        }

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the network's output, rows × columns, for `rows`, rows × ….

        Raises:
            RuntimeError: the network itself fails on an input of this shape.
        """
        parts = [
            run(self._module, torch.from_numpy(np.ascontiguousarray(rows[i : i + ROWS_AT_ONCE])))
            for i in range(0, len(rows), ROWS_AT_ONCE)
        ]
        return np.concatenate([part.numpy().astype(np.float64) for part in parts])


def run(module: nn.Module, rows: torch.Tensor) -> torch.Tensor:
    """Return what `module` makes of `rows`, without gradients, on a fixed number of threads."""
    with torch.no_grad(), fixed_threads():
        made: torch.Tensor = module(rows)
    return made


@contextlib.contextmanager
def fixed_threads() -> Iterator[None]:
    """Let PyTorch use `THREADS` threads; what was set before is set again afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(before)
