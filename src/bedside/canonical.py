"""Canonical JSON (RFC 8785) and SHA-256 digests: one value, one spelling, one digest.

Reading is strict: JSON that two readers could understand differently (a repeated key,
`NaN`, `Infinity`, bytes that are not UTF-8) is refused rather than guessed at.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from itertools import accumulate
from json.encoder import encode_basestring
from typing import Any, NoReturn, TypeAlias

import rfc8785

from bedside.errors import LimitExceeded, UsageError

Json: TypeAlias = Any
"""Null, boolean, integer, finite float, string, list of Json, or dict from string to Json."""

_TOKEN = re.compile(rb'"[^"\\]{0,4096}+"|["\[\]{}]')
"""A short string without escapes, or where any other string begins, or a bracket."""

_ESCAPES = re.compile(rb'(?:[^"\\]{0,64}+\\.){0,16384}+', re.DOTALL)
"""Escapes and what is between them, so many at once that the others get their turn meanwhile."""

_FEW_BYTES = 2**23
_FEW_QUOTES = 400_000
_FEW_BRACKETS = 400_000
"""Up to so many a quick look takes little memory and milliseconds."""

_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = tuple((code in b"[{") - (code in b"]}") for code in range(256))
"""How each byte changes the depth."""

MAX_DEPTH = 64
"""Deeper nesting than any manifest or message needs; bounds recursion in every reader."""

MAX_CONTAINERS = 4_000_000
"""Arrays and objects in one text, each of which takes some hundred bytes: more than 10,000 golden cases
of 300 fields have, each with its unit. Who reads what strangers send asks for fewer."""


def canonical_bytes(value: Json) -> bytes:
    """Return the one spelling of `value` in canonical JSON, as UTF-8.

    Raises:
        UsageError: `value` holds something that canonical JSON cannot say: NaN, an infinity,
            an integer beyond ±(2**53 - 1), a lone surrogate, or a type that is not JSON.

    Source: RFC 8785, section 3.2.
    """
    try:
        return _spelled(value).encode()
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as problem:
        raise UsageError(f"This value has no canonical JSON form: {problem}.") from problem


def _spelled(value: Json) -> str:
    """Return what `rfc8785.dumps` returns, as text; ten times as fast for what is met every day.

    `encode_basestring` escapes exactly what section 3.2.2.2 escapes, and `repr` of a float that has
    no exponent is ECMAScript's spelling; everything else is left to the library.
    """
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is dict:
        names = sorted(value, key=None if _all_ascii(value) else _utf16)
        return "{" + ",".join([f"{_spelled(n)}:{_spelled(value[n])}" for n in names]) + "}"
    if kind is float and (1e-4 <= value < 1e16 or -1e16 < value <= -1e-4):
        text = repr(value)
        return text[:-2] if text.endswith(".0") else text
    if kind is int and -(2**53) < value < 2**53:
        return str(value)
    if kind is list or kind is tuple:
        return "[" + ",".join([_spelled(one) for one in value]) + "]"
    return rfc8785.dumps(value).decode()


def _all_ascii(names: dict[str, Json]) -> bool:
    for name in names:
        if not isinstance(name, str):
            raise rfc8785.CanonicalizationError("object keys must be strings")
        if not name.isascii():
            return False
    return True


def _utf16(name: Json) -> bytes:
    if not isinstance(name, str):
        raise rfc8785.CanonicalizationError("object keys must be strings")
    return name.encode("utf-16be")


def digest(data: bytes) -> str:
    """Return the SHA-256 of `data`, written `sha256:` and 64 lower-case hexadecimal digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def read_json(data: bytes, *, containers: int = MAX_CONTAINERS) -> Json:
    """Parse JSON strictly.

    Args:
        data: The text, in UTF-8.
        containers: Most arrays and objects in it; they are counted before any is made.

    Raises:
        UsageError: not UTF-8, not JSON, a repeated key, a number that is not finite, or an
            integer beyond ±(2**53 - 1) that is not the canonical spelling of a float.
        LimitExceeded: nested deeper than `MAX_DEPTH`, or more than `containers`.

    Source: RFC 8259, section 4 (names should be unique) and RFC 7493 (I-JSON).
    """
    _refuse_deep(data, containers)
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique_object,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_exact_integer,
        )
    except UnicodeDecodeError as problem:
        raise UsageError(f"Not UTF-8 at byte {problem.start}.", advice="Send UTF-8.") from problem
    except json.JSONDecodeError as problem:
        raise UsageError(
            f"Not JSON: {problem.msg} at line {problem.lineno}, column {problem.colno}."
        ) from problem
    except ValueError as problem:  # an integer of more digits than Python reads
        raise LimitExceeded(f"A number in the JSON is too long: {problem}.") from problem


