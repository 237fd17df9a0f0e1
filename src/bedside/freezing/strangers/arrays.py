"""The arrays that joblib writes into the middle of a pickle, so that they can be passed over.

joblib pickles a small description of an array and writes the array's bytes right after the
opcode that completes the description. Whoever reads such a file must know how many.

Source: joblib 1.6, joblib/numpy_pickle.py (NumpyArrayWrapper.read_array); the element type's
pickled form is that of numpy.dtype.__reduce__.
"""

from __future__ import annotations

import re
from typing import Final

from bedside.freezing.strangers.stream import Lost, Stream
from bedside.freezing.strangers.values import Global, Group, Made, Table, Value

_WRAPPER: Final = Global("joblib.numpy_pickle", "NumpyArrayWrapper")
_DTYPE: Final = Global("numpy", "dtype")
_CODE: Final = re.compile(r"([biufcmMOSUV])([0-9]{1,9})")
_CHARACTER_BYTES: Final = 4
_MOST_DEEP: Final = 4
"""Element types within element types; the nodes of a scikit-learn tree have one level."""


def is_array(value: Value) -> bool:
    """Return whether `value` is joblib's description of an array, not yet followed by it."""
    return isinstance(value, Made) and value.callee == _WRAPPER


def holds_objects(description: Made) -> bool:
    """Return whether the array holds Python objects, which another pickle then follows.

    Raises:
        Lost: the element type cannot be understood.
    """
    return _has_objects(_part(description, "dtype"), 0)


def pass_over(stream: Stream, description: Made) -> None:
    """Pass over the bytes of an array of numbers.

    Raises:
        Lost: its size cannot be understood, or the file ends before.
    """
    size = _itemsize(_part(description, "dtype"))
    shape = _part(description, "shape")
    if not isinstance(shape, Group):
        raise Lost("the shape of an array cannot be understood")
    for length in shape.parts:
        if not isinstance(length, int) or length < 0:
            raise Lost("the shape of an array cannot be understood")
        size *= length
    if _optional(description, "numpy_array_alignment_bytes") is not None:
        stream.skip(stream.take(1)[0])
    stream.skip(size)


def _part(description: Made, name: str) -> Value:
    state = description.state
    if not isinstance(state, Table) or not state.whole or name not in state.items:
        raise Lost(f"an array has no {name}")
    return state.items[name]


def _optional(description: Made, name: str) -> Value:
    assert isinstance(description.state, Table)  # noqa: S101 - `_part` was asked before
    return description.state.items.get(name)


def _dtype(value: Value) -> tuple[str, str, Value]:
    """Return kind, size as written, and state of an element type."""
    if isinstance(value, Made) and value.callee == _DTYPE and isinstance(value.arguments, Group):
        parts = value.arguments.parts
        if parts and isinstance(parts[0], str) and (found := _CODE.fullmatch(parts[0])):
            return found[1], found[2], value.state
    raise Lost("the element type of an array cannot be understood")


def _itemsize(value: Value) -> int:
    kind, size, _ = _dtype(value)
    return int(size) * (_CHARACTER_BYTES if kind == "U" else 1)


def _has_objects(value: Value, deep: int) -> bool:
    kind, _, state = _dtype(value)
    if kind != "V" or state is None:
        return kind == "O"
    if deep == _MOST_DEEP or not isinstance(state, Group) or len(state.parts) < 5:
        raise Lost("the element type of an array cannot be understood")
    base, fields = state.parts[2], state.parts[4]
    inner: list[Value] = []
    if isinstance(base, Group):
        inner.append(base.parts[0] if base.parts else None)
    if isinstance(fields, Table) and fields.whole:
        for one in fields.items.values():
            inner.append(one.parts[0] if isinstance(one, Group) and one.parts else None)
    elif fields is not None:
        raise Lost("the element type of an array cannot be understood")
    return any(_has_objects(one, deep + 1) for one in inner)
