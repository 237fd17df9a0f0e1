"""Reading the body of a plain prediction: as strictly as `requests.read_predict`, and much faster.

Only a body that any reader of JSON understands alike is read here; for everything else None is
returned, and the strict reader says what is wrong with it.
"""

from __future__ import annotations

from typing import Final

from pydantic_core import from_json

from bedside.canonical import Json
from bedside.errors import UsageError
from bedside.serving.values import Row

_SINGLE: Final = frozenset({int, float, str, bool, type(None)})
"""The types of JSON values that hold no others."""

_SUBJECT: Final = frozenset({str, type(None)})


def plain_row(data: bytes) -> Row | None:
    r"""Return the row in `{"input": {…}}` or `{"input": {…}, "subject": …}` whose values are single.

    Names that stand twice are found by counting: without a backslash each string has exactly two
    quotation marks, so there are as many strings as names and texts were read, or one was lost.
    A number is left to the strict reader where two readers could differ: the gate for plain rows takes
    no integer beyond ±(2**53 - 1), and no float that is not finite.
    """
    body = None if b"\\" in data else _read(data)
    if type(body) is not dict or type(row := body.get("input")) is not dict:
        return None
    subject = body.get("subject")
    if len(body) != 1 + ("subject" in body) or type(subject) not in _SUBJECT:
        return None
    kinds = [*map(type, row.values())]
    texts = len(body) + len(row) + kinds.count(str) + (subject is not None)
    if not _SINGLE.issuperset(kinds) or data.count(b'"') != 2 * texts:
        return None
    return _row(row, subject)


def _read(data: bytes) -> Json:
    try:
        return from_json(data, allow_inf_nan=False)
    except ValueError:
        return None


def _row(values: dict[str, Json], subject: str | None) -> Row | None:
    try:
        return Row(values, subject)
    except UsageError:
        return None
