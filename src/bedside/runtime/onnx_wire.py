"""Looks into an ONNX file without loading it: operator sets, and what a package may not hold.

ONNX Runtime opens files that a model names, looks for operators that are not in the standard,
and takes the memory that a model asks for, before anyone could ask it what a model holds. The
serving install has no `onnx` package, so this reads just the protobuf fields that answer these
questions, in every subgraph. Whatever it does not understand it refuses.

Source: field numbers from onnx.proto of ONNX 1.18 (ModelProto, GraphProto, NodeProto,
AttributeProto, ValueInfoProto, TypeProto).
"""

from __future__ import annotations

import re

from bedside.errors import PackageDamaged
from bedside.runtime.onnx_limits import (
    DOMAINS,
    HIGHEST_OPSET,
    IR_VERSIONS,
    MAX_NODES,
    Node,
    check_node,
    check_shapes,
    check_texts,
    makes_shapes,
)
from bedside.runtime.onnx_tensors import MOST_KEPT, Tensor, read_tensor, refuse_text, small_numbers
from bedside.runtime.wire import BYTES, VARINT, Part, Wire, not_onnx

MAX_SUBGRAPHS_DEEP = 8
"""Graphs within graphs (If); converters of tabular models make two levels at most."""

MAX_PARTS = 250_000
"""Protobuf fields visited, in half a second; a forest of 500 trees has some 10,000, its runs of
numbers excluded, and a network of 700 operators some 20,000."""

_RUNS = re.compile(
    rb"(?:\x3d[\x00-\xff]{4})++|(?:\x40[\x80-\xff]{0,9}[\x00-\x7f])++"
    rb"|(?:\x4a\x0aBRANCH_LEQ|\x4a\x04LEAF)++"
)
"""Floats (field 7), integers (field 8) and the kinds of tree nodes (texts, field 9) of an attribute:
millions in a forest, none of interest."""

_SHORT_RUN = 11 * MOST_KEPT
"""Bytes of a run that may be the strides, the padding or the shape of something."""

_INTEGER, _TENSOR, _INTEGERS = 3, 5, 8
_VALUES = frozenset({_INTEGER, _TENSOR, _INTEGERS})
"""Fields of an attribute that hold a number, a tensor or numbers."""

_TEXTS = frozenset({4, 9})
"""Fields of an attribute that hold a text or texts."""

_ORT_FORMAT = b"ORTM"
"""At byte 4 of ONNX Runtime's own format, which it would read in place of ONNX."""


