"""A body of the protocol → what the use cases are asked: rows, whose they are, how to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bedside.api.open_inference.framing import InferRequest, Wanted, read_infer
from bedside.api.open_inference.outputs import check_wanted
from bedside.api.open_inference.pixels import pictures_of
from bedside.api.open_inference.rows import rows_of
from bedside.api.pictures import MAX_MARKS
from bedside.canonical import Json, read_json
from bedside.errors import LimitExceeded, UsageError
from bedside.package.fields import TabularInput
from bedside.serving.released import Loaded
from bedside.serving.values import Row
from bedside.site.settings import Limits

SUBJECT: Final = "subject"
SUBJECTS: Final = "subjects"
BINARY: Final = "binary_data_output"

IGNORED: Final = ("priority", "timeout", "content_type")
"""Parameters that clients send by themselves and that change no answer."""

KNOWN: Final = (SUBJECT, SUBJECTS, BINARY, *IGNORED)


@dataclass(frozen=True, slots=True)
class Address:
    """What was asked: the model and the version in the address, and the length of the JSON part."""

    model: str
    version: str | None
    json_bytes: int | None


@dataclass(frozen=True, slots=True)
class InferAsked:
    """What a client wants, in the words of the use cases.

    Attributes:
        rows: The inputs, each with the pseudonym of the person it is about, where one was sent.
        version: The only version that may answer, where one was named.
        id: To be sent back.
        outputs: What is wanted; empty for everything.
        binary: Whether outputs come as binary where nothing else is said of them.
    """

    rows: tuple[Row, ...]
    version: str | None
    id: str | None
    outputs: tuple[Wanted, ...]
    binary: bool


def read_asked(data: bytes, address: Address, loaded: Loaded, limits: Limits) -> InferAsked:
    """Return what a body asks of a model.

    Raises:
        UsageError: no request of the protocol, or one that does not fit the model's inputs.
        LimitExceeded: too many rows, pictures or values.
    """
    _check_json(data, address.json_bytes, loaded, limits)
    request = read_infer(data, address.json_bytes)
    version = _version(request, address)
    declared = loaded.manifest.row_input
    rows = (
        rows_of(request, declared, limits.rows, version_named=version is not None)
        if isinstance(declared, TabularInput)
        else pictures_of(request, declared)
    )
    check_wanted(request.outputs, loaded.manifest.row_output)
    binary = _flag(request.parameters)
    subjects = _subjects(request.parameters, len(rows))
    return InferAsked(
        rows=tuple(Row(*parts) for parts in zip(rows, subjects, strict=True)),
        version=version,
        id=request.id,
        outputs=request.outputs,
        binary=binary,
    )


def _check_json(data: bytes, json_bytes: int | None, loaded: Loaded, limits: Limits) -> None:
    """Refuse JSON whose values would take far more memory than its bytes."""
    end = len(data) if json_bytes is None else min(json_bytes, len(data))
    if not loaded.pictures or end <= limits.body_bytes:
        return
    if data.count(b",", 0, end) + data.count(b'"', 0, end) > MAX_MARKS:
        raise LimitExceeded(
            f"The JSON has {end} bytes and more than {MAX_MARKS} commas and quotes.",
            advice="Send pictures as binary data.",
        )


def _version(request: InferRequest, address: Address) -> str | None:
    """Return the version that is named in the address or in the JSON, and check the model's name."""
    model, version = request.model
    if model is not None and model != address.model:
        raise UsageError(
            f"The body is for the model {model[:60]!r}, the address for {address.model[:60]!r}.",
            advice="Leave 'model_name' out, or send it to its own address.",
        )
    if version and address.version is not None and version != address.version:
        raise UsageError(
            f"The body is for version {version[:60]!r}, the address for {address.version[:60]!r}.",
            advice="Leave 'model_version' out.",
        )
    return address.version if address.version is not None else version or None


def _flag(parameters: Mapping[str, Json]) -> bool:
    """Return whether outputs come as binary, once every parameter is one that is known."""
    if parameters.get("sequence_id"):
        raise UsageError("The request is part of a sequence.", advice="Each row stands alone here.")
    unknown = sorted(parameters.keys() - {*KNOWN, "sequence_id", "sequence_start", "sequence_end"})
    if unknown:
        raise UsageError(
            f"The request has a parameter {unknown[0][:40]!r}.",
            advice=f"It takes {', '.join(KNOWN)}.",
        )
    binary = parameters.get(BINARY, False)
    if not isinstance(binary, bool):
        raise UsageError(f"{BINARY!r} is neither true nor false.")
    return binary


def _subjects(parameters: Mapping[str, Json], rows: int) -> list[str | None]:
    """Return the pseudonym of each row: `subject` is that of all, `subjects` has one for each."""
    one, many = parameters.get(SUBJECT), parameters.get(SUBJECTS)
    if one is not None and many is not None:
        raise UsageError(f"The request has {SUBJECT!r} and {SUBJECTS!r}.", advice="Send one.")
    if many is None:
        if not (one is None or isinstance(one, str)):
            raise UsageError(f"{SUBJECT!r} is not text.", advice="Send a pseudonym.")
        return [one] * rows
    if isinstance(many, str):  # clients that know parameters of one value only
        many = read_json(many.encode("utf-8", "replace"), containers=1)
    if not isinstance(many, list) or len(many) != rows:
        raise UsageError(
            f"{SUBJECTS!r} is not a list of {rows} pseudonym(s).",
            advice="Send one for each row, null for a row about nobody in particular.",
        )
    if not all(each is None or isinstance(each, str) for each in many):
        raise UsageError(f"A pseudonym in {SUBJECTS!r} is not text.")
    return many
