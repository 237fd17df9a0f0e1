from __future__ import annotations

import json
import random
import struct
import time
import tracemalloc

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from bedside import canonical
from bedside.canonical import MAX_DEPTH, Json, canonical_bytes, digest, read_json
from bedside.errors import LimitExceeded, UsageError

SAFE = 2**53 - 1

json_values: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)

# RFC 8785, appendix B: the IEEE 754 bits and their one spelling
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@given(json_values)
def test_what_is_written_is_read_back(value: Json) -> None:
    assert read_json(canonical_bytes(value)) == value


@given(json_values)
def test_writing_again_changes_nothing(value: Json) -> None:
    once = canonical_bytes(value)
    assert canonical_bytes(read_json(once)) == once


@given(json_values)
def test_is_the_spelling_of_the_reference(value: Json) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value", [{1: 2}, {"é": 1, 2: 3}, {True: 1}, {"a", "b"}, b"x", {"\ud800": 1}]
)
def test_what_the_reference_refuses_is_refused(value: Json) -> None:
    with pytest.raises(UsageError, match="no canonical JSON form"):
        canonical_bytes(value)


@given(st.dictionaries(st.text(), json_values, min_size=2), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(value: dict[str, Json], order: random.Random) -> None:
    items = list(value.items())
    order.shuffle(items)
    assert canonical_bytes(dict(items)) == canonical_bytes(value)


@given(json_values)
def test_a_reader_that_knows_only_floats_reads_the_same(value: Json) -> None:
    assert json.loads(canonical_bytes(value), parse_int=float) == value


@pytest.mark.parametrize(
    "text", ["62667638327386070", "-9007199254740992", "100000000000000000000"]
)
def test_a_large_float_without_a_point_is_read_as_the_float_that_it_was(text: str) -> None:
    value = read_json(text.encode())
    assert isinstance(value, float)
    assert canonical_bytes(value).decode() == text


@pytest.mark.parametrize("text", ["9007199254740993", "12345678901234567891", "-9007199254740995"])
def test_an_integer_that_would_lose_digits_is_refused(text: str) -> None:
    with pytest.raises(
        UsageError, match=rf"{text} is too large to be read exactly\. Send it as text"
    ):
        read_json(f'{{"id":{text}}}'.encode())


@pytest.mark.parametrize(("bits", "spelling"), NUMBERS.items())
def test_numbers_are_spelled_as_in_the_appendix_of_rfc_8785(bits: str, spelling: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical_bytes(number).decode() == spelling


def test_keys_are_sorted_by_utf_16_as_in_section_3_2_3() -> None:
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\x80", "\xf6"]
    written = canonical_bytes(dict.fromkeys(names, 0))
    expected = ["\r", "1", "\x80", "\xf6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(written)) == expected


def test_strings_are_escaped_as_in_section_3_2_2() -> None:
    text = '€$\x0f\nA\'B"\\\\"/'
    assert canonical_bytes(text) == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode()


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), -float("inf"), SAFE + 1, -SAFE - 1, "\ud800", {1: 2}, {3}, b"x"],
    ids=repr,
)
def test_what_canonical_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="no canonical JSON form"):
        canonical_bytes(value)


def test_a_repeated_name_is_refused_and_named() -> None:
    with pytest.raises(UsageError, match="'age' stands twice"):
        read_json(b'{"x":{"age":1,"sex":2,"age":3}}')


@pytest.mark.parametrize("text", [b"NaN", b"Infinity", b"-Infinity", b"[1,NaN]"])
def test_what_is_no_json_number_is_refused(text: bytes) -> None:
    with pytest.raises(UsageError, match="is not a JSON number"):
        read_json(text)


def test_a_number_beyond_the_floats_is_refused() -> None:
    with pytest.raises(UsageError, match="1e999"):
        read_json(b"[1e999]")


def test_an_endless_integer_is_refused() -> None:
    with pytest.raises(LimitExceeded, match="too long"):
        read_json(b"9" * 5000)


