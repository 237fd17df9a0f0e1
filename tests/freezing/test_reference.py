from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.canonical import Json
from bedside.errors import FreezeRefused
from bedside.freezing.reference import reference_row
from bedside.package.explanation import Contributions, check_explanation
from bedside.package.fields import CategoryField, InputField, NumberField, TabularInput
from tests.freezing.building import clinic
from tests.package.building import BINARY
from tests.runtime.explain.building import FIELDS, rows_of

AGE = NumberField(name="age", unit="a", minimum=0.0, maximum=120.0, whole=True)
DOSE = NumberField(name="dose", unit="mg", minimum=0.0, maximum=10.0, missing="allow")
SEX = CategoryField(name="sex", categories=("female", "male"))


def rows(*values: Json) -> list[dict[str, Json]]:
    return [dict(zip(("age", "dose", "sex"), row, strict=False)) for row in values]


def test_it_is_the_median_of_numbers_rounded_and_the_most_frequent_code() -> None:
    data = rows((30, 1.0, "male"), (41, 1.23456, "male"), (50, 2.0, "female"), (51, None, "male"))
    assert reference_row((AGE, DOSE, SEX), data) == {"age": 46, "dose": 1.235, "sex": "male"}


def test_of_equally_frequent_codes_the_first_declared_one_is_taken() -> None:
    data = rows((30, 1.5, "male"), (40, 2.5, "female"))
    assert reference_row((AGE, DOSE, SEX), data)["sex"] == "female"


def test_a_field_without_any_value_is_missing_where_it_may_be() -> None:
    data = rows((30, None, None), (40, None, None))
    code = CategoryField(name="sex", categories=("female", "male"), missing="allow")
    assert reference_row((AGE, DOSE, code), data) == {"age": 35, "dose": None, "sex": None}
    there = DOSE.model_copy(update={"missing": "refuse"})
    assert reference_row((AGE, there, SEX), data) == {"age": 35, "dose": 5.0, "sex": "female"}


def test_a_median_beyond_a_declared_range_is_moved_into_it() -> None:
    narrow = NumberField(name="dose", unit="mg", minimum=2.0, maximum=3.0)
    assert reference_row((AGE, narrow), rows((30, 1.0), (41, 1.0)))["dose"] == 2.0


def test_somebodys_row_is_moved_by_as_little_as_a_number_can_be() -> None:
    data = rows((40, 1.0, "male"), (40, 1.0, "male"), (40, 1.0, "male"))
    assert reference_row((DOSE, SEX), [{"dose": 1.0, "sex": "male"}]) == {
        "dose": 1.001,
        "sex": "male",
    }
    assert reference_row((AGE, DOSE, SEX), data) == {"age": 41, "dose": 1.0, "sex": "male"}


def test_the_row_of_five_people_describes_none_of_them() -> None:
    data = rows(*[(40, 1.0, "male")] * 5)
    assert reference_row((AGE, DOSE, SEX), data) == data[0]


def test_another_code_is_taken_where_there_is_no_number() -> None:
    only = [{"sex": "male"}]
    assert reference_row((SEX,), only) == {"sex": "female"}


def test_it_is_refused_where_every_row_is_somebodys() -> None:
    with pytest.raises(FreezeRefused, match=r"nobody's.*State explanation\.reference"):
        reference_row((SEX,), [{"sex": "male"}, {"sex": "female"}])


@given(st.integers(1, 40), st.integers(0, 1000))
def test_it_is_inside_the_domain_and_nobodys(patients: int, seed: int) -> None:
    fields: tuple[InputField, ...] = FIELDS
    data = rows_of(clinic(patients, seed))
    reference = reference_row(fields, data)
    assert reference not in data
    explanation = Contributions(
        method="linear", scale="logit", reference=reference, permutations=4, passes=23
    )
    check_explanation(explanation, TabularInput(fields=fields), BINARY)
