from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.freezing.strangers.stream import LONGEST_LINE, Lost, Part, Stream


class Slow:
    """Gives one byte at a time, as a decompressor may."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)

    def read(self, size: int, /) -> bytes:
        return self._inner.read(min(size, 1))

    def skip(self, size: int, /) -> int:
        return len(self._inner.read(size))


def streams(data: bytes) -> list[Stream]:
    around = b"before" + data + b"after"
    return [Stream(Part(io.BytesIO(around), 6, len(data))), Stream(Slow(data))]


@given(st.binary(max_size=300), st.lists(st.tuples(st.booleans(), st.integers(0, 50)), max_size=20))
def test_what_is_taken_and_passed_over_is_the_data(
    data: bytes, moves: list[tuple[bool, int]]
) -> None:
    for stream in streams(data):
        position = 0
        for takes, size in moves:
            if position + size > len(data):
                with pytest.raises(Lost):
                    stream.take(size) if takes else stream.skip(size)
                break
            if takes:
                assert stream.take(size) == data[position : position + size]
            else:
                stream.skip(size)
            position += size
            assert stream.position == position
            assert stream.at_end() == (position == len(data))


@given(st.binary(max_size=100))
def test_lines_are_those_of_the_data(data: bytes) -> None:
    lines = data.split(b"\n")
    for stream in streams(data):
        assert [stream.line() for _ in lines[:-1]] == lines[:-1]
        with pytest.raises(Lost, match="no line ends"):
            stream.line()


def test_looking_ahead_passes_nothing() -> None:
    for stream in streams(b"abc"):
        assert (stream.look(2), stream.look(9), stream.take(3)) == (b"ab", b"abc", b"abc")


def test_a_line_is_bounded() -> None:
    for stream in streams(b"a" * (LONGEST_LINE + 1) + b"\n"):
        with pytest.raises(Lost, match="no line ends after byte 0"):
            stream.line()


def test_a_part_of_a_file_is_not_left() -> None:
    part = Part(io.BytesIO(b"0123456789"), 2, 3)
    assert (part.read(2), part.read(9), part.read(9)) == (b"23", b"4", b"")
    assert Part(io.BytesIO(b"0123456789"), 2, 3).skip(99) == 3
