"""What a network of a package may not hold, though ONNX allows it; each refused by its name.

Loops have no bound that could be seen before running them. Sequences and dictionaries are not
tensors, random numbers are no answer that can be repeated, and operators outside ONNX's own two
domains are code that the reader of a package would need. Texts, and the tables of operators that
find, sort or transform, take memory that ONNX Runtime's limit does not count. A shape that stands in the file as a
number is judged here; a shape that only comes about while running is bounded by ONNX Runtime's
own memory limit, which `session` sets.

Source: the operator specifications of ONNX 1.18 (onnx.ai/onnx/operators).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from types import MappingProxyType
from typing import Final

from bedside.errors import PackageDamaged

MAX_NODES: Final = 20_000
"""Operators in all graphs; DenseNet-201 has some 700, the largest networks a few thousand."""

MAX_ELEMENTS: Final = 2**27
"""Elements of a tensor that a constant shape makes: 512 MiB in float32."""

MAX_SIDE: Final = 2**20
"""A stride, a padding, a kernel, a depth or a number of targets."""

MAX_VARIANTS: Final = 4_096
"""Ways in which an operator's shape may be given, where subgraphs use one name for several."""

_TEXT: Final = 8
"""TensorProto.DataType.STRING."""

HIGHEST_OPSET: Final = 64
"""ONNX 1.18 stands at 23 and adds one or two a year."""

IR_VERSIONS: Final = range(3, 33)
"""ONNX has been readable since 3 (2017) and stands at 11 (2025)."""

DOMAINS: Final = frozenset({"ai.onnx", "ai.onnx.ml"})
"""ONNX's own operators, which every ONNX Runtime carries."""

_LOOPS = "a loop, which has no bound that can be checked"
_COLLECTIONS = "sequences, options or dictionaries, not tensors"
_RANDOM = "random numbers, so that no answer could be repeated"
_TEXTS = "texts, whose memory no limit counts"
_OWN_MEMORY = "tables of its own, whose memory no limit counts"
_PICTURES = "the decoding of pictures, which is the package reader's work"

TEXTS_ADVICE: Final = (
    "Export the network with numbers only; the names of the classes stand in the spec."
)
"""What to do about a text in a network."""

REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("Loop", "Scan", "SequenceMap"), _LOOPS),
        **dict.fromkeys(
            (
                *("SequenceConstruct", "SequenceEmpty", "SequenceInsert", "SequenceErase"),
                *("SequenceAt", "SequenceLength", "SplitToSequence", "ConcatFromSequence"),
                *("Optional", "OptionalGetElement", "OptionalHasElement"),
                *("ZipMap", "DictVectorizer", "CastMap"),
            ),
            _COLLECTIONS,
        ),
        **dict.fromkeys(
            (
                *("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"),
                *("Multinomial", "Bernoulli"),
            ),
            _RANDOM,
        ),
        **dict.fromkeys(
            (
                *("StringConcat", "StringSplit", "StringNormalizer", "RegexFullMatch"),
                *("TfIdfVectorizer", "CategoryMapper"),
            ),
            _TEXTS,
        ),
        **dict.fromkeys(("NonZero", "Unique", "MelWeightMatrix", "GridSample"), _OWN_MEMORY),
        "ImageDecoder": _PICTURES,
    }
)
"""Operators that no package holds, and what each brings."""

_ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        _LOOPS: "Export the network with its loops unrolled.",
        _COLLECTIONS: "Export the network with tensors only (a classifier without ZipMap).",
        _RANDOM: "Export the network for inference (model.eval()).",
        _TEXTS: TEXTS_ADVICE,
        _OWN_MEMORY: "Export the network without it, such as Where in place of NonZero.",
        _PICTURES: "Export the network so that it takes numbers after preprocessing.",
    }
)

_SHAPE_OPERANDS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "ConstantOfShape": (0,),
        "Expand": (1,),
        "Tile": (1,),
        "Resize": (1, 2, 3),
        "Upsample": (1,),
        "OneHot": (1,),
        "HannWindow": (0,),
        "HammingWindow": (0,),
        "BlackmanWindow": (0,),
        "CenterCropPad": (1,),
        "Col2Im": (1,),
        "MaxUnpool": (2,),
        "AffineGrid": (1,),
        "DFT": (1,),
    }
)
"""Inputs whose product is the size, or a factor of the size, of what the operator makes.

Input 1 of Resize is its region of interest from opset 11 on, whose product is small."""

_NUMBERS: Final = frozenset({"values_floats", "values_int64s", "values_tensor"})
"""Attributes by which a `LabelEncoder` makes numbers."""

_MOST_OPERANDS: Final = 4
"""Inputs of an operator that may say how large its output is: the first four."""

