from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from bedside.canonical import Json
from bedside.errors import LimitExceeded, PackageRefused
from bedside.package.fields import TabularInput
from bedside.package.outputs import MulticlassOutput, NumberOutput, OutputClass
from bedside.runtime.explain.contributions import adds_up, contributions, plain_rows
from bedside.runtime.gate import Gate
from bedside.runtime.postprocess import Answer
from tests.freezing.building import clinic
from tests.package.building import FIELDS as SMALL
from tests.runtime.explain.building import (
    BINARY,
    FIELDS,
    REFERENCE,
    Row,
    answering,
    declared,
    fitted,
    logit,
    rows_of,
    shapley,
)

Answering = Callable[[Sequence[Json]], Sequence[Answer]]
RATE = NumberOutput(name="rate", unit="1")
PATIENTS = rows_of(clinic(24, seed=5))
"""Some lack a creatinine or a site."""


def valued(function: Callable[[Row], float]) -> Answering:
    """Answers with one number, of any function of a row."""
    return lambda rows: [
        Answer(None, {"rate": float(function(row))}, None, "1", {}) for row in rows
    ]


def probable(function: Callable[[Row], float]) -> Answering:
    """Binary answers with any function of a row as the positive probability."""

    def answer(rows: Sequence[Json]) -> list[Answer]:
        probabilities = [function(row) for row in rows]
        return [Answer("ill", {"well": 1 - p, "ill": p}, 0.37) for p in probabilities]

    return answer


def ill(answer: Answering) -> Callable[[Sequence[Row]], list[float]]:
    return lambda rows: [one.scores["ill"] for one in answer(rows)]


def ill_on_the_logit(
    answer: Answering, clip: float = 1e-9
) -> Callable[[Sequence[Row]], list[float]]:
    return lambda rows: [logit(min(max(p, clip), 1 - clip)) for p in ill(answer)(rows)]


class TestALinearModel:
    MODEL = fitted(LogisticRegression(max_iter=1000))

    def test_each_field_adds_its_coefficients_times_its_columns_less_those_of_the_reference(
        self,
    ) -> None:
        prepare, line = self.MODEL[0], self.MODEL[1]
        names = [name.split("__")[1] for name in prepare.get_feature_names_out()]
        frame = clinic(24, seed=5)[list(REFERENCE)]
        reference = frame.iloc[:1].assign(**REFERENCE)
        added = line.coef_[0] * (prepare.transform(frame) - prepare.transform(reference))
        told = contributions(declared("linear"), BINARY, PATIENTS, answering(self.MODEL))
        for one, columns in zip(told, added, strict=True):
            for field, value in one.contributions.items():
                own = [c for n, c in zip(names, columns, strict=True) if field in n.split("_")]
                assert value == pytest.approx(sum(own), abs=1e-9)

    def test_it_costs_one_pass_for_each_field_and_two_more(self) -> None:
        explanation = declared("linear")
        row = {"age": 71, "creatinine": None, "sodium": 133.0, "site": "left", "stage": 3}
        told = contributions(explanation, BINARY, [row], answering(self.MODEL))[0]
        assert told.passes == 7
        assert set(told.errors.values()) == {0.0}

    def test_it_agrees_with_shapley_values_over_every_coalition(self) -> None:
        answer = answering(self.MODEL)
        told = contributions(declared("linear"), BINARY, PATIENTS[:4], answer)
        for one, row in zip(told, PATIENTS, strict=False):
            truth = shapley(ill_on_the_logit(answer), row, REFERENCE)
            assert one.contributions == pytest.approx(truth, abs=1e-9)

    def test_a_model_that_does_not_add_up_is_refused_when_declared_linear(self) -> None:
        curved = probable(lambda row: 0.9 if row["age"] > 60 and row["stage"] == 3 else 0.2)
        row = REFERENCE | {"age": 80, "stage": 3}
        assert adds_up(declared("linear"), BINARY, row, curved) is False
        with pytest.raises(PackageRefused, match=r"declared linear, .* 3\.58 away"):
            contributions(declared("linear"), BINARY, [row], curved)

    @pytest.mark.parametrize(("gap", "verdict"), [(0.0009, True), (0.0011, False)])
    def test_a_thousandth_of_the_odds_may_be_left_over_for_rounding(
        self, gap: float, verdict: bool
    ) -> None:
        def nearly(row: Row) -> float:
            both = row["age"] == 80 and row["stage"] == 3
            return 1 / (1 + math.exp(1.0 - (gap if both else 0.0)))

        row = REFERENCE | {"age": 80, "stage": 3}
        assert adds_up(declared("linear"), BINARY, row, probable(nearly)) is verdict

    @pytest.mark.parametrize(("gap", "verdict"), [(0.0019, True), (0.0023, False)])
    def test_of_a_value_a_hundred_thousandth_of_what_is_added_may_be_left_over(
        self, gap: float, verdict: bool
    ) -> None:
        def nearly(row: Row) -> float:
            both = row["age"] == 80 and row["stage"] == 3
            return 100.0 + (gap if both else 0.0)

        row = REFERENCE | {"age": 80, "stage": 3}
        explanation = declared("linear", scale="value", permutations=0)
        assert adds_up(explanation, RATE, row, valued(nearly)) is verdict

    def test_a_probability_beyond_the_clip_is_explained_over_every_coalition(self) -> None:
        def steep(row: Row) -> float:
            return 1 / (1 + math.exp(-(row["age"] - 57) - 2.0 * (row["stage"] - 2)))

        row = REFERENCE | {"age": 90, "stage": 3}
        assert adds_up(declared("linear"), BINARY, row, probable(steep)) is None
        told = contributions(declared("linear"), BINARY, [row], probable(steep))[0]
        end = logit(1 - 1e-9)
        assert told.total == pytest.approx(end)
        assert sum(told.contributions.values()) == pytest.approx(end - told.base)
        assert told.contributions["stage"] == pytest.approx(1.0)  # 2 where it comes first, else 0


