"""The form of an event, and how to say that an entry is not what it must be."""

from __future__ import annotations

import re
from typing import Final

from bedside.canonical import Json, canonical_bytes, read_json
from bedside.errors import BedsideError, LedgerBroken
from bedside.ledger.shapes import TIME, Fields, Shapes

VERSION: Final = 1
SALT_BYTES: Final = 32

ADVICE = "Keep this record as it is, compare it with an export or a witness, and find out who."
_TEXTS = ("id", "kind", "about", "at", "actor", "credential", "door")
_FIELDS = {*_TEXTS, "v", "body", "sealed"}
_SEALED = {"box", "key", "nonce"}
_TIME = re.compile(TIME)

NOT_PLAIN = bytes(range(0x20)) + b"\\"
"""What stands in no event without an escape: control characters and the backslash."""


def broken(index: int, what: str) -> LedgerBroken:
    """Return the error that names the first wrong entry."""
    return LedgerBroken(
        f"The ledger is broken at entry {index}: {what}.", index=index, advice=ADVICE
    )


def is_number(value: Json, expected: int) -> bool:
    """Return whether a value of JSON is this number; to Python, true is 1 as well."""
    return type(value) is int and value == expected


def read_fields(index: int, data: bytes, shapes: Shapes) -> Fields:
    """Return what an event is found by, once its form is checked, by its shape where it is known.

    Raises:
        LedgerBroken: it is not an event of version 1 in canonical JSON.
    """
    plain = len(data.translate(None, NOT_PLAIN)) == len(data)
    if plain:
        try:
            found = shapes.fields(data.decode())
        except UnicodeDecodeError:
            found = None
        if found is not None:
            return Fields(*found)
    event = _read_event(index, data)
    if plain:
        shapes.learn(event)
    return Fields(event["about"], event["at"], event["id"], event["kind"])


def _is_sealed_or_null(value: Json) -> bool:
    if value is None:
        return True
    texts = isinstance(value, dict) and all(isinstance(part, str) for part in value.values())
    return texts and set(value) == _SEALED


def _read_event(index: int, data: bytes) -> dict[str, Json]:
    try:
        event = read_json(data)
        canonical = canonical_bytes(event) == data
    except BedsideError as problem:
        raise broken(index, f"its event cannot be read ({problem.message})") from problem
    if not canonical:
        raise broken(index, "its event is not canonical JSON")
    if not isinstance(event, dict) or set(event) != _FIELDS or not is_number(event["v"], VERSION):
        raise broken(index, "its event does not have the fields of version 1")
    odd = [name for name in _TEXTS if not isinstance(event[name], str)]
    if odd:
        raise broken(index, f"its event's {odd[0]} is not text")
    if not isinstance(event["body"], dict) or not _is_sealed_or_null(event["sealed"]):
        raise broken(index, "its event's body or sealed part is not of the form of version 1")
    if not _TIME.fullmatch(event["at"]):
        raise broken(index, f"{event['at']!r} is not a time")
    return event
