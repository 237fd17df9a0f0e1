from __future__ import annotations

import io
import pickle
import pickletools
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.freezing.strangers import opcodes
from bedside.freezing.strangers.opcodes import Budget, Opcode, read_opcodes
from bedside.freezing.strangers.stream import Lost, Part, Stream

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
        | st.sets(st.integers(), max_size=4)
    ),
    max_leaves=20,
)


def read(data: bytes) -> list[Opcode]:
    return list(read_opcodes(Stream(Part(io.BytesIO(data), 0, len(data))), Budget()))


def by_python(data: bytes) -> list[tuple[str, int | None]]:
    return [(code.name, position) for code, _, position in pickletools.genops(data)]


@given(plain, st.sampled_from(PROTOCOLS))
def test_the_opcodes_are_those_that_python_lists(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    assert [(one.name, one.position) for one in read(data)] == by_python(data)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_opcodes_of_objects_and_arrays_are_those_that_python_lists(protocol: int) -> None:
    value = [
        OrderedDict(a=1),
        np.arange(5),
        datetime(2026, 1, 1, tzinfo=UTC),
        2**70,
        "é\n",
        b"\xff",
    ]
    data = pickle.dumps(value, protocol)
    assert [(one.name, one.position) for one in read(data)] == by_python(data)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_as_python_reads_them_or_not_at_all(data: bytes) -> None:
    try:
        found = read(data)
    except Lost:
        return
    assert found[-1].name == "STOP"


def test_every_opcode_of_python_is_known() -> None:
    assert len(opcodes._table()) == len(pickletools.opcodes)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_short_texts_and_numbers_are_kept(protocol: int) -> None:
    data = pickle.dumps(["name", 7, -3, 2**40, 10**6], protocol)
    kept = {one.argument for one in read(data)}
    assert {"name", 7, -3, 2**40, 10**6} <= kept


def test_long_texts_and_byte_strings_are_passed_over() -> None:
    data = pickle.dumps(["a" * 10_000, b"b" * 10_000, 2**100], 4)
    assert all(one.argument is None or isinstance(one.argument, int) for one in read(data))


def test_the_two_lines_of_an_import_are_kept() -> None:
    assert read(b"cos\nsystem\n.")[0] == Opcode("GLOBAL", ("os", "system"), 0)


def test_all_pickles_of_a_file_share_one_budget() -> None:
    budget = Budget(3)
    data = b"N.N."
    stream = Stream(Part(io.BytesIO(data), 0, len(data)))
    assert [one.name for one in read_opcodes(stream, budget)] == ["NONE", "STOP"]
    with pytest.raises(Lost, match="more than"):
        list(read_opcodes(stream, budget))
