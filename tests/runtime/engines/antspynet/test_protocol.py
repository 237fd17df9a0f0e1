from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.errors import BedsideError, LimitExceeded, UsageError
from bedside.runtime.engines.antspynet.protocol import MAGIC, read_message, write_message


def written(header: dict[str, Any], *arrays: Any) -> bytes:
    stream = io.BytesIO()
    write_message(stream, header, arrays)
    return stream.getvalue()


def framed(header: object) -> bytes:
    text = json.dumps(header).encode()
    return MAGIC + len(text).to_bytes(4, "big") + text


def test_what_was_written_is_read_bit_by_bit() -> None:
    volume = np.arange(24, dtype=np.float32).reshape(2, 3, 4)[:, ::-1]
    labels = np.array([], np.uint8)
    message = read_message(io.BytesIO(written({"kind": "answer", "é": [1, None]}, volume, labels)))
    assert message is not None
    assert message.kind == "answer"
    assert message.header["é"] == [1, None]
    assert np.array_equal(message.arrays[0], volume)
    assert message.arrays[1].shape == (0,)


def test_a_closed_pipe_is_no_message() -> None:
    assert read_message(io.BytesIO()) is None


@pytest.mark.parametrize("cut", [3, 11, 20, -1])
def test_a_message_that_breaks_off_is_refused(cut: int) -> None:
    with pytest.raises(UsageError, match=r"breaks off|no message"):
        read_message(io.BytesIO(written({"kind": "x"}, np.zeros(9, np.float32))[:cut]))


@pytest.mark.parametrize(
    ("arrays", "error"),
    [
        ([{"dtype": "float32", "shape": [2**16, 2**16]}], LimitExceeded),
        ([{"dtype": "float32", "shape": [2**30]}] * 2, LimitExceeded),
        ([{"dtype": "object", "shape": [1]}], UsageError),
        ([{"dtype": "float32", "shape": [-1]}], UsageError),
        ([{"dtype": "float32", "shape": [True]}], UsageError),
        ([{"dtype": "float32", "shape": [1] * 5}], UsageError),
        ([{"dtype": "uint8", "shape": [1]}] * 17, UsageError),
        ("none", UsageError),
    ],
)
def test_sizes_are_refused_before_memory_is_taken(
    arrays: object, error: type[BedsideError]
) -> None:
    with pytest.raises(error):
        read_message(io.BytesIO(framed({"arrays": arrays})))


def test_a_header_without_end_is_refused_by_its_length() -> None:
    with pytest.raises(LimitExceeded):
        read_message(io.BytesIO(MAGIC + (2**31).to_bytes(4, "big")))


def test_an_object_array_is_never_sent() -> None:
    with pytest.raises(UsageError):
        written({}, np.array([object()]))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    for given_ in (data, MAGIC + data, MAGIC + len(data).to_bytes(4, "big") + data):
        try:
            read_message(io.BytesIO(given_))
        except (UsageError, LimitExceeded):
            continue
