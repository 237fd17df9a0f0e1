"""Calls that no honest file makes, though every name in them is known.

A name tells what is called, and its arguments tell what comes of it: `bytearray(3_000_000_000)`
is three gigabytes out of a file of forty bytes, and `torch.Tensor(n)` the same. Of the names that
hold weights, only the calls that `pickle` and `torch.save` write are known; of the others, those
that would make what the follower does not see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from bedside.freezing.strangers.arrays import DTYPE, WRAPPER
from bedside.freezing.strangers.names import is_library_class, is_tensor_class
from bedside.freezing.strangers.values import Global, Group, Made, Unknown, Value

_LATIN: Final = frozenset({"latin1", "latin-1"})
_ENCODE: Final = Global("_codecs", "encode")
_Parts: TypeAlias = "tuple[Value, ...] | None"
"""Arguments, where they are known."""


def odd_call(callee: Global, arguments: Value) -> str | None:
    """Return what is odd in calling `callee` with `arguments`; None where nothing is."""
    parts = arguments.parts if isinstance(arguments, Group) else None
    if is_tensor_class(callee.module, callee.name):
        return f"calls {callee.module}.{callee.name}, which takes as much memory as it is told"
    known = _KNOWN.get(callee)
    if known is None:
        return None
    is_known, words = known
    return None if is_known(parts) else words


def _is_bytes(parts: _Parts) -> bool:
    """Return whether these are no argument, bytes, or a text and its encoding."""
    if parts is None or len(parts) > 2:
        return False
    if len(parts) == 2:
        return parts[1] in _LATIN
    if not parts or parts[0] is Unknown.BYTES:
        return True
    return isinstance(parts[0], Made) and parts[0].callee == _ENCODE


def _rebuilds(parts: _Parts) -> bool:
    if not parts or not isinstance(parts[0], Global):
        return False
    return parts[0].module == "torch._utils" and parts[0].name.startswith("_rebuild_")


def _is_latin(parts: _Parts) -> bool:
    return parts is not None and len(parts) == 2 and parts[1] in _LATIN


def _is_of_a_library(parts: _Parts) -> bool:
    return (
        parts is not None
        and len(parts) > 0
        and isinstance(parts[0], Global)
        and is_library_class(*parts[0])
    )


def _is_nothing(parts: _Parts) -> bool:
    return parts == ()


def _is_text(parts: _Parts) -> bool:
    return parts is not None and len(parts) > 0 and isinstance(parts[0], str)


_NO_BYTES: Final = "calls bytearray with something other than bytes"
_NO_CLASS: Final = "makes an object of a class of no known library"

_KNOWN: Final[Mapping[Global, tuple[Callable[[_Parts], bool], str]]] = MappingProxyType(
    {
        Global("builtins", "bytearray"): (_is_bytes, _NO_BYTES),
        Global("__builtin__", "bytearray"): (_is_bytes, _NO_BYTES),
        _ENCODE: (_is_latin, "encodes a text with something other than latin1"),
        Global("torch._tensor", "_rebuild_from_type_v2"): (
            _rebuilds,
            "lets PyTorch call something that makes no tensor",
        ),
        Global("copyreg", "_reconstructor"): (_is_of_a_library, _NO_CLASS),
        Global("copy_reg", "_reconstructor"): (_is_of_a_library, _NO_CLASS),
        WRAPPER: (_is_nothing, "describes an array in an unknown way"),
        DTYPE: (_is_text, "describes the elements of an array in an unknown way"),
    }
)
"""What a call's arguments must be, and what is said of any others."""