_SIDES: Final = frozenset(
    {
        *("pads", "strides", "dilations", "kernel_shape", "output_shape", "output_padding"),
        *("output_height", "output_width", "sampling_ratio", "n_targets", "targets"),
        *("hidden_size", "num_outputs", "group"),
    }
)
"""Attributes that give lengths along an axis, each at most `MAX_SIDE`."""


@dataclass(slots=True)
class Node:
    """One operator: what decides whether it may stand in a package.

    Attributes:
        operator: Its name, such as `Gemm`.
        domain: Its domain, ONNX's own written `ai.onnx`.
        inputs: The names of its inputs.
        outputs: The names of its outputs.
        lengths: The whole numbers of its small attributes, by name.
        texts: The names of its attributes that hold a text.
        value: The elements of a small constant; None for any other operator.
    """

    operator: str = ""
    domain: str = "ai.onnx"
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    lengths: dict[str, Sequence[int]] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    value: tuple[float, ...] | None = None


def check_node(node: Node) -> None:
    """Check all of an operator but its inputs.

    Raises:
        PackageDamaged: its domain or its name is not allowed, or an attribute makes it gigantic.
    """
    if node.domain not in DOMAINS:
        raise PackageDamaged(
            f"The model uses the operator {node.operator[:80]!r} of the domain "
            f"{node.domain[:80]!r}, which is not part of ONNX.",
            advice="Export the network with ONNX's own operators.",
        )
    if why := REFUSED.get(node.operator):
        raise PackageDamaged(
            f"The model uses {node.operator}: {why}; a package may not.", advice=_ADVICE[why]
        )
    for name in _SIDES & node.lengths.keys():
        for length in node.lengths[name]:
            if abs(length) > MAX_SIDE:
                raise PackageDamaged(
                    f"{name!r} of a {node.operator} is {length}; at most {MAX_SIDE} is allowed."
                )


def check_texts(node: Node) -> None:
    """Check that an operator makes no text.

    Raises:
        PackageDamaged: class labels, keys or values that are texts, a `LabelEncoder` that does
            not state its values as numbers, or a `Cast` to text.
    """
    found = sorted(name for name in node.texts if name.endswith(("_string", "_strings")))
    if node.operator == "LabelEncoder" and not node.lengths.keys() & _NUMBERS:
        found.append("values_strings")
    if node.operator == "Cast" and _TEXT in node.lengths.get("to", ()):
        found.append("to")
    if found:
        raise PackageDamaged(
            f"A {node.operator[:80]} of the model holds or makes {_TEXTS} ({found[0][:80]!r}).",
            advice=TEXTS_ADVICE,
        )


def makes_shapes(node: Node) -> bool:
    """Return whether inputs of `node` say how large its output is."""
    return node.operator in _SHAPE_OPERANDS or node.operator in {"Range", "Pad"}


def check_shapes(node: Node, constants: Mapping[str, Collection[tuple[float, ...]]]) -> None:
    """Check what an operator would make of constants.

    Args:
        node: One for which `makes_shapes`.
        constants: The small constants of the network, by name; a name that several subgraphs
            give has all of their values, and the worst of them counts.

    Raises:
        PackageDamaged: more than `MAX_ELEMENTS` elements, or more than `MAX_VARIANTS` ways.
    """
    given = [constants.get(name) or (None,) for name in node.inputs[:_MOST_OPERANDS]]
    if math.prod(map(len, given)) > MAX_VARIANTS:
        raise PackageDamaged(
            f"The model gives the shape of a {node.operator} in more than {MAX_VARIANTS} ways."
        )
    made = max(_made(node, operands) for operands in product(*given))
    if made > MAX_ELEMENTS:
        raise PackageDamaged(
            f"A {node.operator} of the model makes a tensor of about {made:.3g} elements; at most "
            f"{MAX_ELEMENTS} are allowed.",
            advice="The file is damaged, or made to take memory; do not use it.",
        )


def _made(node: Node, operands: Sequence[tuple[float, ...] | None]) -> float:
    """Return the elements, or a factor of them, that an operator makes of these operands."""
    if node.operator == "Range":
        return _range_length(operands)
    if node.operator == "Pad":
        return max((abs(one) for one in _operand(operands, 1)), default=0.0)
    places = _SHAPE_OPERANDS[node.operator]
    return max(_product(_operand(operands, place)) for place in places)


def _operand(operands: Sequence[tuple[float, ...] | None], place: int) -> tuple[float, ...]:
    found = operands[place] if place < len(operands) else None
    return found or ()


def _product(numbers: Sequence[float]) -> float:
    """Return the product of lengths; −1 and 0 stand for "as it is"."""
    return math.prod(abs(one) for one in numbers if one and not math.isnan(one))


def _range_length(operands: Sequence[tuple[float, ...] | None]) -> float:
    start, limit, step = (_operand(operands, place)[:1] or (None,) for place in range(3))
    if limit[0] is None or not step[0]:
        return 0
    return abs((limit[0] - (start[0] or 0)) / step[0])
