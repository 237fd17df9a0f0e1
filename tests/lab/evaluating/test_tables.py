from __future__ import annotations

import csv

import pytest

from bedside.lab.evaluating.tables import csv_text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-cmd", "@SUM(A1)"])
def test_a_text_is_never_a_formula_and_a_number_stays_one(text: str) -> None:
    ((first, number, nothing),) = csv.reader(csv_text([(text, -1.5, None)]).splitlines())
    assert (first, number, nothing) == (f"'{text}", "-1.5", "")