@pytest.mark.parametrize("text", [b"\xff", b'"\xc3"'])
def test_what_is_not_utf_8_is_refused_with_its_place(text: bytes) -> None:
    with pytest.raises(UsageError, match="Not UTF-8 at byte"):
        read_json(text)


@pytest.mark.parametrize("text", [b"", b"{", b"[1,]", b"{'a':1}", b"1 2", b"01"])
def test_what_is_not_json_is_refused_with_its_place(text: bytes) -> None:
    with pytest.raises(UsageError, match=r"Not JSON: .* at line 1, column"):
        read_json(text)


def test_nesting_is_bounded() -> None:
    assert read_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(LimitExceeded, match=f"deeper than {MAX_DEPTH}"):
        read_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))
    with pytest.raises(LimitExceeded, match=f"deeper than {MAX_DEPTH}"):
        read_json(b'{"a":' * 100_000)


def test_brackets_inside_strings_are_not_nesting() -> None:
    text = b'["' + b"[" * 1000 + b'","\\"' + b"{" * 1000 + b'"]'
    assert len(read_json(text)) == 2


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert len(read_json(b"[" + b",".join([b"[]"] * 1000) + b"]")) == 1000


@given(
    st.lists(
        st.sampled_from([b'"', b"\\", b"[", b"]", b"{", b"x", b"xx" * 3000, b'\\"' * 20_000]),
        max_size=40,
    )
)
def test_brackets_are_found_as_a_reader_finds_them_who_looks_at_each_byte(
    parts: list[bytes],
) -> None:
    data = b"".join(parts)
    expected, inside, escaped = [], False, False
    for byte in data:
        letter = bytes([byte])
        if inside:
            inside = escaped or letter != b'"'
            escaped = not escaped and letter == b"\\"
        elif letter == b'"':
            inside = True
        elif letter in (b"[", b"]", b"{", b"}"):
            expected.append(letter)
    assert list(canonical._brackets(data)) == expected


@given(
    st.lists(
        st.sampled_from([b'"', b"[", b"]", b"{", b"}", b"x", b"[" * 60, b"]" * 60]), max_size=40
    ),
    st.integers(0, 200),
)
def test_a_quick_look_sees_what_the_long_one_sees(parts: list[bytes], containers: int) -> None:
    data = b"".join(parts)
    found = list(canonical._brackets(data))
    depths = [0]
    for bracket in found:
        depths.append(depths[-1] + (1 if bracket in b"[{" else -1))
    fits = max(depths) <= MAX_DEPTH and sum(one in b"[{" for one in found) <= containers
    assert canonical._is_shallow(data, containers) == fits
    assert not canonical._is_shallow(data + b"\\", containers)


@pytest.mark.parametrize("filling", [b"[", b"\\\\", b'\\"', b"\\/"])
def test_a_long_string_takes_neither_time_nor_memory(filling: bytes) -> None:
    data = b'"' + filling * (2**22 // len(filling)) + b'"[' + b"[]," * 70 + b"[]]"
    begun = time.thread_time()
    brackets = sum(1 for _ in canonical._brackets(data))
    assert time.thread_time() - begun < 1
    tracemalloc.start()
    assert sum(1 for _ in canonical._brackets(data)) == brackets
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert brackets == 144
    assert peak < 2.5 * len(data)


def test_arrays_and_objects_are_counted_before_they_are_made() -> None:
    data = b"[" + b"{}," * 100 + b"[]]"
    assert len(read_json(data, containers=102)) == 101
    with pytest.raises(LimitExceeded, match="more than 101 arrays and objects"):
        read_json(data, containers=101)
    with pytest.raises(LimitExceeded, match="more than 3 arrays"):
        read_json(b"[[],[],[]]", containers=3)


def test_a_digest_names_its_algorithm() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest(b"") == f"sha256:{empty}"


def test_a_repeated_name_is_found_in_one_pass() -> None:
    compared = 0

    class Counted(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str.__eq__(self, other) is True

    names = [*(f"n{number}" for number in range(5000)), "again", "again"]
    with pytest.raises(UsageError, match="'again' stands twice"):
        canonical._unique_object([(Counted(name), None) for name in names])
    assert compared < 2 * len(names)
