"""What freezing asks of a model, whatever it was made with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bedside.errors import FreezeRefused
from bedside.freezing.comparison import Comparison
from bedside.freezing.data import AuthorData
from bedside.freezing.described import DescribedSource
from bedside.freezing.graph import Precision
from bedside.freezing.native import NativeAnswers
from bedside.freezing.rows import RawRow
from bedside.freezing.spec import Spec
from bedside.package.networks import ImageModel, Model, Network, RowModel
from bedside.package.outputs import Output
from bedside.package.preprocessing import AnyOperation
from bedside.runtime.session import Session


@dataclass(frozen=True, slots=True)
class FrozenNetwork:
    """What a source becomes: declared operations, and an ONNX graph that gives the answer's numbers.

    Attributes:
        operations: The declared preprocessing.
        onnx: The graph's bytes; equal sources give equal bytes.
        opset: Version of each operator domain, the default domain written `ai.onnx`.
        input: Name of the graph's one input.
        element: Type of that input.
        output: Name of the tensor of probabilities (inputs × classes) or values (inputs × 1).
        shape: Of one input: (columns,), or (channels, rows, columns).
    """

    operations: tuple[AnyOperation, ...]
    onnx: bytes
    opset: dict[str, int]
    input: str
    element: Precision
    output: str
    shape: tuple[int, ...]


def model_of(told: Network, shape: tuple[int, ...]) -> RowModel:
    """Return what a manifest says of a network that takes inputs of `shape`."""
    named = told.model_dump()
    if len(shape) == 1:
        return Model(**named, width=shape[0])
    channels, rows, columns = shape
    return ImageModel(**named, shape=(1 if channels == 1 else 3, rows, columns))


class Native(Protocol):
    """The native model, answering raw rows: the reference of the comparison."""

    @property
    def name(self) -> str:
        """What the model is called in a refusal."""

    @property
    def output(self) -> Output:
        """What its scores mean."""

    @property
    def way_out(self) -> str:
        """What its author can do where the frozen model is not exact."""

    def __call__(self, rows: Sequence[RawRow], what: str) -> NativeAnswers:
        """Return the native answers to `rows`; `what` says what they try, for a refusal."""

    def refuse(self, problem: str, advice: str) -> FreezeRefused:
        """Return the refusal of this model, by name."""


class Source(DescribedSource, Protocol):
    """A model that can be frozen."""

    def network(self, data: AuthorData, spec: Spec) -> FrozenNetwork:
        """Return the model as declared operations and a graph.

        Raises:
            FreezeRefused: a part cannot be frozen exactly; names it.
        """

    def native(self, data: AuthorData, spec: Spec) -> Native:
        """Return the native model, answering raw rows; `network` was called before.

        Raises:
            FreezeRefused: the data is not laid out as the model takes it.
        """

    def compare_inside(self, session: Session, spec: Spec) -> Comparison | None:
        """Return how near both come on inputs of the graph itself; None where none are tried.

        Raises:
            FreezeRefused: a score differs by more than the spec's tolerance.
        """
