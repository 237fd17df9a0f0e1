"""The header of a safetensors file, read strictly: what it lists fills the file, and nothing else does.

Source: the format's description in the README of huggingface/safetensors ("Format"), and the checks
of its own reader (Metadata::validate).
"""

from __future__ import annotations

import math
from typing import BinaryIO, Final

from bedside.canonical import Json, read_json
from bedside.errors import BedsideError
from bedside.freezing.strangers.stream import Lost

MAX_HEADER: Final = 8 * 2**20
"""Bytes of a header; its own reader takes 100 MB, a network of 10,000 weights needs one."""

MAX_CONTAINERS: Final = 100_000
"""Lists and tables in a header, three for each tensor."""

_BITS: Final = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
}
_METADATA: Final = "__metadata__"
_KEYS: Final = frozenset({"dtype", "shape", "data_offsets"})


def looks_like_tensors(first: bytes, size: int) -> bool:
    """Return whether a file of `size` bytes that begins with `first` says that it is one."""
    return first[8:9] == b"{" and 2 <= int.from_bytes(first[:8], "little") <= size - 8


def check_tensors(file: BinaryIO, size: int) -> None:
    """Check the header of the safetensors file that fills `file`.

    Raises:
        Lost: it is not one, or not one that every reader would understand alike.
    """
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(size - 8, MAX_HEADER):
        raise Lost(f"its header should have {length} bytes")
    try:
        header = read_json(file.read(length).rstrip(b" "), containers=MAX_CONTAINERS)
    except BedsideError as problem:
        raise Lost(f"its header cannot be read: {problem.message}") from problem
    if not isinstance(header, dict):
        raise Lost("its header is no table")
    _check_metadata(header.pop(_METADATA, {}))
    places = sorted(_place(name, told) for name, told in header.items())
    position = 0
    for start, end in places:
        if start != position:
            raise Lost(f"its tensors leave a gap, or overlap, at byte {position}")
        position = end
    if 8 + length + position != size:
        raise Lost(f"its tensors end at byte {8 + length + position}, and it has {size}")


def _check_metadata(told: Json) -> None:
    if not isinstance(told, dict) or not all(isinstance(one, str) for one in told.values()):
        raise Lost("its metadata are no table of texts")


def _place(name: str, told: Json) -> tuple[int, int]:
    """Return where the bytes of a tensor begin and end, counted from the header's end."""
    if not isinstance(told, dict) or told.keys() != _KEYS:
        raise Lost(f"its header describes {name[:80]!r} in an unknown way")
    shape, offsets, kind = _numbers(told["shape"]), _numbers(told["data_offsets"]), told["dtype"]
    if shape is None or offsets is None or len(offsets) != 2 or not isinstance(kind, str):
        raise Lost(f"its header describes {name[:80]!r} in an unknown way")
    if kind not in _BITS:
        raise Lost(f"its tensor {name[:80]!r} is of the unknown type {kind[:40]!r}")
    if offsets[1] - offsets[0] != math.prod(shape) * _BITS[kind] // 8:
        raise Lost(f"its tensor {name[:80]!r} has other bytes than its shape needs")
    return offsets[0], offsets[1]


def _numbers(told: Json) -> list[int] | None:
    """Return a list of at most 64 whole numbers from zero on."""
    if not isinstance(told, list) or len(told) > 64:
        return None
    found = [one for one in told if isinstance(one, int) and not isinstance(one, bool) and one >= 0]
    return found if len(found) == len(told) else None
