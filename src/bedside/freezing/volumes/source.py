"""What freezing asks of a model that reads volumes, whatever it was made with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from bedside.freezing.comparison import Comparison
from bedside.freezing.described import DescribedSource
from bedside.freezing.volumes.spec import VolumeSpec
from bedside.imaging.volume import Volume
from bedside.package.volume_models import SlidingInference, WholeInference
from bedside.package.volume_operations import VolumeOperation
from bedside.runtime.analysis import Analysis

FrozenAnalyses: TypeAlias = Callable[[Volume], Analysis]
"""The frozen model, from the volume as it was read to its labels on the same grid."""


@dataclass(frozen=True, slots=True)
class VolumeNetwork:
    """What a source becomes: declared operations, how the network is run, and its graph.

    Attributes:
        operations: The declared preprocessing.
        inference: Whole, or window by window.
        onnx: The graph's bytes; equal sources give equal bytes.
        input: Name of its one input, 1 × channels × i × j × k, float32.
        output: Name of the tensor of scores, 1 × channels × i × j × k; or 1 × 1 for a number.
        memory: Most bytes that one run takes; None where nobody knows.
    """

    operations: tuple[VolumeOperation, ...]
    inference: WholeInference | SlidingInference
    onnx: bytes
    input: str
    output: str
    memory: int | None = None


class VolumeSource(DescribedSource, Protocol):
    """A volume model that can be frozen."""

    def network(self, spec: VolumeSpec) -> VolumeNetwork:
        """Return the model as declared operations and a graph.

        Raises:
            FreezeRefused: a part cannot be frozen exactly, or the spec says otherwise than the
                model's own files; names it.
        """

    def compare(
        self, frozen: FrozenAnalyses, drawn: Sequence[Volume], spec: VolumeSpec
    ) -> Comparison:
        """Return how near native and frozen model come; `network` was called before.

        Args:
            frozen: The frozen model, the whole way.
            drawn: The drawn heads of the golden cases.
            spec: Says the tolerance.

        Raises:
            FreezeRefused: they differ by more; says where.
        """
