import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bedside.canonical import Json, canonical_bytes
from bedside.errors import InputRefused, Refusal, UsageError
from bedside.package.fields import CategoryField, NumberField, TabularInput, UnitConversion
from bedside.runtime.gate import MAX_REFUSALS, Gate
from bedside.runtime.table import Table

DECLARED = TabularInput(
    fields=(
        NumberField(
            name="mean radius",
            unit="um",
            minimum=6.0,
            maximum=29.0,
            conversions=(UnitConversion(unit="mm", factor=1000.0),),
        ),
        CategoryField(name="sex", categories=("female", "male")),
        NumberField(name="age", unit="a", minimum=0.0, maximum=120.0, whole=True, missing="allow"),
        CategoryField(name="grade", categories=(1, 2, 3), missing="allow"),
        NumberField(
            name="temperature",
            unit="Cel",
            minimum=30.0,
            maximum=45.0,
            missing="allow",
            conversions=(UnitConversion(unit="[degF]", factor=5 / 9, offset=-160 / 9),),
        ),
        CategoryField(name="scanner", categories=("A",), unknown="allow", missing="allow"),
        NumberField(name="ratio", unit="1", minimum=0.0, maximum=1.0, missing="allow"),
    )
)
GATE = Gate(DECLARED)
GOOD: dict[str, Json] = {"mean radius": 14.2, "sex": "female"}


def pass_one(**changes: Json) -> Table:
    return GATE.check([{**GOOD, **changes}])


def refusals(*rows: Json) -> tuple[Refusal, ...]:
    with pytest.raises(InputRefused) as caught:
        GATE.check(rows)
    return caught.value.refusals


def refused(name: str, value: Json) -> str:
    (refusal,) = refusals({**GOOD, name: value})
    return str(refusal)


def test_a_good_row_becomes_numbers_and_codes() -> None:
    table = GATE.check([{**GOOD, "age": 50, "grade": 2, "temperature": 37.5, "ratio": 0.25}])
    assert table.numbers.dtype == np.float64
    assert table.numbers.tolist() == [[14.2, 50.0, 37.5, 0.25]]
    assert table.codes == (("female",), (2,), (None,))


def test_absent_and_null_are_the_same() -> None:
    absent = pass_one()
    null = pass_one(age=None, grade=None, temperature=None, scanner=None, ratio=None)
    np.testing.assert_array_equal(absent.numbers, null.numbers)
    assert absent.codes == null.codes
    assert np.isnan(absent.numbers[0, 1:]).all()


def test_rows_keep_their_order() -> None:
    table = GATE.check([{**GOOD, "mean radius": radius} for radius in (7, 8.5, 29)])
    assert table.numbers[:, 0].tolist() == [7.0, 8.5, 29.0]
    assert table.rows == 3


@pytest.mark.parametrize("radius", [6, 6.0, 29, 29.0, {"value": 6, "unit": "um"}])
def test_both_ends_of_the_range_belong_to_it(radius: Json) -> None:
    pass_one(**{"mean radius": radius})


def test_a_unit_is_converted_where_the_manifest_says_how() -> None:
    table = pass_one(
        **{"mean radius": {"value": 0.0142, "unit": "mm"}},
        temperature={"value": 98.6, "unit": "[degF]"},
    )
    assert table.numbers[0, 0] == 0.0142 * 1000.0
    assert math.isclose(table.numbers[0, 2], 37.0)


def test_a_missing_value_may_be_sent_with_its_unit() -> None:
    assert np.isnan(pass_one(temperature={"value": None, "unit": "[degF]"}).numbers[0, 2])


def test_a_whole_number_may_be_written_as_a_float() -> None:
    table = pass_one(age=50.0, grade=2.0)
    assert (table.numbers[0, 1], table.codes[1]) == (50.0, (2,))
    assert type(table.codes[1][0]) is int


def test_a_code_that_training_never_saw_passes_where_that_is_declared() -> None:
    assert pass_one(scanner="B").codes[2] == ("B",)


# Every code of refusal, with its whole message.


def test_an_unknown_field_is_refused_and_the_meant_one_is_named() -> None:
    assert refused("mean_radius", 14.2) == (
        "'mean_radius': unknown-field: got 14.2; allowed: only the 7 declared fields; perhaps "
        "'mean radius' is meant"
    )
    assert refused("height", "tall") == (
        "'height': unknown-field: got 'tall'; allowed: only the 7 declared fields"
    )


