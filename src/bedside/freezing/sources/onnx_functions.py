"""Functions of an ONNX file put in place of their calls, after what that makes was counted.

Two functions of which each calls the one before it twice are four nodes; sixty such are 10¹⁸. So
the nodes and bytes that stand at the end are reckoned from the functions as they are written,
in whole numbers and from above, before any library begins.

Source: onnx.proto of ONNX 1.18 (FunctionProto; a function is named by its domain, name and
overload, and must not call itself, not even through others).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

import onnx
from google.protobuf.message import DecodeError, EncodeError  # type: ignore[import-untyped]
from onnx import inliner

from bedside.errors import FreezeRefused
from bedside.freezing.onnx_graph import nodes_of, with_inner
from bedside.runtime.onnx_limits import MAX_NODES

MAX_DEEP: Final = 32
"""Functions that call one another; exporters of PyTorch nest four or five."""

MAX_ADDED: Final = 2**28
"""Bytes that all calls together may become; the weights of a network stand in no function."""

_Key: TypeAlias = tuple[str, str, str]

_ERRORS: Final = (
    onnx.checker.ValidationError,
    onnx.shape_inference.InferenceError,
    DecodeError,
    EncodeError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What ONNX's inliner raises; they share no base class but Exception."""


class _Size(NamedTuple):
    """What a function becomes: its nodes, its bytes, the places that take from the call, its depth."""

    nodes: int = 0
    bytes: int = 0
    places: int = 0
    deep: int = 0


def with_functions_inline(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """Return `model` without functions of its own.

    Raises:
        FreezeRefused: a function that calls itself or stands twice, functions that call one
            another too deep, or more nodes or bytes than a network may have; or ONNX's own
            library cannot put them in place.
    """
    if not model.functions:
        return model
    sizes = _sizes(model, name)
    calling = (node for node in nodes_of(model.graph) if _key(node) in sizes)
    _check(_size(calling, sizes), name)
    try:
        return inliner.inline_local_functions(model)
    except _ERRORS as problem:
        raise _refused(
            name, f"its functions cannot be put in place of their calls: {str(problem)[:300]}"
        ) from problem


def _sizes(model: onnx.ModelProto, name: str) -> Mapping[_Key, _Size]:
    """Return what each function becomes, those without calls first, without recursion."""
    functions = {_named(one.domain, one.name, one.overload): one for one in model.functions}
    if len(functions) != len(model.functions):
        raise _refused(name, "two of its functions have one name")
    bodies = {key: tuple(_inside(one.node)) for key, one in functions.items()}
    calls = {
        key: {called for node in body if (called := _key(node)) in functions}
        for key, body in bodies.items()
    }
    sizes: dict[_Key, _Size] = {}
    while len(sizes) < len(functions):
        ready = [key for key in calls if key not in sizes and calls[key] <= sizes.keys()]
        if not ready:
            first = min(key for key in calls if key not in sizes)
            raise _refused(name, f"its function {first[1][:80]!r} calls itself or one that does")
        for key in ready:
            given = sum(one.ByteSize() for one in functions[key].attribute_proto)
            size = _size(bodies[key], sizes)
            sizes[key] = size._replace(bytes=size.bytes + given * size.places)
            _check(sizes[key], name)
    return sizes


def _size(nodes: Iterable[onnx.NodeProto], sizes: Mapping[_Key, _Size]) -> _Size:
    """Return what `nodes` become; what a call states may be copied to each place of its body."""
    made = _Size()
    for node in nodes:
        own, called = node.ByteSize(), sizes.get(_key(node))
        within = called or _Size(nodes=1, deep=-1)
        made = _Size(
            nodes=made.nodes + within.nodes,
            bytes=made.bytes + own + within.bytes + own * within.places,
            places=made.places + within.places + _places(node),
            deep=max(made.deep, within.deep + 1),
        )
    return made


def _places(node: onnx.NodeProto) -> int:
    return 1 + len(node.input) + len(node.output) + len(node.attribute)


def _check(size: _Size, name: str) -> None:
    if size.deep > MAX_DEEP:
        raise _refused(name, f"its functions call one another more than {MAX_DEEP} deep")
    if size.nodes > MAX_NODES:
        raise _refused(name, f"its functions stand for more than {MAX_NODES} operators")
    if size.bytes > MAX_ADDED:
        raise _refused(name, f"its functions stand for more than {MAX_ADDED} bytes")


def _inside(nodes: Iterable[onnx.NodeProto]) -> Iterable[onnx.NodeProto]:
    for node in nodes:
        yield from with_inner(node)


def _key(node: onnx.NodeProto) -> _Key:
    return _named(node.domain, node.op_type, node.overload)


def _named(domain: str, name: str, overload: str) -> _Key:
    return "" if domain == "ai.onnx" else domain, name, overload


def _refused(name: str, why: str) -> FreezeRefused:
    return FreezeRefused(
        f"{name} cannot be frozen: {why}.",
        advice="Export it again with its functions inlined: onnx.inliner.inline_local_functions.",
    )
