"""The protobuf encoding, walked field by field without building anything.

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from bedside.errors import PackageDamaged

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5
_FIXED_SIZE: Final = {FIXED64: 8, FIXED32: 4}
_GO_ON: Final = bytes(range(0x80, 0x100))
"""Bytes of a varint after which another follows."""


class Part(NamedTuple):
    """One protobuf field: its number, how it is encoded, its value or the place of its bytes."""

    number: int
    wire: int
    value: int
    start: int
    end: int


class Wire:
    """Walks one message after another, counting what it visits."""

    __slots__ = ("data", "most", "visited")

    def __init__(self, data: bytes, most: int) -> None:
        """Walk `data`; refuse to visit more than `most` fields."""
        self.data = data
        self.most = most
        self.visited = 0

    def parts(self, start: int, end: int) -> Iterator[Part]:
        """Yield the fields of the message between `start` and `end`.

        Raises:
            PackageDamaged: not protobuf, or more fields than the limit.
        """
        position = start
        while position < end:
            self.visited += 1
            if self.visited > self.most:
                raise PackageDamaged(f"The model has more than {self.most} parts.")
            tag, position = self._varint(position, end, 5)
            number, wire = tag >> 3, tag & 7
            if not 0 < number < 2**29:
                raise not_onnx(position, f"field number {number}")
            value, first = 0, position
            if wire == VARINT:
                value, position = self._varint(position, end, 10)
            elif wire == BYTES:
                length, first = self._varint(position, end, 5)
                position = first + length
            elif wire in _FIXED_SIZE:
                position += _FIXED_SIZE[wire]
            else:
                raise not_onnx(position, f"wire type {wire}")
            if position > end:
                raise not_onnx(first, "a part that is longer than what holds it")
            yield Part(number, wire, value, first, position)

    def inside(self, part: Part) -> Iterator[Part]:
        """Yield the fields of the message that `part` holds."""
        if part.wire != BYTES:
            raise not_onnx(part.start, f"no message in field {part.number}")
        return self.parts(part.start, part.end)

    def text(self, part: Part) -> str:
        """Return a string field."""
        if part.wire != BYTES:
            raise not_onnx(part.start, f"no text in field {part.number}")
        return self.data[part.start : part.end].decode("utf-8", "backslashreplace")

    def count(self, part: Part, wire: int) -> int:
        """Return how many numbers, each encoded as `wire`, a repeated field adds, packed or not."""
        if part.wire == wire:
            return 1
        if part.wire != BYTES:
            raise not_onnx(part.start, f"no number in field {part.number}")
        if wire == VARINT:
            return len(self.data[part.start : part.end].translate(None, _GO_ON))
        size = _FIXED_SIZE[wire]
        if (part.end - part.start) % size:
            raise not_onnx(part.start, f"a number cut short in field {part.number}")
        return (part.end - part.start) // size

    def integers(self, part: Part) -> list[int]:
        """Return the signed 64-bit numbers that a repeated field adds, packed or not."""
        if part.wire == VARINT:
            return [_signed(part.value)]
        if part.wire != BYTES:
            raise not_onnx(part.start, f"no number in field {part.number}")
        found, position = [], part.start
        while position < part.end:
            value, position = self._varint(position, part.end, 10)
            found.append(_signed(value))
        return found

    def _varint(self, position: int, end: int, longest: int) -> tuple[int, int]:
        value = 0
        for index in range(longest):
            if position + index >= end:
                break
            byte = self.data[position + index]
            value |= (byte & 0x7F) << 7 * index
            if byte < 0x80:
                return value, position + index + 1
        raise not_onnx(position, "a number without an end")


def not_onnx(position: int, what: str) -> PackageDamaged:
    """Return the refusal of bytes that are no ONNX, with the place where that was seen."""
    return PackageDamaged(f"The model is not readable ONNX: {what} at byte {position}.")


def _signed(value: int) -> int:
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value
