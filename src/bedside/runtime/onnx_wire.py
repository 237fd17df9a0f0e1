"""Looks into an ONNX file without loading it: operator sets, and data kept outside the file.

ONNX Runtime opens files that a model names, and would look for operators that are not in the
standard, before anyone could ask it what a model holds. The serving install has no `onnx`
package, so this reads just the few protobuf fields that answer both questions, in every
subgraph. Whatever it does not understand it refuses.

Sources: the protobuf encoding (protobuf.dev/programming-guides/encoding); field numbers from
onnx.proto of ONNX 1.18 (ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from bedside.errors import PackageDamaged

MAX_SUBGRAPHS_DEEP = 8
"""Graphs within graphs (If, Loop, Scan); converters of tabular models make two levels at most."""

MAX_PARTS = 2_000_000
"""Protobuf fields visited; a forest of 500 trees has some 10,000, its runs of numbers excluded."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZE = {_FIXED64: 8, _FIXED32: 4}

_RUNS = re.compile(rb"(?:\x3d[\x00-\xff]{4})++|(?:\x40[\x80-\xff]{0,9}[\x00-\x7f])++")
"""Floats (field 7) and integers (field 8) of an attribute: millions in a forest, none of interest."""

_ORT_FORMAT = b"ORTM"
"""At byte 4 of ONNX Runtime's own format, which it would read in place of ONNX."""


class Part(NamedTuple):
    """One protobuf field: its number, how it is encoded, its value or the place of its bytes."""

    number: int
    wire: int
    value: int
    start: int
    end: int


class _Reader:
    """Walks one message after another, counting what it visits."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.visited = 0
        self.opset: dict[str, int] = {}
        self.domains: set[str] = set()

    def parts(self, start: int, end: int) -> Iterator[Part]:
        """Yield the fields of the message between `start` and `end`."""
        position = start
        while position < end:
            self.visited += 1
            if self.visited > MAX_PARTS:
                raise PackageDamaged(f"The model has more than {MAX_PARTS} parts.")
            tag, position = self._varint(position, end, 5)
            number, wire = tag >> 3, tag & 7
            if not 0 < number < 2**29:
                raise _not_onnx(position, f"field number {number}")
            value, first = 0, position
            if wire == _VARINT:
                value, position = self._varint(position, end, 10)
            elif wire == _BYTES:
                length, first = self._varint(position, end, 5)
                position = first + length
            elif wire in _FIXED_SIZE:
                position += _FIXED_SIZE[wire]
            else:
                raise _not_onnx(position, f"wire type {wire}")
            if position > end:
                raise _not_onnx(first, "a part that is longer than what holds it")
            yield Part(number, wire, value, first, position)

    def _varint(self, position: int, end: int, longest: int) -> tuple[int, int]:
        value = 0
        for index in range(longest):
            if position + index >= end:
                break
            byte = self.data[position + index]
            value |= (byte & 0x7F) << 7 * index
            if byte < 0x80:
                return value, position + index + 1
        raise _not_onnx(position, "a number without an end")

    def each(self, part: Part, visit: Callable[[Part], None]) -> None:
        """Visit the fields of the message that `part` holds."""
        if part.wire != _BYTES:
            raise _not_onnx(part.start, f"no message in field {part.number}")
        for inner in self.parts(part.start, part.end):
            visit(inner)

    def text(self, part: Part) -> str:
        """Return a string field."""
        if part.wire != _BYTES:
            raise _not_onnx(part.start, f"no text in field {part.number}")
        return self.data[part.start : part.end].decode("utf-8", "backslashreplace")

    def model(self, part: Part) -> None:
        """Visit a field of ModelProto."""
        match part.number:
            case 7:
                self.each(part, lambda inner: self.graph(inner, 0))
            case 8:
                self._operator_set(part)
            case 20 | 25:
                raise PackageDamaged(
                    "The model holds training steps or functions of its own; a package may not.",
                    advice="Export the network for inference, with its functions inlined.",
                )

    def graph(self, part: Part, depth: int) -> None:
        """Visit a field of GraphProto."""
        if depth > MAX_SUBGRAPHS_DEEP:
            raise PackageDamaged(f"The model nests more than {MAX_SUBGRAPHS_DEEP} graphs.")
        match part.number:
            case 1:
                self.each(part, lambda inner: self.node(inner, depth))
            case 5:
                self.each(part, self.tensor)
            case 15:
                self.each(part, self.sparse_tensor)

    def node(self, part: Part, depth: int) -> None:
        """Visit a field of NodeProto."""
        match part.number:
            case 5:
                self._attribute(part, depth)
            case 7:
                self.domains.add(_domain(self.text(part)))

    def _attribute(self, part: Part, depth: int) -> None:
        """Visit an AttributeProto, its long runs of numbers skipped at the speed of `re`."""
        if part.wire != _BYTES:
            raise _not_onnx(part.start, "no attribute in a node")
        position = part.start
        while position < part.end:
            if run := _RUNS.match(self.data, position, part.end):
                position = run.end()
                continue
            inner = next(self.parts(position, part.end))
            position = inner.end
            match inner.number:
                case 5 | 10:
                    self.each(inner, self.tensor)
                case 6 | 11:
                    self.each(inner, lambda deeper: self.graph(deeper, depth + 1))
                case 22 | 23:
                    self.each(inner, self.sparse_tensor)

    def tensor(self, part: Part) -> None:
        """Visit a field of TensorProto."""
        if part.number == 13 or (part.number == 14 and (part.wire != _VARINT or part.value)):
            raise PackageDamaged(
                "The model keeps data outside its file; a package must hold all of it.",
                advice="Save the ONNX model with its weights inside (save_as_external_data=False).",
            )

    def sparse_tensor(self, part: Part) -> None:
        """Visit a field of SparseTensorProto."""
        if part.number in {1, 2}:
            self.each(part, self.tensor)

    def _operator_set(self, part: Part) -> None:
        domain, version = "", 0

        def visit(inner: Part) -> None:
            nonlocal domain, version
            if inner.number == 1:
                domain = self.text(inner)
            elif inner.number == 2:
                version = inner.value

        self.each(part, visit)
        if _domain(domain) in self.opset:
            raise PackageDamaged(f"The model imports the domain {_domain(domain)[:80]!r} twice.")
        self.opset[_domain(domain)] = version


def read_opset(network: bytes) -> dict[str, int]:
    """Return the version of each operator domain that an ONNX model imports.

    The default domain is written `ai.onnx`.

    Raises:
        PackageDamaged: not ONNX; data outside the file, functions or training steps inside it;
            a node of a domain that is not imported; or deeper or larger than the limits above.
    """
    if network[4:8] == _ORT_FORMAT:
        raise PackageDamaged("The model is in ONNX Runtime's own format, not in ONNX.")
    reader = _Reader(network)
    for part in reader.parts(0, len(network)):
        reader.model(part)
    if not reader.opset:
        raise PackageDamaged("The model is not ONNX: it imports no operator set.")
    if strangers := sorted(reader.domains - set(reader.opset)):
        raise PackageDamaged(
            f"A node uses the domain {strangers[0][:80]!r}, which is not imported."
        )
    return reader.opset


def _domain(name: str) -> str:
    return name or "ai.onnx"


def _not_onnx(position: int, what: str) -> PackageDamaged:
    return PackageDamaged(f"The model is not readable ONNX: {what} at byte {position}.")
