"""The bytes of a request: JSON, and behind it the tensors that came as binary. Nothing is trusted.

No memory is taken for what a shape or a size merely claims: a tensor's bytes must be there first.
Source: Open Inference Protocol v2, "Inference"; Triton's binary tensor data extension.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from bedside.api.open_inference.tensors import BYTES, DATATYPES, NUMBERS, Tensor, Values
from bedside.canonical import Json, read_json
from bedside.errors import LimitExceeded, UsageError
from bedside.package.fields import MAX_FIELDS

MAX_INPUTS: Final = MAX_FIELDS + 16
"""One for each field that a model may have, and some."""

MAX_AXES: Final = 4
"""A batch of colour pictures has as many."""

MAX_NAME: Final = 200
"""Characters of a field's name."""

MAX_ID: Final = 512
"""Characters of a request's id: it is only sent back."""

MAX_CONTAINERS: Final = 200_000
"""Arrays and objects of the JSON part."""

SIZE: Final = "binary_data_size"

_MEMBERS: Final = frozenset(
    {"id", "parameters", "inputs", "outputs", "model_name", "model_version"}
)
_INPUT: Final = frozenset({"name", "shape", "datatype", "parameters", "data"})
_OUTPUT: Final = frozenset({"name", "parameters"})
_SHARED: Final = "shared_memory_region"
_LENGTH: Final = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One output that the client asks for; `binary` is None where they did not say how."""

    name: str
    binary: bool | None


@dataclass(frozen=True, slots=True, eq=False)
class InferRequest:
    """What was sent, checked in itself; whether the model takes it is not known yet.

    Attributes:
        id: To be sent back; None where there is none.
        parameters: Said about the whole request.
        inputs: At least one, each name once.
        outputs: What is asked for, in this order; empty for everything.
        model: The model and version that the JSON names, each None where it does not.
    """

    id: str | None
    parameters: Mapping[str, Json]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Wanted, ...]
    model: tuple[str | None, str | None]


def read_infer(
    data: bytes, json_bytes: int | None, containers: int = MAX_CONTAINERS
) -> InferRequest:
    """Return what a body asks for.

    Args:
        data: The whole body.
        json_bytes: The header `Inference-Header-Content-Length`: how many of them are JSON; None
            where the header was not sent, and all are.
        containers: Most arrays and objects in the JSON part.

    Raises:
        UsageError: not such a request, or bytes too few or too many.
        LimitExceeded: too many inputs, axes or characters.
    """
    if json_bytes is not None and not 0 < json_bytes <= len(data):
        raise UsageError(
            f"Inference-Header-Content-Length is {json_bytes}, and the body has {len(data)} bytes.",
            advice="It says how many bytes of the body are JSON; leave it out where all are.",
        )
    text = data if json_bytes is None else data[:json_bytes]
    body = _object(read_json(text, containers=containers), "The body", _MEMBERS)
    rest = memoryview(data)[len(text) :]
    return InferRequest(
        id=_text(body, "id", MAX_ID),
        parameters=_parameters(body, "The body"),
        inputs=_inputs(body.get("inputs"), rest),
        outputs=_outputs(body.get("outputs")),
        model=(_text(body, "model_name", MAX_NAME), _text(body, "model_version", MAX_NAME)),
    )


def _inputs(sent: Json, rest: memoryview) -> tuple[Tensor, ...]:
    if not isinstance(sent, list) or not sent:
        raise UsageError("'inputs' is not a list with at least one input.")
    if len(sent) > MAX_INPUTS:
        raise LimitExceeded(f"The request has {len(sent)} inputs; at most {MAX_INPUTS}.")
    found: dict[str, Tensor] = {}
    for place, one in enumerate(sent):
        tensor, rest = _input(one, f"inputs[{place}]", rest)
        if tensor.name in found:
            raise UsageError(
                f"The input {tensor.name[:60]!r} stands twice.", advice="Send it once."
            )
        found[tensor.name] = tensor
    if len(rest):
        raise UsageError(
            f"{len(rest)} bytes follow the last binary tensor.",
            advice=f"The sizes ('{SIZE}') of all inputs add up to the bytes behind the JSON.",
        )
    return tuple(found.values())


def _input(sent: Json, what: str, rest: memoryview) -> tuple[Tensor, memoryview]:
    """Return one input, and the bytes that belong to those behind it."""
    value = _object(sent, what, _INPUT)
    name = _text(value, "name", MAX_NAME)
    if not name:
        raise UsageError(f"{what} has no name.", advice="Send the name of an input of the model.")
    datatype = value.get("datatype")
    if datatype not in DATATYPES:
        raise UsageError(
            f"The input {name[:60]!r} has the datatype {str(datatype)[:40]!r}.",
            advice=f"Choose from {', '.join(DATATYPES)}.",
        )
    shape = _shape(name, value.get("shape"))
    parameters = _parameters(value, what)
    if _SHARED in parameters:
        raise UsageError("Shared memory is not read here.", advice="Send the tensor in the body.")
    if SIZE not in parameters:
        values: Values = _from_json(name, datatype, shape, value.get("data"))
        return Tensor(name, datatype, shape, values, parameters), rest
    size = parameters[SIZE]
    if "data" in value or type(size) is not int or not 0 <= size <= len(rest):
        raise UsageError(
            f"The input {name[:60]!r} has {str(size)[:40]!r} bytes of binary data"
            + (" and 'data'." if "data" in value else f", and {len(rest)} are left in the body."),
            advice=f"Send either 'data', or as many bytes behind the JSON as '{SIZE}' says.",
        )
    values = _from_binary(name, datatype, shape, rest[:size])
    return Tensor(name, datatype, shape, values, parameters), rest[size:]


def _shape(name: str, sent: Json) -> tuple[int, ...]:
    if not isinstance(sent, list) or set(map(type, sent)) != {int}:
        raise UsageError(
            f"The shape of the input {name[:60]!r} is not a list of whole numbers.",
            advice="Send [n] for n rows.",
        )
    if len(sent) > MAX_AXES:
        raise LimitExceeded(f"The input {name[:60]!r} has {len(sent)} axes; at most {MAX_AXES}.")
    if min(sent) < 1:
        raise UsageError(
            f"The input {name[:60]!r} has the shape {sent}.", advice="Every axis is at least 1."
        )
    return tuple(sent)


def _from_binary(name: str, datatype: str, shape: tuple[int, ...], data: memoryview) -> Values:
    count = math.prod(shape)
    if datatype == BYTES:
        return _elements(name, count, bytes(data))
    dtype = NUMBERS[datatype]
    if count * dtype.itemsize != len(data):
        raise UsageError(
            f"The input {name[:60]!r} of {datatype} {list(shape)} has {count * dtype.itemsize} "
            f"bytes, and {len(data)} were sent."
        )
    values = np.frombuffer(data, dtype=dtype)
    if datatype == "BOOL" and values.max() > 1:
        raise UsageError(f"The input {name[:60]!r} of BOOL holds a byte that is neither 0 nor 1.")
    return values


def _elements(name: str, count: int, data: bytes) -> list[bytes]:
    """Return `count` elements, each behind its length (4 bytes, little-endian)."""
    found: list[bytes] = []
    start, end = 0, len(data)
    while start + _LENGTH.size <= end and len(found) < count:
        (length,) = _LENGTH.unpack_from(data, start)
        start += _LENGTH.size + length
        found.append(data[start - length : start])
    if len(found) != count or start != end:
        raise UsageError(
            f"The input {name[:60]!r} of BYTES does not hold {count} elements, each behind its length.",
            advice="Before each element stands its length in 4 bytes, little-endian.",
        )
    return found


def _from_json(name: str, datatype: str, shape: tuple[int, ...], sent: Json) -> list[Json]:
    values = _flat(name, shape, sent)
    if len(values) != math.prod(shape):
        raise UsageError(
            f"The input {name[:60]!r} has the shape {list(shape)} and {len(values)} values."
        )
    kinds = set(map(type, values))
    if datatype == BYTES:
        allowed: set[type] = {str}
    elif datatype == "BOOL":
        allowed = {bool}
    else:
        allowed = {int, float, type(None)} if datatype.startswith("FP") else {int}
    if kinds - allowed:
        odd = next(one for one in values if type(one) not in allowed)
        raise UsageError(
            f"The input {name[:60]!r} of {datatype} holds {str(odd)[:40]!r}, which is none.",
            advice="A missing number is null, in a tensor of FP64 or FP32; a missing text is ''.",
        )
    if datatype == "BOOL":
        return list(map(int, values))
    if allowed == {int}:
        _check_range(name, datatype, values)
    return values


def _check_range(name: str, datatype: str, values: list[int]) -> None:
    limits = np.iinfo(NUMBERS[datatype])
    for one in (min(values), max(values)):
        if not limits.min <= one <= limits.max:
            raise UsageError(f"The input {name[:60]!r} holds {one}, which no {datatype} can be.")


def _flat(name: str, shape: tuple[int, ...], sent: Json) -> list[Json]:
    """Return JSON data on one axis: it comes so, or as lists in lists that show the shape."""
    if not isinstance(sent, list):
        raise UsageError(
            f"The input {name[:60]!r} has no 'data'.",
            advice=f"Send its values as a list, or as binary with '{SIZE}'.",
        )
    for length in shape[1:]:
        if not sent or type(sent[0]) is not list:
            break
        if not all(type(one) is list and len(one) == length for one in sent):
            raise UsageError(f"The data of {name[:60]!r} has not the shape {list(shape)}.")
        sent = list(chain.from_iterable(sent))
    flat: list[Json] = sent
    return flat


def _outputs(sent: Json) -> tuple[Wanted, ...]:
    if sent is None:
        return ()
    if not isinstance(sent, list) or len(sent) > MAX_INPUTS:
        raise UsageError("'outputs' is not a list of outputs.", advice="Leave it out for all.")
    found: dict[str, Wanted] = {}
    for place, one in enumerate(sent):
        value = _object(one, f"outputs[{place}]", _OUTPUT)
        name = _text(value, "name", MAX_NAME) or ""
        parameters = _parameters(value, f"outputs[{place}]")
        binary = parameters.get("binary_data")
        unknown = sorted(parameters.keys() - {"binary_data"})
        if unknown or not (binary is None or isinstance(binary, bool)):
            raise UsageError(
                f"The output {name[:60]!r} has a parameter that cannot be met: "
                f"{(unknown or ['binary_data'])[0][:40]!r}.",
                advice="It takes 'binary_data', which is true or false.",
            )
        if name in found:
            raise UsageError(f"The output {name[:60]!r} is asked for twice.", advice="Ask once.")
        found[name] = Wanted(name, binary)
    return tuple(found.values())


def _parameters(value: Mapping[str, Json], what: str) -> dict[str, Json]:
    found = value.get("parameters")
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise UsageError(f"The parameters of {what} are no JSON object.")
    return found


def _text(value: Mapping[str, Json], name: str, longest: int) -> str | None:
    found = value.get(name)
    if found is None:
        return None
    if not isinstance(found, str):
        raise UsageError(f"{name!r} is not text.")
    if len(found) > longest:
        raise LimitExceeded(f"{name!r} has {len(found)} characters; at most {longest}.")
    return found


def _object(value: Json, what: str, names: frozenset[str]) -> dict[str, Json]:
    advice = "It takes {}."
    if not isinstance(value, dict):
        raise UsageError(f"{what} is not a JSON object.", advice=advice.format(_listed(names)))
    if not value.keys() <= names:
        unknown = min(value.keys() - names)
        raise UsageError(
            f"{what} has a member {unknown[:40]!r}.", advice=advice.format(_listed(names))
        )
    return value


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
