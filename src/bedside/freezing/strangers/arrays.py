"""The arrays that joblib writes into the middle of a pickle, so that they can be passed over.

joblib pickles a small description of an array and writes the array's bytes right after the
opcode that completes the description. Whoever reads such a file must know how many.

Source: joblib 1.6, joblib/numpy_pickle.py (NumpyArrayWrapper.read_array); the element type's
pickled form is that of numpy.dtype.__reduce__.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from bedside.freezing.strangers.opcodes import Budget
from bedside.freezing.strangers.stream import Lost, Stream
from bedside.freezing.strangers.values import Global, Group, Made, Table, Value

WRAPPER: Final = Global("joblib.numpy_pickle", "NumpyArrayWrapper")
DTYPE: Final = Global("numpy", "dtype")
_CODE: Final = re.compile(r"([biufcmMOSUV])([0-9]{1,9})")
_CHARACTER_BYTES: Final = 4
_SIZED: Final = frozenset("SUV")
"""Kinds whose size stands in the state; that of the others follows from the kind."""

_HAS_OBJECTS: Final = 1
"""Bit of an element type's flags (NPY_ITEM_HASOBJECT), by which joblib decides."""

_MEMBERS: Final = frozenset(
    {
        *("subclass", "shape", "order", "dtype", "allow_mmap"),
        "numpy_array_alignment_bytes",
    }
)
"""What joblib writes of an array; another member could take the place of a method."""

_MOST_DEEP: Final = 4
"""Element types within element types; the nodes of a scikit-learn tree have one level."""


def is_array(value: Value) -> bool:
    """Return whether `value` is joblib's description of an array, not yet followed by it."""
    return isinstance(value, Made) and value.callee == WRAPPER


def holds_objects(description: Made, budget: Budget) -> bool:
    """Return whether the array holds Python objects, which another pickle then follows.

    Raises:
        Lost: the element type cannot be understood.
    """
    return _has_objects(_part(description, "dtype"), 0, budget)


def pass_over(stream: Stream, description: Made) -> None:
    """Pass over the bytes of an array of numbers.

    Raises:
        Lost: its size cannot be understood, or the file ends before.
    """
    size = _elements(_part(description, "dtype")).size
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
    if not state.items.keys() <= _MEMBERS:
        raise Lost("an array has a member that joblib does not write")
    return state.items[name]


def _optional(description: Made, name: str) -> Value:
    assert isinstance(description.state, Table)  # noqa: S101 - `_part` was asked before
    return description.state.items.get(name)


class _Elements(NamedTuple):
    """An element type: its kind, its bytes, whether it says it holds objects, what is in it."""

    kind: str
    size: int
    objects: bool
    inner: tuple[Value, ...]


def _elements(value: Value) -> _Elements:
    """Return what an element type is, where its name and its state say the same."""
    if isinstance(value, Made) and value.callee == DTYPE and isinstance(value.arguments, Group):
        parts = value.arguments.parts
        if parts and isinstance(parts[0], str) and (found := _CODE.fullmatch(parts[0])):
            kind, size = found[1], int(found[2])
            size *= _CHARACTER_BYTES if kind == "U" else 1
            return _stated(kind, size, value.state) if value.built else _bare(kind, size)
    raise Lost("the element type of an array cannot be understood")


def _bare(kind: str, size: int) -> _Elements:
    return _Elements(kind, size, kind == "O", ())


def _stated(kind: str, size: int, state: Value) -> _Elements:
    """Return an element type that was given a state, as numpy.dtype.__reduce__ writes it."""
    parts = state.parts if isinstance(state, Group) else ()
    if (len(parts), *parts[:1]) not in {(8, 3), (9, 4)}:
        raise Lost("the element type of an array cannot be understood")
    told, flags = parts[5], parts[7]
    if told != (size if kind in _SIZED else -1) or not isinstance(flags, int):
        raise Lost("the element type of an array has two sizes")
    inner = _inner(parts[2], parts[4])
    if inner and kind != "V":
        raise Lost("the element type of an array cannot be understood")
    return _Elements(kind, size, bool(flags & _HAS_OBJECTS), inner)


def _inner(base: Value, fields: Value) -> tuple[Value, ...]:
    """Return the element types within one: those of its fields, or that of its inner array."""
    if base is None and fields is None:
        return ()
    if isinstance(base, Group) and base.parts and fields is None:
        return (base.parts[0],)
    if base is None and isinstance(fields, Table) and fields.whole:
        known = [one for one in fields.items.values() if isinstance(one, Group) and one.parts]
        if len(known) == len(fields.items):
            return tuple(one.parts[0] for one in known)
    raise Lost("the element type of an array cannot be understood")


def _has_objects(value: Value, deep: int, budget: Budget) -> bool:
    budget.left -= 1
    if deep == _MOST_DEEP or budget.left < 0:
        raise Lost("the element type of an array nests too many others")
    found = _elements(value)
    holds = found.kind == "O"
    for one in found.inner:
        holds |= _has_objects(one, deep + 1, budget)
    if holds != found.objects:
        raise Lost("the element type of an array does not say truly whether it holds objects")
    return holds
