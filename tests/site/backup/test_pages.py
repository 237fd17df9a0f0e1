from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.errors import SiteProblem
from bedside.site.backup.pages import Shape, decode_page, encode_page, rows_in

SHAPE = Shape("t", (("n", "integer"), ("s", "text"), ("b", "bytes")))
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.text(st.characters(exclude_categories=["Cs"])),
        st.none() | st.binary(),
    ),
    max_size=20,
)


@given(ROWS)
def test_rows_come_back_as_they_were(
    rows: list[tuple[int | None, str | None, bytes | None]],
) -> None:
    page = encode_page(SHAPE, rows)
    assert decode_page(SHAPE, page) == rows
    assert rows_in(page) == len(rows)


def test_nothing_is_not_an_empty_text_or_zero() -> None:
    rows = [(None, None, None), (0, "", b"")]
    assert decode_page(SHAPE, encode_page(SHAPE, rows)) == rows


@pytest.mark.parametrize("row", [("1", "s", b""), (1, b"s", b""), (1, "s", "b"), (1.0, "s", b"")])
def test_a_value_of_another_kind_is_named_with_its_column(row: tuple[object, ...]) -> None:
    with pytest.raises(SiteProblem, match=r"t\.[nsb] holds a value of type"):
        encode_page(SHAPE, [row])


@given(ROWS, st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_page_is_refused_or_still_a_page(
    rows: list[tuple[int | None, str | None, bytes | None]], place: int, value: int
) -> None:
    page = bytearray(encode_page(SHAPE, rows))
    page[place % len(page)] = value
    with contextlib.suppress(SiteProblem):
        decode_page(SHAPE, bytes(page))


def test_a_page_of_more_or_fewer_bytes_is_refused() -> None:
    page = encode_page(SHAPE, [(1, "a", b"b")])
    for wrong in (page[:-1], page + b"x", b"", b"\xff\xff\xff\xff" + page[4:]):
        with pytest.raises(SiteProblem, match="damaged"):
            decode_page(SHAPE, wrong)


def test_a_shape_is_written_and_read() -> None:
    assert Shape.read(SHAPE.document()) == SHAPE


def test_a_kind_of_column_that_is_not_known_is_refused() -> None:
    with pytest.raises(SiteProblem, match="real"):
        Shape.read({"table": "t", "columns": [["x", "real"]]})
    with pytest.raises(SiteProblem, match="not described"):
        Shape.read({"columns": 3})
