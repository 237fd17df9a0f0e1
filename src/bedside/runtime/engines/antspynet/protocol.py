"""How parent and child talk: a length, a JSON header, then plain arrays one after the other.

Nothing is pickled; a header says what follows, and every size is checked before memory is taken,
on both sides, because a child that went wrong must not take its parent with it.

    8 bytes   `bedside1`
    4 bytes   length of the header, big-endian
    header    JSON object in UTF-8; `arrays` lists dtype and shape of what follows
    arrays    values in C order, little-endian, without gaps
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from bedside.errors import LimitExceeded, UsageError

MAGIC: Final = b"bedside1"
MOST_HEADER: Final = 2**20
"""Bytes of a header."""

MOST_ARRAYS: Final = 16
MOST_BYTES: Final = 4 * 2**30
"""Of all arrays of one message: 16 probabilities of 64 million voxels."""

_MOST_AXES: Final = 4
_KINDS: Final[Mapping[str, np.dtype[Any]]] = {
    name: np.dtype(name).newbyteorder("<") for name in ("float32", "float64", "uint8")
}


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """One message.

    Attributes:
        header: A JSON object; `kind` says what it is.
        arrays: What came with it.
    """

    header: Mapping[str, Any]
    arrays: tuple[NDArray[Any], ...] = ()

    @property
    def kind(self) -> str:
        """What the message is."""
        return str(self.header.get("kind"))


def write_message(
    stream: IO[bytes], header: Mapping[str, Any], arrays: Sequence[NDArray[Any]] = ()
) -> None:
    """Write one message.

    Raises:
        UsageError: an array of another type than the protocol has.
        OSError: nobody reads.
    """
    listed = []
    for array in arrays:
        if array.dtype.name not in _KINDS:
            raise UsageError(f"An array of {array.dtype} cannot be sent.")
        listed.append({"dtype": array.dtype.name, "shape": list(array.shape)})
    text = json.dumps({**header, "arrays": listed}, allow_nan=False).encode()
    if len(text) > MOST_HEADER:
        raise LimitExceeded(f"A header of {len(text)} bytes; at most {MOST_HEADER}.")
    stream.write(MAGIC + len(text).to_bytes(4, "big") + text)
    for array in arrays:
        stream.write(_bytes(np.ascontiguousarray(array, _KINDS[array.dtype.name])))
    stream.flush()


def read_message(stream: IO[bytes]) -> Message | None:
    """Return the next message, or None where the other side has closed.

    Raises:
        UsageError: not a message of this protocol, or one that breaks off.
        LimitExceeded: larger than a message may be.
    """
    start = stream.read(len(MAGIC) + 4)
    if not start:
        return None
    if len(start) < len(MAGIC) + 4 or not start.startswith(MAGIC):
        raise UsageError(f"What came is no message; it begins with {start[:12]!r}.")
    size = int.from_bytes(start[len(MAGIC) :], "big")
    if size > MOST_HEADER:
        raise LimitExceeded(f"A header of {size} bytes; at most {MOST_HEADER}.")
    header = _header(_exactly(stream, size))
    return Message(header, tuple(_arrays(stream, header.pop("arrays", []))))


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except ValueError as problem:
        raise UsageError(f"A message's header is no JSON: {problem}") from problem
    if not isinstance(header, dict):
        raise UsageError("A message's header is no object.")
    return header


def _arrays(stream: IO[bytes], listed: object) -> list[NDArray[Any]]:
    if not isinstance(listed, list) or len(listed) > MOST_ARRAYS:
        raise UsageError(f"A message lists {str(listed)[:80]} as its arrays.")
    plans = [_plan(one) for one in listed]
    total = sum(kind.itemsize * math.prod(shape) for kind, shape in plans)
    if total > MOST_BYTES:
        raise LimitExceeded(f"A message with {total} bytes of arrays; at most {MOST_BYTES}.")
    found = []
    for kind, shape in plans:
        array = np.empty(shape, kind)
        _fill(stream, _bytes(array))
        found.append(array)
    return found


def _plan(one: object) -> tuple[np.dtype[Any], tuple[int, ...]]:
    shape = one.get("shape") if isinstance(one, dict) else None
    kind = _KINDS.get(str(one.get("dtype"))) if isinstance(one, dict) else None
    if (
        kind is None
        or not isinstance(shape, list)
        or len(shape) > _MOST_AXES
        or not all(type(side) is int and 0 <= side < 2**31 for side in shape)
    ):
        raise UsageError(f"A message lists {str(one)[:80]} as an array.")
    return kind, tuple(shape)


def _bytes(array: NDArray[Any]) -> memoryview:
    """Return the bytes of an array that lies in C order, without a copy."""
    return array.reshape(-1).view(np.uint8).data


def _fill(stream: IO[bytes], place: memoryview) -> None:
    filled = 0
    while filled < len(place):
        more = stream.readinto(place[filled:])  # type: ignore[attr-defined]
        if not more:
            raise UsageError("A message breaks off.")
        filled += more


def _exactly(stream: IO[bytes], size: int) -> bytes:
    text = stream.read(size)
    if len(text) < size:
        raise UsageError("A message breaks off.")
    return text