@pytest.mark.parametrize(
    "estimator",
    [
        DecisionTreeClassifier(max_depth=4, min_samples_leaf=5, random_state=0),
        RandomForestClassifier(20, max_depth=5, random_state=0),
        GradientBoostingClassifier(n_estimators=30, max_depth=3, random_state=0),
        HistGradientBoostingClassifier(max_iter=20, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_five_fields_are_explained_exactly_whatever_the_model(estimator: BaseEstimator) -> None:
    answer = answering(fitted(estimator))
    gaps = next(row for row in PATIENTS if row["creatinine"] is None)
    for row in (PATIENTS[0], PATIENTS[1], gaps):
        told = contributions(declared(clip=1e-4), BINARY, [row], answer)[0]
        truth = shapley(ill_on_the_logit(answer, 1e-4), row, REFERENCE)
        assert told.contributions == pytest.approx(truth, abs=1e-9)
        assert told.passes <= 32


def test_a_sample_is_as_far_from_exact_as_its_error_says() -> None:
    answer = answering(fitted(GradientBoostingClassifier(n_estimators=30, random_state=0)))
    row: Row = {"age": 80, "creatinine": None, "sodium": 133.0, "site": "left", "stage": 3}
    truth = shapley(ill(answer), row, REFERENCE)
    far, told_errors = [], []
    for seed in range(12):
        explanation = declared(permutations=6, scale="probability", seed=seed)
        one = contributions(explanation, BINARY, [row], answer)[0]
        far.append([one.contributions[name] - truth[name] for name in truth])
        told_errors.append([one.errors[name] for name in truth])
        assert sum(one.contributions.values()) == pytest.approx(one.total - one.base)
        assert one.passes == explanation.passes == 26
    missed = np.sqrt(np.mean(np.square(far)))
    assert 0.5 < missed / np.sqrt(np.mean(np.square(told_errors))) < 1.5
    assert 0 < missed < 0.03


def test_a_field_that_the_model_never_reads_adds_exactly_nothing() -> None:
    answer = probable(lambda row: 1 / (1 + math.exp(-row["age"] * row["stage"] / 60)))
    row = {"age": 80, "creatinine": None, "sodium": 133.0, "site": "left", "stage": 3}
    for permutations in (4, 8):
        told = contributions(declared(permutations=permutations), BINARY, [row], answer)[0]
        for name in ("creatinine", "sodium", "site"):
            assert told.contributions[name] == 0.0


def test_a_field_with_the_references_value_adds_nothing_and_costs_nothing() -> None:
    row = REFERENCE | {"age": 80, "stage": 3}
    told = contributions(declared(), BINARY, [row], answering(TestALinearModel.MODEL))[0]
    assert [name for name, value in told.contributions.items() if value] == ["age", "stage"]
    assert told.passes == 4


def test_the_reference_itself_is_explained_by_nothing() -> None:
    for method in ("linear", "sampled-shapley"):
        told = contributions(
            declared(method), BINARY, [REFERENCE], answering(TestALinearModel.MODEL)
        )[0]
        assert set(told.contributions.values()) == {0.0}
        assert told.total == told.base


def test_an_answer_that_wavers_in_its_last_bit_still_sums_to_nothing_for_the_reference() -> None:
    def wavering(rows: Sequence[Json]) -> list[Answer]:
        return [Answer(None, {"rate": 1.0 + i * 2**-52}, None) for i, _ in enumerate(rows)]

    told = contributions(declared(scale="value"), RATE, [REFERENCE], wavering)[0]
    assert told.total == told.base


def test_a_missing_value_is_a_value_like_any_other() -> None:
    answer = valued(lambda row: 3.0 if row["creatinine"] is None else row["creatinine"])
    explanation = declared(scale="value", reference=REFERENCE | {"creatinine": None})
    told = contributions(explanation, RATE, [REFERENCE], answer)[0]
    assert told.contributions["creatinine"] == pytest.approx(1.18 - 3.0)


def test_the_class_that_is_shown_is_explained_of_many_and_the_positive_one_of_two() -> None:
    three = MulticlassOutput(classes=tuple(OutputClass(label=label) for label in "abc"))

    def answer(rows: Sequence[Json]) -> list[Answer]:
        found = []
        for row in rows:
            scores = {"a": 0.2, "b": row["age"] / 200, "c": 0.8 - row["age"] / 200}
            found.append(Answer(max(scores, key=lambda k: scores[k]), scores, None))
        return found

    explanation = declared(scale="probability")
    for age, shown in ((110, "b"), (20, "c")):
        told = contributions(explanation, three, [REFERENCE | {"age": age}], answer)[0]
        assert told.of == shown
        assert told.contributions["age"] == pytest.approx(abs(age - 57) / 200)
    told = contributions(explanation, BINARY, [REFERENCE], probable(lambda row: 0.1))[0]
    assert (told.of, told.total) == ("ill", 0.1)


def test_a_row_is_explained_alike_in_any_declared_unit_and_batch() -> None:
    gate = Gate(SMALL)
    rows: list[Json] = [
        {"radius": {"value": 0.0205, "unit": "mm"}, "sex": "male"},
        {"radius": 20.5, "sex": "male", "age": None},
    ]
    one, other = plain_rows(SMALL.fields, gate.check(rows))
    assert one == other == {"radius": 20.5, "sex": "male", "age": None}
    assert list(one) == ["radius", "sex", "age"]


def test_rows_come_back_from_the_gate_as_they_went_in() -> None:
    table = Gate(TabularInput(fields=FIELDS)).check(PATIENTS)
    assert list(plain_rows(FIELDS, table)) == PATIENTS


def test_no_more_rows_are_asked_at_once_than_memory_is_meant_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []
    answer = probable(lambda row: 0.5)

    def counting(rows: Sequence[Json]) -> Sequence[Answer]:
        sizes.append(len(rows))
        return answer(rows)

    monkeypatch.setattr("bedside.runtime.explain.contributions.CELLS_AT_ONCE", 50)
    row: Row = {"age": 80, "creatinine": None, "sodium": 133.0, "site": "left", "stage": 3}
    told = contributions(declared(), BINARY, [row], counting)[0]
    assert max(sizes) == 10
    assert sum(sizes) == told.passes == 32


def test_more_explanations_than_a_request_may_cost_are_refused_before_any_is_computed() -> None:
    explanation = declared(permutations=4_000)
    with pytest.raises(LimitExceeded, match=r"13 rows .* 208026 passes.*at most 12 explanations"):
        contributions(explanation, BINARY, [REFERENCE] * 13, lambda rows: pytest.fail("asked"))


@given(
    st.lists(st.floats(-5, 5), min_size=10, max_size=10),
    st.lists(st.integers(0, 120), min_size=2, max_size=2),
)
def test_contributions_sum_to_the_difference_of_the_answers(
    weights: list[float], ages: list[int]
) -> None:
    names = list(REFERENCE)

    def value(row: Row) -> float:
        codes = [row["age"] / 60, (row["creatinine"] or 5.0), row["sodium"] / 100]
        codes += [len(row["site"] or ""), row["stage"]]
        pairs = [a * b for a, b in zip(codes, codes[1:] + codes[:1], strict=True)]
        return float(sum(w * c for w, c in zip(weights, codes + pairs, strict=True)))

    row = {"age": ages[0], "creatinine": None, "sodium": 130.5, "site": None, "stage": 1}
    reference = REFERENCE | {"age": ages[1]}
    for permutations in (4, 8):
        explanation = declared(scale="value", reference=reference, permutations=permutations)
        told = contributions(explanation, RATE, [row], valued(value))[0]
        assert list(told.contributions) == names
        assert sum(told.contributions.values()) == pytest.approx(value(row) - value(reference))


def test_a_longer_explanation_of_thirty_fields_is_the_same_every_time() -> None:
    names = [f"x{i:02d}" for i in range(30)]
    reference: dict[str, Json] = dict.fromkeys(names, 0.0)
    row: dict[str, Json] = {name: 1.0 + i for i, name in enumerate(names)}

    def value(given: Row) -> float:
        return float(np.sin(sum(given.values())) + given["x03"] * given["x04"] * given["x05"])

    explanation = declared(scale="value", reference=reference, permutations=20, seed=4)
    first, second = (contributions(explanation, RATE, [row], valued(value))[0] for _ in "12")
    assert dataclasses.asdict(first) == dataclasses.asdict(second)
    assert first.passes == explanation.passes == 582
    other = explanation.model_copy(update={"seed": 5})
    assert contributions(other, RATE, [row], valued(value))[0] != first


def test_an_answer_that_is_no_number_is_refused() -> None:
    answer: Any = valued(lambda row: math.nan)
    with pytest.raises(PackageRefused, match="While explaining, the model gave nan"):
        contributions(declared(scale="value"), RATE, [REFERENCE], answer)
