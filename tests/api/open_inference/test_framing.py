from __future__ import annotations

import json
import struct
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.api.open_inference.framing import InferRequest, read_infer
from bedside.api.open_inference.tensors import DATATYPES, NUMBERS, Tensor
from bedside.canonical import Json
from bedside.errors import LimitExceeded, UsageError

VALUES = np.array([[1.5, -2.0], [np.nan, 4.0]])


def framed(inputs: list[dict[str, Any]], rest: bytes = b"", **more: Json) -> InferRequest:
    text = json.dumps({"inputs": inputs, **more}).encode()
    return read_infer(text + rest, len(text) if rest else None)


def one(datatype: str, shape: list[int], data: Json = None, size: int | None = None) -> Any:
    found: dict[str, Json] = {"name": "x", "datatype": datatype, "shape": shape}
    if size is not None:
        found["parameters"] = {"binary_data_size": size}
    return found if data is None else found | {"data": data}


def tensor(sent: dict[str, Json], rest: bytes = b"") -> Tensor:
    (found,) = framed([sent], rest).inputs
    return found


def test_binary_numbers_are_read_as_they_lie() -> None:
    found = tensor(one("FP64", [2, 2], size=32), VALUES.tobytes())
    assert found.listed() == [1.5, -2.0, None, 4.0]
    np.testing.assert_array_equal(found.array(), VALUES)


@pytest.mark.parametrize("datatype", NUMBERS)
def test_every_datatype_is_little_endian(datatype: str) -> None:
    dtype = NUMBERS[datatype]
    found = tensor(one(datatype, [2], size=2 * dtype.itemsize), np.array([0, 1], dtype).tobytes())
    assert found.listed() == [0, 1]
    assert dtype.newbyteorder("<") == dtype


def test_several_tensors_follow_each_other() -> None:
    names = one("BYTES", [2], size=12) | {"name": "who"}
    body = (
        struct.pack("<I", 3)
        + b"one"
        + struct.pack("<I", 1)
        + b"2"
        + np.array([1], np.float32).tobytes()
    )
    found = framed([names, one("FP32", [1], size=4)], body)
    assert [value.listed() for value in found.inputs] == [["one", "2"], [1.0]]


@pytest.mark.parametrize("data", [[1.5, -2.0, None, 4], [[1.5, -2.0], [None, 4]]])
def test_json_comes_flat_or_in_its_shape(data: Json) -> None:
    assert tensor(one("FP64", [2, 2], data)).listed() == [1.5, -2.0, None, 4]


def test_an_empty_text_is_a_missing_one() -> None:
    assert tensor(one("BYTES", [2], ["", "a"])).listed() == [None, "a"]


def test_true_is_one() -> None:
    assert tensor(one("BOOL", [2], [True, False])).listed() == [1, 0]