def _refuse_deep(data: bytes, containers: int) -> None:
    if data.count(b"[") + data.count(b"{") <= min(MAX_DEPTH, containers):
        return  # the common case: too few brackets to be deep, strings included
    if _is_shallow(data, containers):
        return
    depth = found = 0
    for bracket in _brackets(data):
        depth += 1 if bracket in b"[{" else -1
        found += bracket in b"[{"
        if depth > MAX_DEPTH:
            raise LimitExceeded(f"JSON nested deeper than {MAX_DEPTH} levels.")
        if found > containers:
            raise LimitExceeded(
                f"JSON with more than {containers} arrays and objects.", advice="Send less at once."
            )


def _is_shallow(data: bytes, containers: int) -> bool:
    """Return True where a quick look is enough to see that nothing is too deep or too much.

    Without a backslash every string ends at its next quote, so what stands between an even number of
    quotes and the next one is outside of all strings.
    """
    if len(data) > _FEW_BYTES or b"\\" in data or data.count(b'"') > _FEW_QUOTES:
        return False
    brackets = b"".join(data.split(b'"')[::2]).translate(None, _NO_BRACKETS)
    if brackets.count(b"[") + brackets.count(b"{") > containers or len(brackets) > _FEW_BRACKETS:
        return False
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) <= MAX_DEPTH


def _brackets(data: bytes) -> Iterator[bytes]:
    """Give every bracket outside of strings, in constant memory; long strings are leapt over."""
    position = 0
    while True:
        for token in _TOKEN.finditer(data, position):
            if token[0] == b'"':
                position = _after_string(data, token.end())
                break
            if len(token[0]) == 1:
                yield token[0]
        else:
            return


def _after_string(data: bytes, start: int) -> int:
    """Return where the string ends whose inside begins at `start`: after its first free quote."""
    while (end := data.find(b'"', start)) >= 0:
        inside = data[start:end]
        if (len(inside) - len(inside.rstrip(b"\\"))) % 2 == 0:
            return end + 1
        skipped = _ESCAPES.match(data, end + 1)
        start = skipped.end() if skipped else end + 1
    return len(data)


def _unique_object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UsageError(f"The name {_first_repeated(pairs)!r} stands twice in one JSON object.")
    return found


def _first_repeated(pairs: list[tuple[str, Json]]) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            break
        seen.add(name)
    return name


def _refuse_constant(name: str) -> NoReturn:
    raise UsageError(f"{name} is not a JSON number.", advice="Send null for a missing value.")


def _finite_float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise UsageError(f"The number {text} is too large to be read exactly.")
    return value


def _exact_integer(text: str) -> int | float:
    if len(text) <= 15:
        return int(text)
    value = int(text)
    if abs(value) < 2**53:
        return value
    # RFC 8785 spells floats up to 1e21 without a point: those are read back as what they were
    nearest = _finite_float(text)
    if canonical_bytes(nearest) == text.encode():
        return nearest
    raise UsageError(
        f"The integer {text[:40]} is too large to be read exactly.", advice="Send it as text."
    )
