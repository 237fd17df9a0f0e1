"""The frozen model before it is a package: the runtime's own parts, in the runtime's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bedside.errors import FreezeRefused, PackageRefused
from bedside.freezing.frames import RawRow
from bedside.package.fields import TabularInput
from bedside.package.manifest import Conditions, Model
from bedside.package.operations import Operation
from bedside.package.outputs import Output
from bedside.runtime.gate import Gate
from bedside.runtime.postprocess import Answer, Postprocess, output_width
from bedside.runtime.preprocess import Preprocess
from bedside.runtime.session import Session


@dataclass(frozen=True, slots=True)
class FrozenParts:
    """What decides a frozen model's answer, as the manifest will say it.

    Attributes:
        declared: The input domain.
        operations: The preprocessing.
        network: The ONNX graph's bytes.
        model: What the manifest says of the graph.
        conditions: How the runtime must run it.
        output: What the scores mean.
    """

    declared: TabularInput
    operations: tuple[Operation, ...]
    network: bytes
    model: Model
    conditions: Conditions
    output: Output


class FrozenModelPath:
    """Raw rows in, answers out, by the same parts that `runtime.runner.Runner` is made of.

    A `Runner` exists only for a whole package with golden cases; these are what the golden
    cases are made from.
    """

    def __init__(self, parts: FrozenParts) -> None:
        self._gate = Gate(parts.declared)
        self._preprocess = Preprocess(parts.declared, parts.operations)
        width = output_width(parts.output)
        self._session = Session(parts.network, parts.model, parts.conditions, width)
        self._postprocess = Postprocess(parts.output)

    def __call__(self, rows: Sequence[RawRow]) -> tuple[Answer, ...]:
        """Return one answer for each row.

        Raises:
            FreezeRefused: the frozen model has no usable answer for a row of its domain.
        """
        table = self._gate.check(rows)
        try:
            return self._postprocess(self._session(self._preprocess(table)))
        except PackageRefused as problem:
            raise FreezeRefused(
                f"The frozen model has no answer inside the declared domain: {problem.message}",
                advice=problem.advice,
            ) from problem
