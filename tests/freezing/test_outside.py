from __future__ import annotations

import math

import pytest

from bedside.canonical import Json
from bedside.errors import FreezeRefused
from bedside.freezing.outside import refuse_outside
from tests.freezing.building import AGE, CREATININE, SITE, SODIUM, STAGE, fields_of

CLOSED_SITE = {**SITE, "unknown": "refuse", "missing": "refuse"}


def refusal(field: dict[str, Json], *values: Json) -> str:
    with pytest.raises(FreezeRefused) as caught:
        refuse_outside([{field["name"]: value} for value in values], fields_of(field))
    return str(caught.value)


def test_rows_inside_the_domain_pass() -> None:
    refuse_outside([{"age": 50, "creatinine": None}], fields_of(AGE, CREATININE))


def test_many_rows_with_the_same_fault_are_told_once_with_the_farthest() -> None:
    assert refusal(SODIUM, 140, 201, 230.5, *[210] * 200) == (
        "Your own data lies outside the declared domain: 'sodium': 202 of 203 rows above 200, "
        "largest 230.5 (row 2). Widen the declared range, or take these rows out."
    )


def test_values_that_look_scaled_are_asked_about() -> None:
    message = refusal(SODIUM, -1.5, 0.3, 1.2)
    assert "3 of 3 rows below 90, smallest -1.5 (row 0)" in message
    assert "Give the raw data if this is already scaled" in message


def test_a_missing_value_an_infinity_a_fraction_and_a_huge_number_are_named() -> None:
    assert 'allow missing values (missing = "allow")'.capitalize()[:5] in refusal(SODIUM, None)
    assert "largest inf (row 1)" in refusal(SODIUM, 140.0, math.inf)
    assert "1 of 2 rows are no whole number (row 1)" in refusal(AGE, 50, 50.5)
    assert "an integer of 1329 bits" in refusal(SODIUM, 10**400)


def test_an_unknown_code_is_counted_and_to_be_declared() -> None:
    message = refusal(CLOSED_SITE, "left", "top", "top", "bottom")
    assert (
        "3 of 4 rows have a code that is not declared: 'top', 'bottom' (first in row 1)" in message
    )
    assert message.endswith("Declare the code, or take these rows out.")
    assert "[1, 2, 3]" not in refusal(STAGE, 4)


def test_a_code_that_looks_like_a_declared_one_is_told_which() -> None:
    assert "perhaps 'left' is meant. Correct the code" in refusal(SITE, "left ")


def test_every_field_is_told_whatever_the_order_of_the_rows() -> None:
    rows = [{"age": 200, "sodium": 1.0}] * 500
    with pytest.raises(FreezeRefused, match=r"'age': 500 of 500.*'sodium': 500 of 500"):
        refuse_outside(rows, fields_of(AGE, SODIUM))