class _Reader:
    """Walks a model and collects what is judged when all of it was seen."""

    def __init__(self, wire: Wire, *, texts: bool) -> None:
        self.wire = wire
        self.texts = texts
        self.opset: dict[str, int] = {}
        self.domains: set[str] = set()
        self.version = 0
        self.nodes = 0
        self.shaped: list[Node] = []
        self.constants: dict[str, set[tuple[float, ...]]] = {}

    def model(self, part: Part) -> None:
        """Visit a field of ModelProto."""
        match part.number:
            case 1:
                self.version = part.value
            case 7:
                self.graph(part, 0)
            case 8:
                self._operator_set(part)
            case 20 | 25:
                raise PackageDamaged(
                    "The model holds training steps or functions of its own; a package may not.",
                    advice="Export the network for inference, with its functions inlined.",
                )

    def graph(self, part: Part, depth: int) -> None:
        """Visit a GraphProto."""
        if depth > MAX_SUBGRAPHS_DEEP:
            raise PackageDamaged(f"The model nests more than {MAX_SUBGRAPHS_DEEP} graphs.")
        names: set[str] = set()
        for inner in self.wire.inside(part):
            match inner.number:
                case 1:
                    self.node(inner, depth)
                case 5:
                    self._initializer(inner, names)
                case 11 | 12 | 13:
                    self._value(inner)
                case 15:
                    raise _sparse()

    def _initializer(self, part: Part, names: set[str]) -> None:
        tensor = self._read(part)
        if tensor.name in names:
            raise PackageDamaged(f"Two weights of the model are called {tensor.name[:80]!r}.")
        names.add(tensor.name)
        if (numbers := small_numbers(self.wire, tensor)) is not None:
            self._keep(tensor.name, numbers)

    def _read(self, part: Part) -> Tensor:
        tensor = read_tensor(self.wire, part)
        if not self.texts:
            refuse_text(tensor)
        return tensor

    def _keep(self, name: str, numbers: tuple[float, ...]) -> None:
        """Keep a constant beside others of its name, which another subgraph may use."""
        self.constants.setdefault(name, set()).add(numbers)

    def node(self, part: Part, depth: int) -> None:
        """Visit a NodeProto."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise PackageDamaged(f"The model has more than {MAX_NODES} operators.")
        node = Node()
        for inner in self.wire.inside(part):
            match inner.number:
                case 1:
                    node.inputs.append(self.wire.text(inner))
                case 2:
                    node.outputs.append(self.wire.text(inner))
                case 4:
                    node.operator = self.wire.text(inner)
                case 5:
                    self._attribute(inner, node, depth)
                case 7:
                    node.domain = _domain(self.wire.text(inner))
        self._judge(node)

    def _judge(self, node: Node) -> None:
        check_node(node)
        if not self.texts:
            check_texts(node)
        self.domains.add(node.domain)
        if makes_shapes(node):
            self.shaped.append(node)
        if node.operator == "Constant" and node.value is not None and node.outputs:
            self._keep(node.outputs[0], node.value)

    def _attribute(self, part: Part, node: Node, depth: int) -> None:
        """Visit an AttributeProto, its long runs of numbers skipped at the speed of `re`."""
        if part.wire != BYTES:
            raise not_onnx(part.start, "no attribute in a node")
        name, seen, numbers = "", set[int](), list[int]()
        position = part.start
        while position < part.end:
            run = _RUNS.match(self.wire.data, position, part.end)
            if run and run.end() - position > _SHORT_RUN:
                seen.add(run[0][0] >> 3)
                position = run.end()
                continue
            inner = next(self.wire.parts(position, part.end))
            position = inner.end
            self._once(inner.number, seen, name, node)
            if inner.number == 1:
                name = self.wire.text(inner)
            elif inner.number in {_INTEGER, _INTEGERS}:
                numbers += self._few(inner) if len(numbers) < MOST_KEPT else []
            elif inner.number == _TENSOR:
                self._tensor(inner, node)
            else:
                self._inside(inner, depth)
        if name in node.lengths:
            raise _twice(name, node)
        node.lengths[name] = numbers
        if seen & _TEXTS:
            node.texts.add(name)
        if name in {"value_int", "value_ints"}:
            node.value = tuple(numbers)

    def _once(self, number: int, seen: set[int], name: str, node: Node) -> None:
        """Demand that an attribute has one number, tensor or list: of two, either may count."""
        again = number in seen and number in {_INTEGER, _TENSOR}
        seen.add(number)
        if again or len(seen & _VALUES) > 1:
            raise _twice(name, node)

    def _few(self, part: Part) -> list[int]:
        """Return the integers of a field, or none where there are too many to be a shape."""
        if part.wire != VARINT and self.wire.count(part, VARINT) > MOST_KEPT:
            return []
        return self.wire.integers(part)

    def _tensor(self, part: Part, node: Node) -> None:
        numbers = small_numbers(self.wire, self._read(part))
        if node.value is None:
            node.value = numbers

    def _inside(self, part: Part, depth: int) -> None:
        """Visit a field of an attribute that holds tensors, graphs or types."""
        match part.number:
            case 6 | 11:
                self.graph(part, depth + 1)
            case 10:
                self._read(part)
            case 14 | 15:
                self._type(part)
            case 22 | 23:
                raise _sparse()

    def _value(self, part: Part) -> None:
        """Visit a ValueInfoProto: an input, an output or a value between them."""
        name, types = "", list[Part]()
        for inner in self.wire.inside(part):
            if inner.number == 1:
                name = self.wire.text(inner)
            elif inner.number == 2:
                types.append(inner)
        for one in types:
            self._type(one, name)

    def _type(self, part: Part, name: str = "") -> None:
        """Visit a TypeProto, which must be that of a tensor."""
        for inner in self.wire.inside(part):
            if inner.number in {4, 5, 7, 8, 9}:
                raise PackageDamaged(
                    f"The model's value {name[:80]!r} is a sequence, a map, an option or sparse, "
                    "not a tensor.",
                    advice="Convert the classifier without ZipMap.",
                )

    def _operator_set(self, part: Part) -> None:
        domain, version = "ai.onnx", 0
        for inner in self.wire.inside(part):
            if inner.number == 1:
                domain = _domain(self.wire.text(inner))
            elif inner.number == 2:
                version = inner.value
        if domain in self.opset:
            raise PackageDamaged(f"The model imports the domain {domain[:80]!r} twice.")
        if domain in DOMAINS and not 1 <= version <= HIGHEST_OPSET:
            raise PackageDamaged(
                f"The model imports version {version} of {domain}; there is none such."
            )
        self.opset[domain] = version

    def judge(self) -> None:
        """Check what needed all of the model to be seen."""
        if not self.opset:
            raise PackageDamaged("The model is not ONNX: it imports no operator set.")
        if self.version not in IR_VERSIONS:
            raise PackageDamaged(f"The model's format version {self.version} is not known.")
        if strangers := sorted(self.domains - set(self.opset)):
            raise PackageDamaged(
                f"A node uses the domain {strangers[0][:80]!r}, which is not imported."
            )
        for node in self.shaped:
            check_shapes(node, self.constants)


def read_opset(network: bytes, *, texts: bool = False) -> dict[str, int]:
    """Return the version of each operator domain that an ONNX model imports.

    The default domain is written `ai.onnx`.

    Args:
        network: The bytes of the model.
        texts: Whether texts may stand in it: class labels of a file that is to be frozen, which
            are not part of what is kept. A package's network is read without them.

    Raises:
        PackageDamaged: not ONNX; data outside the file, functions or training steps inside it;
            a node of a domain that is not imported or not ONNX's own; loops, sequences, random
            numbers, texts, or what else `onnx_limits` names; tensors whose bytes do not fit their shape; a constant shape that would make
            a gigantic tensor; or deeper or larger than the limits. The message names which.
    """
    if network[4:8] == _ORT_FORMAT:
        raise PackageDamaged("The model is in ONNX Runtime's own format, not in ONNX.")
    wire = Wire(network, MAX_PARTS)
    reader = _Reader(wire, texts=texts)
    for part in wire.parts(0, len(network)):
        reader.model(part)
    reader.judge()
    return reader.opset


def _domain(name: str) -> str:
    return name or "ai.onnx"


def _twice(name: str, node: Node) -> PackageDamaged:
    return PackageDamaged(f"The attribute {name[:80]!r} of a {node.operator[:80]} stands twice.")


def _sparse() -> PackageDamaged:
    return PackageDamaged(
        "The model holds sparse tensors, whose size is not that of the file; a package may not.",
        advice="Export the network with dense weights.",
    )
