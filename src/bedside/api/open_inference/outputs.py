"""Recorded predictions → output tensors, as JSON or as binary behind it.

Source: Open Inference Protocol v2, "Inference Response"; Triton's binary tensor data extension.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np

from bedside.api.open_inference.framing import Wanted
from bedside.api.open_inference.tensors import NUMBERS
from bedside.canonical import Json
from bedside.errors import UsageError
from bedside.package.outputs import Output
from bedside.serving.values import Prediction

Predictions: TypeAlias = Sequence[Prediction]

JSON_BYTES: Final = "inference-header-content-length"
"""The header that says how many bytes of a body are JSON, where binary tensors follow."""


@dataclass(frozen=True, slots=True)
class Said:
    """One output: its data type, its shape and its values on one axis."""

    datatype: str
    shape: list[int]
    values: list[Json]


def _label(found: Predictions) -> Said:
    return Said("BYTES", [len(found)], [one.label for one in found])


def _scores(found: Predictions) -> Said:
    values = list(chain.from_iterable(one.scores.values() for one in found))
    return Said("FP64", [len(found), len(values) // len(found)], values)


def _labels(found: Predictions) -> Said:
    names = list(found[0].scores)
    return Said("BYTES", [len(names)], names)


def _value(found: Predictions) -> Said:
    return Said("FP64", [len(found)], [next(iter(one.scores.values())) for one in found])


def _threshold(found: Predictions) -> Said:
    return Said("FP64", [len(found)], [one.threshold for one in found])


def _id(found: Predictions) -> Said:
    return Said("BYTES", [len(found)], [one.id for one in found])


def _index(found: Predictions) -> Said:
    return Said("INT64", [len(found)], [one.index for one in found])


def _flags(found: Predictions) -> Said:
    return Said("BYTES", [len(found)], [",".join(flag.code for flag in one.flags) for one in found])


OUTPUTS: Final[Mapping[str, Callable[[Predictions], Said]]] = MappingProxyType(
    {
        "label": _label,
        "scores": _scores,
        "labels": _labels,
        "value": _value,
        "threshold": _threshold,
        "prediction_id": _id,
        "ledger_index": _index,
        "flags": _flags,
    }
)
"""How each output is said."""


def output_names(output: Output) -> tuple[str, ...]:
    """Return the outputs of a model, in the order in which they are told."""
    if output.kind == "number":
        own: tuple[str, ...] = ("value",)
    else:
        own = ("label", "scores", "labels")
        own += ("threshold",) if output.kind == "binary" else ()
    return (*own, "prediction_id", "ledger_index", "flags")


def check_wanted(wanted: Sequence[Wanted], output: Output) -> None:
    """Check that a model has the outputs that are asked for, before anything is computed.

    Raises:
        UsageError: it has not.
    """
    known = output_names(output)
    for one in wanted:
        if one.name not in known:
            raise UsageError(
                f"The model has no output {one.name[:60]!r}.",
                advice=f"It has {', '.join(known)}; leave 'outputs' out for all.",
            )


@dataclass(frozen=True, slots=True)
class Told:
    """The body of an answer; `json_bytes` of it are JSON, None where all are."""

    body: bytes
    json_bytes: int | None


def told(
    predictions: Predictions, wanted: Sequence[Wanted], *, request_id: str | None, binary: bool
) -> Told:
    """Return the body that tells `predictions`.

    Args:
        predictions: At least one, all of one version.
        wanted: The outputs that are asked for; empty for all.
        request_id: Sent back as it came.
        binary: Whether outputs of which nothing else was said come as binary.
    """
    first = predictions[0]
    named = wanted or [Wanted(name, None) for name in output_names(first.manifest.row_output)]
    outputs: list[Json] = []
    tensors: list[bytes] = []
    for one in named:
        said = OUTPUTS[one.name](predictions)
        told: dict[str, Json] = {"name": one.name, "datatype": said.datatype, "shape": said.shape}
        if binary if one.binary is None else one.binary:
            tensors.append(_binary(said))
            told["parameters"] = {"binary_data_size": len(tensors[-1])}
        else:
            told["data"] = said.values
        outputs.append(told)
    body: dict[str, Json] = {"model_name": first.manifest.name}
    body["model_version"] = first.manifest.version
    if request_id is not None:
        body["id"] = request_id
    body |= {"parameters": _parameters(predictions), "outputs": outputs}
    text = json.dumps(body, separators=(",", ":"), allow_nan=False).encode("ascii")
    return Told(b"".join((text, *tensors)), len(text) if tensors else None)


def _parameters(predictions: Predictions) -> dict[str, Json]:
    """Return what holds for all; the flags stand here too, for whoever does not ask for the output."""
    first = predictions[0]
    told: dict[str, Json] = {
        "version": first.manifest.version,
        "package": first.package,
        "epoch": first.epoch,
        "claim_level": first.manifest.claim_level,
        "ledger_index": first.index,
        "recorded_at": first.at,
    }
    if codes := {flag.code for one in predictions for flag in one.flags}:
        told["flags"] = ",".join(sorted(codes))
    return told


def _binary(said: Said) -> bytes:
    if said.datatype != "BYTES":
        return np.array(said.values, dtype=NUMBERS[said.datatype]).tobytes()
    parts: list[bytes] = []
    for value in said.values:
        text = value.encode("utf-8")
        parts += (struct.pack("<I", len(text)), text)
    return b"".join(parts)
