from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bedside.api.plain_body import plain_row
from bedside.api.requests import read_predict
from bedside.canonical import Json
from bedside.serving.values import Row
from bedside.site.settings import Limits

LIMITS = Limits()
NUMBER = st.from_regex(r"-?(0|[1-9]\d{0,20})(\.\d{1,20})?([eE][+-]?\d{1,3})?", fullmatch=True)
TOKEN = NUMBER | st.sampled_from(
    ["true", "null", '"x"', '""', "NaN", "-Infinity", "01", "1.", "{}"]
)
NAME = st.sampled_from(["a", "b", "radius", "a b", "é", "input"])
PAIRS = st.lists(st.tuples(NAME, TOKEN), max_size=5)


def same(one: Row, other: Row) -> bool:
    return repr(one) == repr(other) and list(one.input) == list(other.input)


def agrees(data: bytes) -> bool:
    """Whether the quick reader left `data` alone, or read what the strict one reads."""
    found = plain_row(data)
    if found is None:
        return True
    asked = read_predict(data, LIMITS)  # raises where it is refused
    return not asked.many and not asked.explain and same(found, asked.rows[0])


@given(PAIRS)
@example([("a", "1"), ("a", "1")])
@example([("a", '"x"'), ("b", "9007199254740991"), ("c", "-0.0"), ("d", "-0"), ("e", "1E5")])
def test_what_is_read_is_what_the_strict_reader_reads(pairs: list[tuple[str, str]]) -> None:
    inside = ",".join(f'"{name}": {token}' for name, token in pairs)
    data = f'{{"input": {{{inside}}}}}'.encode()
    found = plain_row(data)
    if found is not None and any(_inexact(value) for value in found.input.values()):
        return  # the gate for plain rows takes no such number
    assert agrees(data)


def _inexact(value: Json) -> bool:
    if type(value) is int:
        return abs(value) >= 2**53
    return type(value) is float and not math.isfinite(value)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 25))
def test_a_number_is_read_as_python_reads_it(value: float, digits: int) -> None:
    for text in (repr(value), f"{value:.{digits}e}"):
        found = plain_row(f'{{"input": {{"a": {text}}}}}'.encode())
        assert found is not None
        assert found.input["a"] == float(text)
        assert math.copysign(1, found.input["a"]) == math.copysign(1, float(text))


@given(st.binary(max_size=40), st.integers(0, 60))
@example(b'"', 10)
@example(b"\xff", 12)
@example(b"\x00", 12)
def test_a_body_that_was_changed_is_read_alike_or_left_alone(change: bytes, at: int) -> None:
    good = b'{"input": {"radius": 14.5, "sex": "male", "age": 50}, "subject": "p-7"}'
    assert agrees(good[:at] + change + good[at + len(change) :])


@pytest.mark.parametrize(
    "data",
    [
        b'{"input": {"a": 1}, "input": {"a": 2}}',
        b'{"input": {"a": 1}, "subject": "x", "subject": "y"}',
        b'{"input": {"a": "x", "a": "y"}}',
        b'{"input": {"a": 1, "a": 2, "b": "c"}}',
        b'{"input": {"a": {"value": 1, "unit": "mm"}}}',
        b'{"input": {"a": [1]}}',
        b'{"input": {"\\u0061": 1}}',
        b'{"input": {"a": 1}, "explain": true}',
        b'{"inputs": [{"input": {"a": 1}}]}',
        b'{"input": {"a": 1}, "subject": ""}',
        b'{"input": {"a": 1}, "subject": 7}',
        b'{"input": {"a": NaN}}',
        b'{"input": 7}',
        b'[{"input": {}}]',
        b'{"input": {"a": 1}} x',
        b"\xef\xbb\xbf" + b'{"input": {"a": 1}}',
        b"",
    ],
)
def test_what_is_not_plain_is_left_to_the_strict_reader(data: bytes) -> None:
    assert plain_row(data) is None


def test_a_plain_body_is_read() -> None:
    row = {"radius": 14.5, "sex": "male", "age": 50, "gap": None, "flag": True}
    for subject in ({}, {"subject": None}, {"subject": "patient-7"}):
        data = json.dumps({"input": row} | subject).encode()
        assert plain_row(data) == Row(row, subject.get("subject"))
