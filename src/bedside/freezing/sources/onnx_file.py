"""An ONNX file as a source: looked into byte by byte first, then cut down to the answer asked for.

Nothing in an ONNX graph is code, so no process apart is needed. Protobuf reads the file, which
takes memory in proportion to its length; what could hurt (files that it names, operators of its own,
functions and graphs without an end) is refused before any library follows it. Class labels that
are texts may stand in the file, and not in what is kept of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError, EncodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray

from bedside.canonical import digest
from bedside.errors import FreezeRefused, LimitExceeded, NotFound, PackageDamaged
from bedside.freezing.libraries import RUNNING, versions
from bedside.freezing.network_answers import NetworkAnswers
from bedside.freezing.onnx_graph import OnnxNetwork, cut_down
from bedside.freezing.sources.onnx_functions import with_functions_inline
from bedside.freezing.sources.onnx_weights import with_weights_inside
from bedside.freezing.sources.source import model_of
from bedside.freezing.spec import Spec
from bedside.freezing.tensors import TensorModel, Tensors, TensorSource
from bedside.package.manifest import Conditions
from bedside.package.networks import Network
from bedside.runtime.onnx_wire import read_opset
from bedside.runtime.session import Session, this_processor

MAX_ONNX_BYTES = 1_900_000_000
"""One protobuf message holds less than 2 GiB."""


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """An ONNX model as it came.

    Attributes:
        name: What refusals call it.
        digest: Of its bytes.
        model: The model, with all of its weights inside.
    """

    name: str
    digest: str
    model: onnx.ModelProto


def read_onnx(path: Path) -> OnnxFile:
    """Return an ONNX file; weights that lie in files beside it are brought inside.

    Raises:
        NotFound: there is no such file.
        LimitExceeded: larger than `MAX_ONNX_BYTES`.
        FreezeRefused: not ONNX, or one that no package may hold; says why.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {str(path)!r}.", advice="Give the path of an ONNX file.")
    if (size := path.stat().st_size) > MAX_ONNX_BYTES:
        raise LimitExceeded(f"{path.name!r} has {size} bytes; at most {MAX_ONNX_BYTES}.")
    data = path.read_bytes()
    model = _parsed(data, path.name)
    with_weights_inside(model, path)
    return OnnxFile(path.name, digest(data), _checked(model, path.name))


def onnx_in_memory(model: object) -> OnnxFile:
    """Return an ONNX model given as bytes, or as `onnx.ModelProto`.

    Raises:
        FreezeRefused: not ONNX, or one that no package may hold; says why.
    """
    name = "the ONNX graph"
    data = model if isinstance(model, bytes) else _serialised(model)
    return OnnxFile(name, digest(data), _checked(_parsed(data, name), name))


def onnx_source(file: OnnxFile, spec: Spec) -> TensorSource:
    """Return an ONNX model as a source.

    Raises:
        UsageError: the spec does not say what the network gives.
    """
    return TensorSource(partial(_opened, file), file.name, spec)


def _checked(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """Return `model` with functions inlined and each operator set named once, if it is harmless."""
    model = with_functions_inline(model, name)
    once = {
        (one.domain if one.domain != "ai.onnx" else "", one.version) for one in model.opset_import
    }
    del model.opset_import[:]
    model.opset_import.extend(onnx.helper.make_opsetid(*one) for one in sorted(once))
    _check(model, name, texts=True)
    return model


def _check(model: onnx.ModelProto, name: str, *, texts: bool) -> None:
    try:
        read_opset(_serialised(model), texts=texts)
    except PackageDamaged as problem:
        raise _refused(name, problem.message, problem.advice) from problem


def _parsed(data: bytes, name: str) -> onnx.ModelProto:
    try:
        return onnx.load_model_from_string(data)
    except DecodeError as problem:
        raise _refused(name, "it is not ONNX.") from problem


def _refused(name: str, why: str, advice: str = "") -> FreezeRefused:
    return FreezeRefused(
        f"{name} cannot be frozen: {why}",
        advice=advice or "Give a file that an ONNX exporter wrote.",
    )


def _serialised(model: object) -> bytes:
    assert isinstance(model, onnx.ModelProto)  # noqa: S101 - `open_source` asked
    try:
        written: bytes = model.SerializeToString(deterministic=True)
    except (EncodeError, ValueError) as problem:
        raise _refused("the ONNX graph", "it has more bytes than ONNX can hold.") from problem
    return written


def _opened(file: OnnxFile, example: Tensors, answers: NetworkAnswers) -> TensorModel:
    model = file.model
    network = cut_down(model, file.name, example.shape[1:], answers)
    _check(network.graph, file.name, texts=False)
    made_by = " ".join(one for one in (model.producer_name, model.producer_version) if one)
    return TensorModel(
        graph=network.graph,
        input=network.input,
        element=network.element,
        shape=network.shape,
        output=network.output,
        columns=network.columns,
        native=_NativeGraph(network),
        algorithm=f"ONNX graph by {made_by[:200]}" if made_by else "ONNX graph",
        parameters={"file": file.name, "digest": file.digest, "ir_version": model.ir_version},
        libraries=versions(RUNNING, "lab"),
    )


class _NativeGraph:
    """The author's graph, carried out as it stands, without its head and without optimisation."""

    def __init__(self, network: OnnxNetwork) -> None:
        flat = network.flattened()
        written = flat.SerializeToString(deterministic=True)
        told = Network(
            entry="native.onnx",
            opset=read_opset(written),
            input=network.input,
            element=network.element,
            output=flat.graph.output[0].name,
        )
        model = model_of(told, network.shape)
        conditions = Conditions(
            runtime=">=1.22",
            verified_with={},
            graph_optimisation="disabled",
            processor=this_processor(),
        )
        self._session = Session(written, model, conditions, network.columns)

    def __call__(self, inputs: Tensors) -> NDArray[np.float64]:
        return self._session(inputs)
