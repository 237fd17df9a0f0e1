"""Tensors inside an ONNX file: as many bytes as their shape says, and all of them here.

ONNX Runtime takes memory for the shape that a tensor states. A tensor of a few bytes that says it
has 10¹² elements is found here, before that.

Source: onnx.proto of ONNX 1.18 (TensorProto: field numbers, element types, and which data field
holds which type).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from bedside.errors import PackageDamaged
from bedside.runtime.onnx_limits import TEXTS_ADVICE
from bedside.runtime.wire import BYTES, FIXED32, FIXED64, VARINT, Part, Wire, not_onnx

MAX_RANK: Final = 32
"""Axes of a tensor; networks have at most six."""

MOST_KEPT: Final = 64
"""Elements of a constant that are kept, to be asked what shape it would make."""

_BITS: Final[Mapping[int, int]] = MappingProxyType(
    {
        **dict.fromkeys((2, 3, 9, 17, 18, 19, 20, 24), 8),
        **dict.fromkeys((4, 5, 10, 16), 16),
        **dict.fromkeys((1, 6, 12), 32),
        **dict.fromkeys((7, 11, 13, 14), 64),
        15: 128,
        **dict.fromkeys((21, 22, 23), 4),
        **dict.fromkeys((25, 26), 2),
    }
)
"""Bits of one element, by TensorProto.DataType; texts (8) have no size."""

_TEXT: Final = 8
_INT32, _INT64, _FLOAT, _DOUBLE = 6, 7, 1, 11

_FIELDS: Final[Mapping[int, tuple[int, frozenset[int]]]] = MappingProxyType(
    {
        4: (FIXED32, frozenset({1, 14})),
        5: (VARINT, frozenset({2, 3, 4, 5, 6, 9, 10, *range(16, 27)}) - {_TEXT}),
        6: (BYTES, frozenset({_TEXT})),
        7: (VARINT, frozenset({_INT64})),
        10: (FIXED64, frozenset({11, 15})),
        11: (VARINT, frozenset({12, 13})),
    }
)
"""How each data field is encoded, and the element types that it may hold."""

_RAW, _EXTERNAL, _LOCATION, _SEGMENT = 9, 13, 14, 3


@dataclass(slots=True)
class Tensor:
    """What was found of one tensor.

    Attributes:
        name: Its name; empty in an attribute.
        dims: Its shape.
        kind: TensorProto.DataType.
        data: The parts that hold its elements.
    """

    name: str = ""
    dims: list[int] = field(default_factory=list)
    kind: int = 0
    data: list[Part] = field(default_factory=list)


def read_tensor(wire: Wire, part: Part) -> Tensor:
    """Return the tensor that `part` holds.

    Raises:
        PackageDamaged: its data is outside the file, is not what its shape and type demand, or
            is given in two ways.
    """
    tensor = Tensor()
    for inner in wire.inside(part):
        match inner.number:
            case 1:
                tensor.dims += wire.integers(inner)
                if len(tensor.dims) > MAX_RANK:
                    raise PackageDamaged(f"A tensor has more than {MAX_RANK} axes.")
            case 2:
                tensor.kind = inner.value
            case 8:
                tensor.name = wire.text(inner)
            case 9 | 4 | 5 | 6 | 7 | 10 | 11:
                tensor.data.append(inner)
            case _:
                _refuse_outside(inner)
    _check_size(wire, tensor)
    return tensor


def refuse_text(tensor: Tensor) -> None:
    """Refuse a tensor of texts.

    Raises:
        PackageDamaged: it is one.
    """
    if tensor.kind == _TEXT:
        raise PackageDamaged(
            f"The tensor {tensor.name[:80]!r} holds texts, whose memory no limit counts; a package "
            "may not.",
            advice=TEXTS_ADVICE,
        )


def small_numbers(wire: Wire, tensor: Tensor) -> tuple[float, ...] | None:
    """Return the elements of a small constant of whole or real numbers, else None."""
    if _count(tensor) > MOST_KEPT:
        return None
    form = {_INT32: "i", _INT64: "q", _FLOAT: "f", _DOUBLE: "d"}.get(tensor.kind)
    if form is None:
        return None
    found: list[float] = []
    for part in tensor.data:
        if part.wire == VARINT or (part.number != _RAW and form in "iq"):
            found += wire.integers(part)
        else:
            found += [one for (one,) in struct.iter_unpack("<" + form, _bytes(wire, part))]
    return tuple(found)


def _bytes(wire: Wire, part: Part) -> bytes:
    return wire.data[part.start : part.end]


def _refuse_outside(part: Part) -> None:
    if part.number == _EXTERNAL or (
        part.number == _LOCATION and (part.wire != VARINT or part.value)
    ):
        raise PackageDamaged(
            "The model keeps data outside its file; a package must hold all of it.",
            advice="Save the ONNX model with its weights inside (save_as_external_data=False).",
        )
    if part.number == _SEGMENT:
        raise PackageDamaged("The model holds a tensor in segments; a package may not.")


def _count(tensor: Tensor) -> int:
    count = 1
    for length in tensor.dims:
        if length < 0:
            raise PackageDamaged(f"The tensor {tensor.name[:80]!r} has an axis of {length}.")
        count *= length
    return count


def _check_size(wire: Wire, tensor: Tensor) -> None:
    """Demand that the elements given are as many as the shape says, in one field, of its type."""
    count = _count(tensor)
    bits = _BITS.get(tensor.kind)
    if bits is None and tensor.kind != _TEXT:
        raise PackageDamaged(
            f"The tensor {tensor.name[:80]!r} has elements of the unknown type {tensor.kind}."
        )
    fields = {part.number for part in tensor.data}
    if len(fields) > 1 or (fields == {_RAW} and len(tensor.data) > 1):
        raise PackageDamaged(f"The tensor {tensor.name[:80]!r} gives its data twice.")
    if fields == {_RAW}:
        (raw,) = tensor.data
        if raw.wire != BYTES or bits is None:
            raise not_onnx(raw.start, "no bytes in field 9")
        wanted, given = -(-count * bits // 8), raw.end - raw.start
        what = "bytes"
    else:
        wanted, given, what = _wanted(tensor, count), _given(wire, tensor), "numbers or texts"
    if wanted != given:
        shape = " × ".join(str(length) for length in tensor.dims) or "a single number"
        raise PackageDamaged(
            f"The tensor {tensor.name[:80]!r} has the shape {shape[:200]}, which needs {wanted} "
            f"{what}; {given} are given.",
            advice="The file is damaged, or made to take memory; get it again from its author.",
        )


def _wanted(tensor: Tensor, count: int) -> int:
    """Return how many numbers a typed data field needs for `count` elements."""
    bits = _BITS.get(tensor.kind, 8)
    if tensor.kind in {14, 15}:
        return 2 * count
    return -(-count * bits // 8) if bits < 8 else count


def _given(wire: Wire, tensor: Tensor) -> int:
    given = 0
    for part in tensor.data:
        encoding, kinds = _FIELDS[part.number]
        if tensor.kind not in kinds:
            raise PackageDamaged(
                f"The tensor {tensor.name[:80]!r} gives elements of type {tensor.kind} in field "
                f"{part.number}, which does not hold them."
            )
        given += 1 if encoding == BYTES else wire.count(part, encoding)
    return given
