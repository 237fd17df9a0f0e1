"""Calls that no honest file makes, though every name in them is known.

A name tells what is called, and its arguments tell what comes of it: `bytearray(3_000_000_000)`
is three gigabytes out of a file of forty bytes, and `torch.Tensor(n)` the same. Of the names that
hold weights, only the calls that `pickle` and `torch.save` write are known; of the others, those
that would make what the follower does not see.
"""

from __future__ import annotations

from typing import Final

from bedside.freezing.strangers.arrays import DTYPE, WRAPPER
from bedside.freezing.strangers.names import is_library_class, is_tensor_class
from bedside.freezing.strangers.values import Global, Group, Made, Unknown, Value

_LATIN: Final = frozenset({"latin1", "latin-1"})
_BYTEARRAYS: Final = frozenset(
    {Global("builtins", "bytearray"), Global("__builtin__", "bytearray")}
)
_ENCODE: Final = Global("_codecs", "encode")
_TYPED: Final = Global("torch._tensor", "_rebuild_from_type_v2")
_RECONSTRUCTORS: Final = frozenset(
    {Global("copyreg", "_reconstructor"), Global("copy_reg", "_reconstructor")}
)


def odd_call(callee: Global, arguments: Value) -> str | None:
    """Return what is odd in calling `callee` with `arguments`; None where nothing is."""
    parts = arguments.parts if isinstance(arguments, Group) else None
    if callee in _BYTEARRAYS:
        return None if _is_bytes(parts) else "calls bytearray with something other than bytes"
    if callee == _ENCODE:
        latin = parts is not None and len(parts) == 2 and parts[1] in _LATIN
        return None if latin else "encodes a text with something other than latin1"
    if callee == _TYPED:
        return None if _rebuilds(parts) else "lets PyTorch call something that makes no tensor"
    if is_tensor_class(callee.module, callee.name):
        return f"calls {callee.module}.{callee.name}, which takes as much memory as it is told"
    if callee in _RECONSTRUCTORS:
        known = parts and isinstance(parts[0], Global) and is_library_class(*parts[0])
        return None if known else "makes an object of a class of no known library"
    if callee == WRAPPER:
        return None if parts == () else "describes an array in an unknown way"
    if callee == DTYPE and not (parts and isinstance(parts[0], str)):
        return "describes the elements of an array in an unknown way"
    return None


def _is_bytes(parts: tuple[Value, ...] | None) -> bool:
    """Return whether these are no argument, bytes, or a text and its encoding."""
    if parts is None or len(parts) > 2:
        return False
    if len(parts) == 2:
        return parts[1] in _LATIN
    if not parts or parts[0] is Unknown.BYTES:
        return True
    return isinstance(parts[0], Made) and parts[0].callee == _ENCODE


def _rebuilds(parts: tuple[Value, ...] | None) -> bool:
    if not parts or not isinstance(parts[0], Global):
        return False
    return parts[0].module == "torch._utils" and parts[0].name.startswith("_rebuild_")
