from __future__ import annotations

import json

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from bedside.canonical import Json
from bedside.errors import InputRefused
from bedside.package.fields import CategoryField, NumberField, TabularInput, UnitConversion
from bedside.runtime.gate import Gate
from bedside.runtime.plain_gate import PlainGate
from bedside.runtime.table import Table

DECLARED = TabularInput(
    fields=(
        NumberField(
            name="radius",
            unit="um",
            minimum=6.0,
            maximum=29.0,
            conversions=(UnitConversion(unit="mm", factor=1000.0),),
        ),
        CategoryField(name="sex", categories=("female", "male")),
        NumberField(name="age", unit="a", minimum=0.0, maximum=120.0, whole=True, missing="allow"),
        CategoryField(name="grade", categories=(0, 1, 2), missing="allow", unknown="allow"),
        NumberField(name="count", unit="1", minimum=-1e300, maximum=1e300),
    )
)
GATE, PLAIN = Gate(DECLARED), PlainGate(DECLARED)
GOOD: dict[str, Json] = {"radius": 14.5, "sex": "male", "age": 50, "grade": 1, "count": -7}


def same(one: Table, other: Table) -> bool:
    return (
        one.numbers.shape == other.numbers.shape
        and one.numbers.tobytes() == other.numbers.tobytes()
        and one.codes == other.codes
        and [list(map(type, column)) for column in one.codes]
        == [list(map(type, column)) for column in other.codes]
    )


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(0, 60)
    | st.floats()
    | st.floats(6, 29)
    | st.sampled_from(["female", "male", "Male", "14.5", "", "1"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["value", "unit"]), inner)
    ),
    max_leaves=3,
)
nearly_good = st.fixed_dictionaries(
    {},
    optional={
        "radius": st.floats(5, 30) | anything,
        "sex": st.sampled_from(["female", "male"]) | anything,
        "age": st.integers(-1, 121) | anything,
        "grade": st.integers(-1, 3) | anything,
        "count": st.floats(-10, 10) | st.integers() | anything,
        "other": anything,
    },
)


@given(st.lists(nearly_good | anything, max_size=5))
@example([GOOD, {**GOOD, "age": True}, {**GOOD, "grade": False}, {**GOOD, "grade": 1.0}])
@example([{**GOOD, "radius": "14.5"}, GOOD, {**GOOD, "count": 10**400}, {**GOOD, "count": 2**60}])
@example([{**GOOD, "age": 50.5}, {**GOOD, "radius": float("nan")}, {**GOOD, "sex": ["male"]}])
@example([])
def test_a_plain_row_passes_the_gate_with_the_same_table(rows: list[Json]) -> None:
    places, table = PLAIN.sift(rows)
    assert table.rows == len(places)
    if places:
        assert same(table, GATE.check([rows[place] for place in places]))


@given(st.lists(nearly_good, min_size=1, max_size=4))
def test_what_the_gate_refuses_is_never_plain(rows: list[Json]) -> None:
    places, _ = PLAIN.sift(rows)
    for place, row in enumerate(rows):
        try:
            GATE.check([row])
        except InputRefused:
            assert place not in places


def test_the_rows_that_systems_send_are_plain() -> None:
    sent = json.loads(json.dumps([GOOD, {**GOOD, "radius": 7, "age": 3.0, "grade": 0}] * 3))
    places, table = PLAIN.sift(sent)
    assert places == [0, 1, 2, 3, 4, 5]
    assert table.numbers.dtype == np.float64


def test_one_row_that_is_not_plain_leaves_the_others_alone() -> None:
    rows = [GOOD, {**GOOD, "radius": 5.0}, {**GOOD, "radius": {"value": 0.01, "unit": "mm"}}, GOOD]
    assert PLAIN.sift(rows)[0] == [0, 3]


def test_a_model_of_codes_alone_and_one_of_numbers_alone() -> None:
    codes = PlainGate(TabularInput(fields=(CategoryField(name="sex", categories=("f", "m")),)))
    assert codes.sift([{"sex": "f"}, {"sex": "x"}])[0] == [0]
    numbers = PlainGate(
        TabularInput(fields=(NumberField(name="x", unit="1", minimum=0.0, maximum=1.0),))
    )
    places, table = numbers.sift([{"x": 2}, {"x": 1}])
    assert (places, table.numbers.tolist(), table.codes) == ([1], [[1.0]], ())
