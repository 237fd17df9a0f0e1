from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.errors import SiteProblem
from bedside.keys.sealing import TAG_BYTES
from bedside.keys.stream import CHUNK_BYTES, MAX_LINE_BYTES, StreamReader, StreamWriter, read_line

KEY = bytes(range(32))
LINE = b'{"salt":"one"}\n'
BOX = CHUNK_BYTES + TAG_BYTES


def sealed(plain: bytes, line: bytes = LINE, key: bytes = KEY) -> bytes:
    target = io.BytesIO()
    writer = StreamWriter(target, key, line)
    writer.write(plain)
    writer.close()
    assert writer.size == len(target.getvalue())
    return target.getvalue()


def opened(data: bytes, key: bytes = KEY) -> bytes:
    source = io.BytesIO(data)
    reader = StreamReader(source, key, read_line(source, "it"), "it")
    found = b""
    while not reader.at_end():
        found += reader.exactly(1)
        found += reader.exactly(min(len(reader._plain), 1 << 20))
    return found


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 2 * CHUNK_BYTES + 5), max_size=4))
def test_what_was_written_in_any_pieces_is_read(sizes: list[int]) -> None:
    pieces = [bytes([number % 251]) * size for number, size in enumerate(sizes)]
    target = io.BytesIO()
    writer = StreamWriter(target, KEY, LINE)
    for piece in pieces:
        writer.write(piece)
    writer.close()
    assert opened(target.getvalue()) == b"".join(pieces)


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1])
def test_a_full_chunk_may_be_the_last(size: int) -> None:
    data = sealed(bytes(size))
    assert opened(data) == bytes(size)
    chunks = max(1, -(-size // CHUNK_BYTES))
    assert len(data) == len(LINE) + size + chunks * TAG_BYTES


def test_reader_and_writer_tell_the_same_size_and_digest() -> None:
    target = io.BytesIO()
    writer = StreamWriter(target, KEY, LINE)
    writer.write(bytes(CHUNK_BYTES + 9))
    writer.close()
    source = io.BytesIO(target.getvalue())
    reader = StreamReader(source, KEY, read_line(source, "it"), "it")
    reader.exactly(CHUNK_BYTES + 9)
    assert reader.at_end()
    assert (reader.size, reader.digest) == (writer.size, writer.digest)


def refused(data: bytes, key: bytes = KEY) -> str:
    with pytest.raises(SiteProblem) as problem:
        opened(data, key)
    return problem.value.message


def chunks(data: bytes) -> list[bytes]:
    rest = data[len(LINE) :]
    return [rest[start : start + BOX] for start in range(0, len(rest), BOX)]


THREE = sealed(bytes(2 * CHUNK_BYTES + 100))


def test_every_flipped_byte_of_a_short_file_is_noticed() -> None:
    short = sealed(b"a person's key")
    for place in range(len(short)):
        altered = bytearray(short)
        altered[place] ^= 1
        refused(bytes(altered))


@pytest.mark.parametrize("cut", [1, 100, 100 + TAG_BYTES, BOX, len(THREE) - len(LINE)])
def test_a_file_that_was_cut_off_is_noticed_even_between_chunks(cut: int) -> None:
    assert "cut off" in refused(THREE[:-cut])


def test_chunks_in_another_order_are_noticed() -> None:
    first, second, third = chunks(THREE)
    assert "Chunk 0" in refused(LINE + second + first + third)


def test_a_chunk_that_is_left_out_or_repeated_is_noticed() -> None:
    first, second, third = chunks(THREE)
    assert "Chunk 1" in refused(LINE + first + third)
    assert "Chunk 1" in refused(LINE + first + first + second + third)
    assert "Chunk 2" in refused(THREE + third)


def test_a_chunk_of_another_file_under_the_same_key_is_noticed() -> None:
    other = sealed(bytes(2 * CHUNK_BYTES + 100), b'{"salt":"two"}\n')
    first, _, third = chunks(THREE)
    assert "Chunk 1" in refused(LINE + first + chunks(other)[1] + third)


def test_another_key_opens_nothing() -> None:
    assert "Chunk 0" in refused(sealed(b"x"), bytes(32))


def test_a_file_without_a_first_line_is_refused() -> None:
    assert "does not begin" in refused(b"no line end")
    assert "does not begin" in refused(b"x" * (MAX_LINE_BYTES + 1) + b"\n")


def test_what_ends_too_early_is_told() -> None:
    source = io.BytesIO(sealed(b"short"))
    reader = StreamReader(source, KEY, read_line(source, "it"), "it")
    with pytest.raises(SiteProblem, match="ends too early"):
        reader.exactly(6)
