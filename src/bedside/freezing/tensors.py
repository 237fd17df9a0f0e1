"""Networks that take tensors, from PyTorch or an ONNX file: one way to freeze both.

The spec declares what is done before the network and what its numbers mean. The declared
operations are carried out by the runtime's own code; the native function and the frozen graph
get the same tensors, and only they and the head are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray

from bedside.canonical import Json
from bedside.errors import FreezeRefused, UsageError
from bedside.freezing.compare import differences_of
from bedside.freezing.comparison import Comparison
from bedside.freezing.data import AuthorData
from bedside.freezing.feeding import Feed, declared_operations, feed_for, network_shape
from bedside.freezing.graph import Precision
from bedside.freezing.head import native_head, with_head
from bedside.freezing.native import NativeAnswers, native_answers
from bedside.freezing.network_answers import NetworkAnswers
from bedside.freezing.rows import RawRow
from bedside.freezing.sources.source import FrozenNetwork
from bedside.freezing.spec import Spec
from bedside.package.outputs import NumberOutput, Output
from bedside.runtime.onnx_wire import read_opset
from bedside.runtime.session import Session

EXAMPLES = 8
"""The author's rows that a network is looked at with before it is converted."""

RANDOM_TENSORS = 16
"""Random tensors compared beside the author's rows: they reach what smooth pictures do not."""

Tensors: TypeAlias = NDArray[np.float32] | NDArray[np.float64]
"""Inputs × columns, or inputs × channels × rows × columns."""


@dataclass(frozen=True, slots=True)
class TensorModel:
    """A network, native and as a graph without its head.

    Attributes:
        graph: The graph; its first axis is free, or 1.
        input: Name of the graph's one input.
        element: Type of that input.
        shape: Of one input; None for a side that the graph leaves open.
        output: Name of the tensor with the answer, inputs × `columns`.
        columns: How many numbers it gives for one input.
        native: The native function: inputs in, inputs × `columns` out.
        algorithm: Its kind and class.
        parameters: What it was made with.
        libraries: Versions of what decides its answers.
        notes: What its author must be told.
    """

    graph: onnx.ModelProto
    input: str
    element: Precision
    shape: tuple[int | None, ...]
    output: str
    columns: int
    native: Callable[[Tensors], NDArray[np.float64]]
    algorithm: str
    parameters: Mapping[str, Json]
    libraries: Mapping[str, str]
    notes: tuple[str, ...] = ()


Opener: TypeAlias = Callable[[Tensors, NetworkAnswers], TensorModel]
"""Makes a model of its file or object; gets some preprocessed inputs to look at it with."""


class TensorSource:
    """A network that takes tensors; a `Source`."""

    def __init__(self, opener: Opener, name: str, spec: Spec) -> None:
        """Keep what opens the network; `name` is what refusals call it.

        Raises:
            UsageError: the spec does not say what the network gives, or says what is for
                scikit-learn models alone.
        """
        self._answers = _answers_for_a_network(spec, name)
        self._opener, self._name = opener, name
        self._model: TensorModel | None = None
        self._examples: Tensors | None = None

    @property
    def _opened(self) -> TensorModel:
        assert self._model is not None  # noqa: S101 - `network` comes first
        return self._model

    @property
    def algorithm(self) -> str:
        """Kind and class of the network."""
        return self._opened.algorithm

    @property
    def parameters(self) -> Mapping[str, Json]:
        """What it was made with, and how its output is read."""
        reading = self._answers.model_dump(mode="json", exclude={"arguments"}, exclude_none=True)
        return {**self._opened.parameters, "network": reading}

    @property
    def libraries(self) -> Mapping[str, str]:
        """Versions of what decides its answers."""
        return self._opened.libraries

    @property
    def notes(self) -> tuple[str, ...]:
        """What its author must be told."""
        return self._opened.notes

    def network(self, data: AuthorData, spec: Spec) -> FrozenNetwork:
        """Return the declared operations, and the graph with its head."""
        operations = declared_operations(spec)
        shape = network_shape(data.declared, operations)
        feed = feed_for(data.declared, operations)
        self._examples = feed(data.some(EXAMPLES))
        model = self._model = self._opener(self._examples, self._answers)
        _refuse_another_shape(self._name, model.shape, shape)
        raw = model.output, model.columns
        graph, output = with_head(model.graph, raw, self._answers, spec.output)
        onnx.checker.check_model(graph, full_check=True)
        written = graph.SerializeToString(deterministic=True)
        return FrozenNetwork(
            operations=operations,
            onnx=written,
            opset=read_opset(written),
            input=model.input,
            element=model.element,
            output=output,
            shape=shape,
        )

    def native(self, data: AuthorData, spec: Spec) -> NativeTensors:
        """Return the native network behind the declared operations."""
        feed = feed_for(data.declared, declared_operations(spec))
        return NativeTensors(self._name, self._opened, feed, self._answers, spec.output)

    def compare_inside(self, session: Session, spec: Spec) -> Comparison:
        """Return how near both come on random tensors, spread as the author's inputs are."""
        assert self._examples is not None  # noqa: S101 - `network` comes first
        tensors = _random_like(self._examples, spec.comparison.seed)
        model = self._opened
        raw = model.native(tensors.astype(model.element))
        expected = native_head(raw, self._answers, spec.output)
        found = session(tensors)
        typical = None
        if isinstance(spec.output, NumberOutput):
            typical = float(np.median(np.abs(expected))) or 1.0
        largest = float(differences_of(expected, found, typical).max())
        if not largest <= spec.comparison.tolerance:
            raise FreezeRefused(
                f"{self._name}: on random tensors the frozen network differs from the native one "
                f"by up to {largest:.3g} (allowed {spec.comparison.tolerance:g}).",
                advice=WAY_OUT,
            )
        name = "random tensors"
        tried = ((name, len(tensors), largest),)
        return Comparison(len(tensors), largest, spec.comparison.tolerance, tried)