WRONG: dict[str, tuple[Any, bytes]] = {
    "too few bytes": (one("FP64", [2], size=16), b"\0" * 15),
    "too many bytes": (one("FP64", [1], size=8), b"\0" * 9),
    "a size that is not the shape's": (one("FP64", [1], size=4), b"\0" * 4),
    "a negative size": (one("FP64", [1], size=-8), b"\0" * 8),
    "a size that is true": (one("UINT8", [1], size=True), b"\0"),
    "a shape beyond all memory": (one("FP64", [2**40, 2**40], size=8), b"\0" * 8),
    "elements beyond all memory": (one("BYTES", [2**50], size=4), b"\0" * 4),
    "an element longer than the rest": (one("BYTES", [1], size=5), b"\xff\xff\xff\xffa"),
    "an element's length cut off": (one("BYTES", [2], size=7), struct.pack("<I", 1) + b"a\0\0"),
    "bytes behind the elements": (one("BYTES", [1], size=6), struct.pack("<I", 1) + b"ab"),
    "a byte that is no bool": (one("BOOL", [1], size=1), b"\2"),
    "data and binary data": (one("UINT8", [1], [1], size=1), b"\0"),
    "an unknown datatype": (one("BF16", [1], size=2), b"\0\0"),
    "a datatype that is a list": (one("FP64", [1], [1.0]) | {"datatype": ["FP64"]}, b""),
    "no shape": ({"name": "x", "datatype": "FP64", "data": [1]}, b""),
    "an empty shape": (one("FP64", [], [1]), b""),
    "an axis of nothing": (one("FP64", [0], []), b""),
    "a negative axis": (one("FP64", [-1], [1]), b""),
    "an axis that is true": (one("FP64", [True], [1]), b""),
    "an axis with a fraction": (one("FP64", [1.0], [1]), b""),  # type: ignore[list-item]
    "no data": (one("FP64", [1]), b""),
    "data that is text": (one("FP64", [1], "1"), b""),
    "data of another length": (one("FP64", [2], [1]), b""),
    "rows of unequal length": (one("FP64", [2, 2], [[1, 2], [3]]), b""),
    "a list where a number should be": (one("FP64", [1], [[1]]), b""),
    "a text among numbers": (one("FP64", [2], [1, "2"]), b""),
    "true among numbers": (one("FP64", [2], [1, True]), b""),
    "a fraction among whole numbers": (one("INT64", [1], [1.5]), b""),
    "nothing among whole numbers": (one("INT64", [1], [None]), b""),
    "a number that does not fit": (one("UINT8", [1], [256]), b""),
    "a number among texts": (one("BYTES", [1], [1]), b""),
    "one among bools": (one("BOOL", [1], [1]), b""),
    "no name": (one("FP64", [1], [1]) | {"name": ""}, b""),
    "a name that is a number": (one("FP64", [1], [1]) | {"name": 3}, b""),
    "an unknown member": (one("FP64", [1], [1]) | {"dtype": "FP64"}, b""),
    "parameters that are a list": (one("FP64", [1], [1]) | {"parameters": []}, b""),
    "shared memory": (one("FP64", [1]) | {"parameters": {"shared_memory_region": "r"}}, b""),
    "an input that is a text": ("x", b""),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_input_is_refused_with_its_name(case: str) -> None:
    sent, rest = WRONG[case]
    with pytest.raises(UsageError):
        framed([sent], rest)


def test_an_input_stands_once() -> None:
    with pytest.raises(UsageError, match="twice"):
        framed([one("FP64", [1], [1]), one("FP64", [1], [1])])


@pytest.mark.parametrize(
    "more",
    [
        {"id": 7},
        {"inputs": {}},
        {"inputs": []},
        {"outputs": {}},
        {"outputs": [7]},
        {"outputs": [{"name": "label", "parameters": {"classification": 3}}]},
        {"outputs": [{"name": "label", "parameters": {"binary_data": 1}}]},
        {"outputs": [{"name": "label"}, {"name": "label"}]},
        {"parameters": 7},
        {"more": 7},
    ],
)
def test_a_wrong_body_is_refused(more: dict[str, Json]) -> None:
    with pytest.raises(UsageError):
        read_infer(json.dumps({"inputs": [one("FP64", [1], [1])], **more}).encode(), None)


@pytest.mark.parametrize("length", [0, 1, 10, 10_000])
def test_the_length_of_the_json_must_be_right(length: int) -> None:
    with pytest.raises(UsageError):
        read_infer(json.dumps({"inputs": [one("FP64", [1], [1])]}).encode(), length)


def test_what_is_too_long_is_refused() -> None:
    for more in ({"id": "x" * 513}, {"inputs": [one("FP64", [1], [1])] * 5000}):
        with pytest.raises(LimitExceeded):
            read_infer(json.dumps({"inputs": [one("FP64", [1], [1])], **more}).encode(), None)
    with pytest.raises(LimitExceeded):
        tensor(one("FP64", [1] * 5, [1]))
    with pytest.raises(LimitExceeded):
        tensor(one("FP64", [1], [1]) | {"name": "x" * 201})


PIECES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.lists(st.integers(-2, 9), max_size=3),
    st.lists(st.text(max_size=3), max_size=3),
)
INPUT = st.fixed_dictionaries(
    {
        "name": st.text(max_size=4) | PIECES,
        "shape": st.lists(st.integers(-1, 2**53), max_size=5) | PIECES,
        "datatype": st.sampled_from(DATATYPES) | PIECES,
    },
    optional={
        "data": st.lists(PIECES, max_size=4) | PIECES,
        "parameters": st.fixed_dictionaries(
            {}, optional={"binary_data_size": st.integers(-1, 2**53) | PIECES}
        )
        | PIECES,
    },
)


@settings(max_examples=400, deadline=None)
@given(
    inputs=st.lists(INPUT, max_size=3),
    rest=st.binary(max_size=40),
    shift=st.sampled_from([None, 0, 0, 0, -1, 1]),
)
def test_whatever_is_framed_is_either_read_or_refused(
    inputs: list[Json], rest: bytes, shift: int | None
) -> None:
    text = json.dumps({"inputs": inputs}).encode()
    try:
        found = read_infer(text + rest, None if shift is None else len(text) + shift)
    except (UsageError, LimitExceeded):
        return
    for each in found.inputs:
        assert len(each.values) == np.prod(each.shape)


@settings(max_examples=400, deadline=None)
@given(data=st.binary(max_size=200), length=st.none() | st.integers(0, 210))
def test_so_are_any_bytes(data: bytes, length: int | None) -> None:
    with pytest.raises((UsageError, LimitExceeded)):
        read_infer(data, length)


@pytest.mark.parametrize(
    ("sent", "rest"),
    [
        (one("FP64", [2**31], size=2**34), b""),
        (one("BYTES", [2**31], size=8), b"\0" * 8),
        (one("BYTES", [1], size=8), b"\xff\xff\xff\x7f" + b"\0" * 4),
        (one("FP64", [2**20, 2**20], [1]), b""),
    ],
)
def test_no_memory_is_taken_for_what_is_merely_claimed(sent: Json, rest: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UsageError):
            framed([sent], rest)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
