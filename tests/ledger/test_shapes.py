"""A known shape never lets through what a full check refuses."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bedside.canonical import Json, canonical_bytes
from bedside.errors import LedgerBroken
from bedside.ledger import shapes as module
from bedside.ledger.form import NOT_PLAIN, read_fields
from bedside.ledger.shapes import Fields, Shapes
from bedside.ledger.stretch import _without_boxes

AT = "2026-11-21T08:00:00.000000Z"
SEALED = {"box": "QUJD" * 9, "key": "k-1", "nonce": "AAAA"}
BODIES: tuple[dict[str, Json], ...] = (
    {},
    {"epoch": 1, "threshold": 0.4567, "row": -3, "flags": ["a", "b"], "ok": True, "none": None},
    {"x": [1, 2.5, {"b": "", "a": [0]}], "é": "日本語", "box": "not this one"},
    {"n": 123456789012345, "m": 1e-7, "big": 1e22, "zero": 0},
)


def event(body: Json, **other: Json) -> bytes:
    fields = {
        "v": 1,
        "id": "01933a2f-7000-7000-8000-000000000000",
        "kind": "prediction",
        "about": "m@1",
        "at": AT,
        "actor": "p",
        "credential": "",
        "door": "rest",
        "body": body,
        "sealed": None,
    }
    return canonical_bytes(fields | other)


EVENTS = tuple(event(body, sealed=sealed) for body in BODIES for sealed in (None, SEALED))


def learned() -> Shapes:
    shapes = Shapes()
    for one in EVENTS:
        read_fields(0, one, shapes)
    return shapes


def in_full(data: bytes) -> Fields | None:
    try:
        return read_fields(0, data, Shapes())  # which knows nothing
    except LedgerBroken:
        return None


def is_plain(data: bytes) -> bool:
    return len(data.translate(None, NOT_PLAIN)) == len(data)


edits = st.lists(
    st.tuples(
        st.integers(0, 600),
        st.integers(0, 3),
        st.sampled_from(
            [*'{}[]",:.-+0123456789eE truefalsn', '"a":', "1.0", "0.50", "-0", '"",', "é", "\u2028"]
        ),
    ),
    min_size=1,
    max_size=4,
)


@given(st.sampled_from(EVENTS), edits)
@example(EVENTS[1], [(0, 0, " ")])
def test_what_a_shape_lets_through_a_full_check_lets_through(
    one: bytes, changes: list[tuple[int, int, str]]
) -> None:
    text = one.decode()
    for place, left_out, put_in in changes:
        text = text[:place] + put_in + text[place + left_out :]
    found = learned().fields(text) if is_plain(text.encode()) else None
    if found is not None:
        assert in_full(text.encode()) == Fields(*found)
    if text.isascii() and is_plain(text.encode()):
        for shortened in _without_boxes([text.encode(), one, text.encode()])[::2]:
            found = learned().fields(shortened.decode())
            assert found is None or in_full(text.encode()) == Fields(*found)


@pytest.mark.parametrize("one", EVENTS)
def test_an_event_of_a_known_shape_is_known(one: bytes) -> None:
    expected = Fields("m@1", AT, "01933a2f-7000-7000-8000-000000000000", "prediction")
    assert in_full(one) == expected
    odd = b"e+22" in one  # a number that is spelled with an exponent is looked at in full each time
    assert learned().fields(one.decode()) == (None if odd else expected)
    assert read_fields(0, one, learned()) == expected


def test_other_texts_and_numbers_have_the_same_shape() -> None:
    shapes = Shapes()
    read_fields(0, event(BODIES[1]), shapes)
    for epoch, threshold in ((0, -0.5), (-1, 12345.678), (999999999999999, 0.00001)):
        body = BODIES[1] | {"epoch": epoch, "threshold": threshold}
        assert shapes.fields(event(body, id="another", about="日本").decode())
    for spelled in (b'"epoch":01', b'"epoch":1.0', b'"epoch":-0', b'"epoch":1e0', b'"epoch":"1"'):
        assert shapes.fields(event(BODIES[1]).replace(b'"epoch":1', spelled).decode()) is None
    for spelled in (b"0.45670", b".4567", b"0.4567000000000000001", b"1", b"0.45e0"):
        assert shapes.fields(event(BODIES[1]).replace(b"0.4567", spelled).decode()) is None


def test_a_time_of_another_form_is_not_let_through() -> None:
    shapes = learned()
    for at in ("2026-11-21T08:00:00Z", "x", AT + " ", AT.lower(), "２026-11-21T08:00:00.000000Z"):
        assert shapes.fields(event({}, at=at).decode()) is None


def test_a_known_shape_says_nothing_of_another_version() -> None:
    shapes = learned()
    for version in (0, 2, -1, 10, 11, 1.5, "1", True, None):
        other = event({}, v=version)
        assert shapes.fields(other.decode()) is None
        assert shapes.fields_of_lines(other.decode(), 1) is None
        with pytest.raises(LedgerBroken, match="the fields of version 1"):
            read_fields(0, other, shapes)


def test_it_remembers_so_many_shapes_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SHAPES", 3)
    shapes = Shapes()
    for number in range(10):
        read_fields(0, event({f"m{number}": 1}), shapes)
    assert [shapes.fields(event({f"m{number}": 1}).decode()) is None for number in range(10)] == [
        *[True] * 7,
        *[False] * 3,
    ]