def test_a_missing_value_is_refused_where_it_must_not_be() -> None:
    assert refused("mean radius", None) == (
        "'mean radius': missing: it was not sent; allowed: a number from 6 to 29 in um (mm is converted)"
    )
    assert (
        refused("sex", None) == "'sex': missing: it was not sent; allowed: one of 'female', 'male'"
    )


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("14.2", "'14.2'"),
        (True, "true"),
        ([14.2], "a list of 1 value"),
        ({}, "an object of 0 names"),
        ({"value": 14.2}, "an object of 1 name"),
        ({"value": "14.2", "unit": "um"}, "'14.2' in 'um'"),
        ({"value": True, "unit": "um"}, "true in 'um'"),
        ({"value": 14.2, "unit": "um", "by": "me"}, "an object of 3 names"),
    ],
)
def test_something_else_than_a_number_is_refused(value: Json, told: str) -> None:
    assert refused("mean radius", value) == (
        f"'mean radius': wrong-type: got {told}; allowed: a number from 6 to 29 in um (mm is converted)"
    )


def test_a_fraction_is_refused_where_whole_numbers_are_declared() -> None:
    assert refused("age", 50.5) == (
        "'age': wrong-type: got 50.5 in a; allowed: a whole number from 0 to 120 in a, or missing "
        "(null)"
    )


@pytest.mark.parametrize("value", [1, True, 1.5, ["female"], {"value": 1, "unit": "1"}])
def test_something_else_than_text_is_refused_for_a_text_code(value: Json) -> None:
    assert refused("sex", value).startswith("'sex': wrong-type: got ")


@pytest.mark.parametrize("value", ["1", True, 1.5, float("inf"), float("nan"), [1]])
def test_something_else_than_a_whole_number_is_refused_for_a_whole_code(value: Json) -> None:
    message = refused("grade", value)
    assert message.startswith("'grade': wrong-type: got ")
    assert message.endswith("; allowed: one of 1, 2, 3, or missing (null)")


def test_a_unit_without_a_declared_conversion_is_refused() -> None:
    assert refused("mean radius", {"value": 1.4, "unit": "cm"}) == (
        "'mean radius': wrong-unit: got 1.4 in 'cm'; allowed: a number from 6 to 29 in um (mm is converted)"
    )
    assert refused("mean radius", {"value": 1.4, "unit": None}).startswith(
        "'mean radius': wrong-unit: got 1.4 in null"
    )


def test_a_value_out_of_range_is_refused() -> None:
    assert refused("mean radius", 29.5) == (
        "'mean radius': out-of-range: got 29.5 in um; allowed: a number from 6 to 29 in um (mm is converted)"
    )
    assert refused("ratio", -1) == (
        "'ratio': out-of-range: got -1; allowed: a number from 0 to 1, or missing (null)"
    )


def test_the_range_is_checked_after_conversion_and_both_values_are_told() -> None:
    assert refused("mean radius", {"value": 14.2, "unit": "mm"}) == (
        "'mean radius': out-of-range: got 14.2 in mm (= 14200 in um); allowed: a number from 6 to "
        "29 in um (mm is converted)"
    )


@pytest.mark.parametrize(
    "value",
    [10**30, 10**400, -(10**5000), 1e308, {"value": 1e308, "unit": "mm"}],
    ids=["30 digits", "400", "5000", "near the largest float", "the same in mm"],
)
def test_numbers_beyond_all_measure_are_out_of_range(value: Json) -> None:
    message = refused("mean radius", value)
    assert message.startswith("'mean radius': out-of-range: got ")
    assert len(message) < 200


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_refused(value: float) -> None:
    assert refused("mean radius", value) == (
        f"'mean radius': not-finite: got {value} in um; allowed: a number from 6 to 29 in um (mm is "
        "converted)"
    )


def test_an_unknown_category_is_refused() -> None:
    assert refused("sex", "Female") == (
        "'sex': unknown-category: got 'Female'; allowed: one of 'female', 'male'; perhaps "
        "'female' is meant"
    )
    assert refused("grade", 4) == (
        "'grade': unknown-category: got 4; allowed: one of 1, 2, 3, or missing (null)"
    )


