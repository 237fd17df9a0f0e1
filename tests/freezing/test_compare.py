from __future__ import annotations

from collections.abc import Sequence

import pytest
from sklearn.linear_model import LogisticRegression

from bedside.errors import FreezeRefused
from bedside.freezing.compare import compare
from bedside.freezing.comparison import Comparison
from bedside.freezing.domain import Group
from bedside.freezing.frames import NativeTable
from bedside.freezing.rows import RawRow
from bedside.freezing.sklearn.columns import Step
from bedside.freezing.sources.estimator import NativeModel
from bedside.runtime.postprocess import Answer
from tests.freezing.building import AGE, SODIUM, clinic, outcome, spec_for

SPEC = spec_for(AGE, {**SODIUM, "missing": "allow"})
ROWS: tuple[RawRow, ...] = tuple({"age": age, "sodium": 140.0} for age in range(40, 80))


def native() -> NativeModel:
    frame = clinic(gaps=False)[["age", "sodium"]]
    model = LogisticRegression(max_iter=5000).fit(frame, outcome(clinic(gaps=False)))
    table = NativeTable.like(frame, SPEC.fields, ("age", "sodium"))
    return NativeModel(model, table, SPEC.output, Step(model, "'last'"))


def off_by(difference: float, rows: Sequence[RawRow]) -> list[Answer]:
    """Answers of a conversion that is wrong by `difference`."""
    answers = []
    for (well, ill), label in zip(
        native()(rows, "").scores, native()(rows, "").labels, strict=True
    ):
        answers.append(Answer(label, {"well": well - difference, "ill": ill + difference}, 0.37))
    return answers


def refusal(group: Group, difference: float) -> str:
    with pytest.raises(FreezeRefused) as caught:
        compare(native(), lambda rows: off_by(difference, rows), (group,), 1e-5, None)
    return str(caught.value)


def test_an_inexact_conversion_is_refused_by_name_with_its_five_worst_cases() -> None:
    message = refusal(Group("your data", ROWS), 0.01)
    assert message.startswith(
        "LogisticRegression (step 'last'): the frozen model differs from the native one on 40 of "
        "40 compared rows, by up to 0.01 (allowed 1e-05)"
    )
    assert message.count("    native ") == message.count("    frozen ") == 5
    assert '{"age":' in message
    assert "The conversion of LogisticRegression with these parameters is not exact" in message


def test_a_difference_on_unknown_codes_alone_is_told_as_such() -> None:
    message = refusal(Group("an unknown code", ROWS, unknown=True), 0.01)
    assert 'declare unknown = "refuse"' in message


def test_a_difference_within_the_tolerance_is_reported_and_added_up() -> None:
    group = Group("your data", ROWS)
    one = compare(native(), lambda rows: off_by(1e-7, rows), (group,), 1e-5, None)
    assert one.largest == pytest.approx(1e-7, rel=1e-6)
    two = one.and_also(Comparison(2, 0.5, 1e-5, (("more", 2, 0.5),)))
    assert (two.rows, two.largest, len(two.groups)) == (42, 0.5, 2)
