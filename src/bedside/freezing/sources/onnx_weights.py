"""Weights that an ONNX file keeps in files beside it, brought inside; never from anywhere else.

Exporters write large networks as `model.onnx` and `model.onnx.data`. A package holds everything
in one entry, and a file that names a path is followed only to a plain file in its own folder.
Source: onnx.ai, "External Data" (`location`, `offset`, `length` of a TensorProto).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final

import onnx
from onnx import TensorProto

from bedside.errors import FreezeRefused, LimitExceeded
from bedside.freezing.onnx_graph import nodes_of

MAX_WEIGHTS: Final = 1_900_000_000
"""Bytes of all weights: one protobuf message holds less than 2 GiB."""


def with_weights_inside(model: onnx.ModelProto, path: Path) -> bool:
    """Bring all weights that lie beside `path` into `model`; return whether there were any.

    Raises:
        FreezeRefused: a path that leads out of the folder, a link, or a file that is too short.
        LimitExceeded: together they are larger than a graph may be.
    """
    total, found = 0, False
    for tensor in _tensors(model.graph):
        if tensor.data_location != TensorProto.EXTERNAL:
            continue
        found = True
        data = _read(tensor, path, MAX_WEIGHTS - total)
        total += len(data)
        tensor.raw_data = data
        tensor.data_location = TensorProto.DEFAULT
        del tensor.external_data[:]
    return found


def _read(tensor: onnx.TensorProto, path: Path, most: int) -> bytes:
    told = {entry.key: entry.value for entry in tensor.external_data}
    name = told.get("location", "")
    try:
        offset, length = int(told.get("offset", 0)), int(told.get("length", -1))
    except ValueError as problem:
        raise _refused(path, tensor, "has no readable place") from problem
    beside = path.parent / name
    plain = PurePosixPath(name)
    if not name or len(plain.parts) != 1 or name in (".", "..") or "\\" in name or "\0" in name:
        raise _refused(path, tensor, f"lies at {name[:80]!r}, which leads out of the folder")
    if beside.is_symlink() or not beside.is_file():
        raise _refused(path, tensor, f"lies in {name[:80]!r}, which is no file beside it")
    size = beside.stat().st_size
    length = size - offset if length < 0 else length
    if offset < 0 or length < 0 or offset + length > size:
        raise _refused(path, tensor, f"ends beyond the {size} bytes of {name[:80]!r}")
    if length > most:
        raise LimitExceeded(f"The weights of {path.name} are larger than {MAX_WEIGHTS} bytes.")
    with beside.open("rb") as stream:
        stream.seek(offset)
        data: bytes = stream.read(length)
    return data


def _tensors(graph: onnx.GraphProto) -> Iterable[onnx.TensorProto]:
    yield from graph.initializer
    for node in nodes_of(graph):
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            if attribute.HasField("g"):
                yield from attribute.g.initializer
            for inner in attribute.graphs:
                yield from inner.initializer


def _refused(path: Path, tensor: onnx.TensorProto, why: str) -> FreezeRefused:
    return FreezeRefused(
        f"{path.name}: the weight {tensor.name[:80]!r} {why}.",
        advice="Save the model as one file: onnx.save(model, path, save_as_external_data=False).",
    )