@pytest.mark.parametrize("code", ["x" * 201, "\ud800"])
def test_a_code_that_cannot_be_recorded_is_refused_even_where_unknown_ones_pass(code: str) -> None:
    assert refused("scanner", code).endswith(
        "; allowed: a code that is text of at most 200 characters, none of them invisible, or "
        "missing (null)"
    )


@pytest.mark.parametrize("code", ["A ", "a", "\uff21", "A\x00", "\x00", "A\u200b", "\u200e"])
def test_a_code_that_looks_like_a_declared_one_is_no_unknown_code(code: str) -> None:
    assert refused("scanner", code).startswith("'scanner': unknown-category: got ")


def test_a_misspelt_code_is_told_the_one_that_is_meant() -> None:
    assert refused("scanner", "a ").endswith("; perhaps 'A' is meant")


def test_a_code_of_letters_that_print_alike_is_shown_escaped() -> None:
    assert "got 'm\\u0430le'; allowed" in refused("sex", "m\u0430le")
    assert "got '男'; allowed" in refused("sex", "男")


@pytest.mark.parametrize("row", [None, [], "row", 5, True])
def test_a_row_that_is_no_object_is_refused(row: Json) -> None:
    (refusal,) = refusals(row)
    assert (refusal.row, refusal.code) == (0, "wrong-type")
    assert refusal.allowed == "an object of named fields"


def test_no_row_at_all_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="There is no row to predict"):
        GATE.check([])


def test_every_reason_of_every_row_is_told_at_once() -> None:
    found = refusals(
        {"mean radius": 50, "sex": "x", "age": "old"}, GOOD, 7, {**GOOD, "stray": 1, "ratio": 2}
    )
    assert [(one.row, one.field, one.code) for one in found] == [
        (0, "mean radius", "out-of-range"),
        (0, "age", "wrong-type"),
        (0, "sex", "unknown-category"),
        (2, "", "wrong-type"),
        (3, "stray", "unknown-field"),
        (3, "ratio", "out-of-range"),
    ]


def test_a_hostile_request_gets_a_message_that_ends() -> None:
    found = refusals(*({"x" * 10_000: "y" * 10_000} for _ in range(1000)))
    assert len(found) == MAX_REFUSALS
    assert len(str(InputRefused(found))) < MAX_REFUSALS * 500


def test_many_unknown_fields_in_one_row_are_bounded_too() -> None:
    assert len(refusals({str(number): number for number in range(10_000)})) == MAX_REFUSALS


def test_many_categories_are_shortened_in_the_message() -> None:
    many = CategoryField(name="site", categories=tuple(f"C{n}" for n in range(500)))
    with pytest.raises(InputRefused, match=r"'C10', 'C11', … \(500 in all\)"):
        Gate(TabularInput(fields=(many,))).check([{"site": "nowhere"}])


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([6, 29, 14.2, "female", "male", 1, 2, "um", "mm", 10**400])
    | st.text(alphabet=st.characters(categories=["Cs", "Cc", "Lo"]), max_size=5)
)
names = st.sampled_from([*(field.name for field in DECLARED.fields), "value", "unit"]) | st.text(
    max_size=5
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=10,
)


@example([{"mean radius": 14.2, "sex": "female"}])
@given(st.lists(anything | st.dictionaries(names, anything, max_size=8), min_size=1, max_size=4))
def test_anything_sent_is_either_a_table_or_refused_with_reasons(rows: list[Json]) -> None:
    try:
        table = GATE.check(rows)
    except InputRefused as refused_input:
        told = [f"{one.field} {one}" for one in refused_input.refusals]
        canonical_bytes(told)  # a door can always write the reasons as JSON
    else:
        assert table.numbers.shape == (len(rows), 4)
        assert [len(column) for column in table.codes] == [len(rows)] * 3
        assert not np.isinf(table.numbers).any()


def test_a_model_of_codes_alone_has_a_table_without_numbers() -> None:
    gate = Gate(TabularInput(fields=(CategoryField(name="sex", categories=("f", "m")),)))
    table = gate.check([{"sex": "f"}, {"sex": "m"}])
    assert (table.numbers.shape, table.codes) == ((2, 0), (("f", "m"),))