WAY_OUT = (
    "Where the difference is rounding of single precision, state a larger comparison.tolerance "
    "(at most 0.01); else look for a step that ONNX carries out otherwise, such as rounding, "
    "sorting or interpolation."
)


@dataclass(frozen=True, slots=True)
class NativeTensors:
    """The native network, fed with raw rows by the runtime's own operations; a `Native`."""

    name: str
    model: TensorModel
    feed: Feed
    answers: NetworkAnswers
    output: Output

    @property
    def way_out(self) -> str:
        """What to do where the frozen network is not exact."""
        return WAY_OUT

    def refuse(self, problem: str, advice: str) -> FreezeRefused:
        """Return the refusal of the network, by name."""
        return FreezeRefused(f"{self.name}: {problem}", advice=advice)

    def __call__(self, rows: Sequence[RawRow], what: str) -> NativeAnswers:
        """Return the native answers to `rows`.

        Raises:
            FreezeRefused: the network itself fails, or gives something that is no number.
        """
        inputs = self.feed(rows).astype(self.model.element)
        try:
            raw = self.model.native(inputs)
        except (RuntimeError, ValueError, TypeError, IndexError) as problem:
            raise self.refuse(
                f"the native network itself fails on {what}, which the spec allows: "
                f"{(str(problem).splitlines() or [''])[0][:300]}",
                "Narrow the declared domain, or change the network so that it answers there.",
            ) from problem
        scores = native_head(raw, self.answers, self.output)
        if not np.isfinite(scores).all():
            raise self.refuse(
                f"the native network has no number for {what}, which the spec allows.",
                "Let an `impute` operation fill what is missing, narrow the declared domain, or "
                "change the network so that it answers there.",
            )
        return native_answers(scores, self.output)


def _answers_for_a_network(spec: Spec, name: str) -> NetworkAnswers:
    if spec.network is None:
        raise UsageError(
            f"The spec does not say what the network {name} gives.",
            advice='Add [network] with gives = "probabilities", "probability", "logits", "logit" '
            'or "number".',
        )
    if spec.native_classes:
        raise UsageError(
            "The spec has `native_classes`, which is for scikit-learn models.",
            advice="List output.classes in the order of the network's columns, or state `columns` "
            "in [network].",
        )
    return spec.network


def _refuse_another_shape(
    name: str, found: tuple[int | None, ...], declared: tuple[int, ...]
) -> None:
    fits = len(found) == len(declared) and all(
        own in (None, wanted) for own, wanted in zip(found, declared, strict=False)
    )
    if not fits:
        shown = " × ".join("?" if side is None else str(side) for side in found)
        raise FreezeRefused(
            f"{name} takes inputs of {shown}, and the declared operations give "
            f"{' × '.join(map(str, declared))}.",
            advice="Correct the operations in the spec, so that they give what the network was "
            "trained on: columns, or channels × rows × columns.",
        )


def _random_like(examples: Tensors, seed: int) -> Tensors:
    """Return random tensors with the mean and the spread of `examples`, column or channel wise."""
    random = np.random.default_rng(seed)
    axes = (0, *range(2, examples.ndim))
    mean = np.nan_to_num(np.nanmean(examples, axis=axes, keepdims=True))
    spread = np.nan_to_num(np.nanstd(examples, axis=axes, keepdims=True))
    drawn = random.standard_normal((RANDOM_TENSORS, *examples.shape[1:]))
    return np.asarray(mean + drawn * spread, dtype=np.float32)
