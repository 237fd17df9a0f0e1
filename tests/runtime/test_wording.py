import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.canonical import Json, canonical_bytes
from bedside.runtime.wording import MAX_SHOWN, number, printable, shown


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (5.0, "5"),
        (0.1, "0.1"),
        (10**400, "an integer of 1329 bits"),
        ("it's", '"it\'s"'),
        ("\ud800", "'\\ud800'"),
        ([1, [2]], "a list of 2 values"),
        ({"a": 1}, "an object of 1 name"),
        ({"value": 5, "unit": "mm"}, "5 in 'mm'"),
        ({"value": 50, "unit": None}, "50 in null"),
        ([1], "a list of 1 value"),
        (b"bytes", "a value of type bytes"),
    ],
)
def test_a_value_is_shown_as_a_person_would_write_it(value: Json, told: str) -> None:
    assert shown(value) == told


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("x" * 10**6),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("unit"), inner),
    max_leaves=10,
)


@given(anything)
def test_whatever_is_sent_is_shown_shortly_and_can_be_written(value: Json) -> None:
    assert 0 < len(shown(value)) <= MAX_SHOWN
    canonical_bytes(shown(value))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_shown_number_reads_back_as_itself(value: float) -> None:
    assert float(number(value)) == value


def test_printable_text_is_bounded_and_has_no_lone_surrogate() -> None:
    assert printable("a\udfff") == "a\\udfff"
    assert printable("x" * 1000) == "x" * 200
