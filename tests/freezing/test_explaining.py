from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from bedside.canonical import Json
from bedside.errors import UsageError
from bedside.freezing.explaining import choose_contributions, choose_occlusion
from bedside.freezing.explanation_answers import ContributionAnswers, OcclusionAnswers
from bedside.package.explanation import check_passes
from bedside.package.fields import InputField, NumberField
from bedside.package.outputs import NumberOutput
from bedside.runtime.explain.contributions import contributions
from bedside.runtime.postprocess import Answer
from tests.freezing.building import clinic
from tests.runtime.explain.building import (
    BINARY,
    FIELDS,
    REFERENCE,
    Row,
    answering,
    fitted,
    rows_of,
)

DOSE = NumberOutput(name="dose", unit="mg")
ROWS = rows_of(clinic(120))
Answering = Callable[[Sequence[Json]], Sequence[Answer]]


def valued(function: Callable[[Row], float]) -> Answering:
    return lambda rows: [Answer(None, {"dose": function(row)}, None, "mg") for row in rows]


def probable(function: Callable[[Row], float]) -> Answering:
    def answer(rows: Sequence[Json]) -> list[Answer]:
        scores = [function(row) for row in rows]
        return [Answer("ill", {"well": 1 - p, "ill": p}, 0.37) for p in scores]

    return answer


def many_fields(count: int) -> tuple[InputField, ...]:
    return tuple(
        NumberField(name=f"x{i:03d}", unit="1", minimum=-3.0, maximum=3.0) for i in range(count)
    )


def many_rows(fields: Sequence[InputField], rows: int = 60) -> list[Row]:
    drawn = np.random.default_rng(0).normal(size=(rows, len(fields))).clip(-3, 3)
    return [dict(zip([f.name for f in fields], row, strict=True)) for row in drawn.tolist()]


class TestTheMethodIsFoundOnTheFrozenModelItself:
    def test_a_logistic_regression_is_linear_gaps_and_codes_included(self) -> None:
        answer = answering(fitted(LogisticRegression(max_iter=1000)))
        found = choose_contributions(FIELDS, ROWS, answer, BINARY)
        assert (found.method, found.scale, found.clip) == ("linear", "logit", 1e-9)

    def test_one_in_single_precision_is_linear_as_far_as_its_probabilities_tell(self) -> None:
        def single(row: Row) -> float:
            risk = 0.2 * (row["age"] - 60) - 0.1 * (row["sodium"] - 140)
            return float(np.float32(1) / (1 + np.exp(np.float32(-risk))))

        found = choose_contributions(FIELDS, ROWS, probable(single), BINARY)
        assert (found.method, found.clip) == ("linear", 1e-3)

    @pytest.mark.parametrize(
        "estimator",
        [
            GradientBoostingClassifier(n_estimators=20, random_state=0),
            MLPClassifier((8,), max_iter=300, random_state=0, tol=1e-2),
        ],
        ids=lambda estimator: type(estimator).__name__,
    )
    def test_what_does_not_add_up_is_sampled(self, estimator: GradientBoostingClassifier) -> None:
        found = choose_contributions(FIELDS, ROWS, answering(fitted(estimator)), BINARY)
        assert (found.method, found.scale) == ("sampled-shapley", "logit")

    def test_an_interaction_of_two_codes_alone_is_found(self) -> None:
        def value(row: Row) -> float:
            return float(row["age"]) + (5.0 if row["site"] == "both" and row["stage"] == 3 else 0.0)

        found = choose_contributions(FIELDS, ROWS, valued(value), DOSE)
        assert found.method == "sampled-shapley"

    @pytest.mark.parametrize("odd", ["creatinine", "site"])
    def test_an_interaction_with_a_gap_or_an_unknown_code_alone_is_found(self, odd: str) -> None:
        site = FIELDS[3].model_copy(update={"unknown": "allow", "missing": "refuse"})
        fields = (*FIELDS[:3], site, FIELDS[4])
        rows = [row for row in ROWS if row["creatinine"] and row["site"]]

        def value(row: Row) -> float:
            strange = row[odd] not in ("left", "right", "both") if odd == "site" else not row[odd]
            return float(row["age"]) * (2.0 if strange else 1.0)

        found = choose_contributions(fields, rows, valued(value), DOSE)
        assert found.method == "sampled-shapley"

    def test_a_sum_of_curves_is_linear_in_its_fields(self) -> None:
        def value(row: Row) -> float:
            creatinine = 7.0 if row["creatinine"] is None else float(row["creatinine"])
            return math.exp(row["age"] / 40) + math.sin(row["sodium"]) + creatinine

        found = choose_contributions(FIELDS, ROWS, valued(value), DOSE)
        assert (found.method, found.scale, found.permutations) == ("linear", "value", 0)
        assert found.passes == 7

    def test_what_is_certain_everywhere_tells_nothing_and_is_not_called_linear(self) -> None:
        found = choose_contributions(FIELDS, ROWS, probable(lambda row: 1e-12), BINARY)
        assert found.method == "sampled-shapley"

    def test_a_vote_that_is_often_unanimous_is_told_in_probabilities(self) -> None:
        forest = RandomForestClassifier(10, random_state=0)
        found = choose_contributions(FIELDS, ROWS, answering(fitted(forest)), BINARY)
        assert (found.method, found.scale) == ("sampled-shapley", "probability")


class TestTheCost:
    def test_few_fields_are_always_exact(self) -> None:
        answer = answering(fitted(GradientBoostingClassifier(n_estimators=20, random_state=0)))
        found = choose_contributions(FIELDS, ROWS, answer, BINARY)
        assert found.passes == 34  # 2^5, and what an even number of permutations makes of it
        told = contributions(found, BINARY, ROWS[:5], answer)
        assert {error for one in told for error in one.errors.values()} == {0.0}

    def test_many_fields_are_sampled_until_the_error_is_as_small_as_is_wanted(self) -> None:
        fields = many_fields(20)
        rows = many_rows(fields)

        def value(row: Row) -> float:
            return math.tanh(sum(row.values())) + float(row["x000"] * row["x001"] * row["x002"])

        wide, narrow = (
            choose_contributions(
                fields, rows, valued(value), DOSE, ContributionAnswers(error=error)
            )
            for error in (0.1, 0.05)
        )
        assert 3 < narrow.permutations / wide.permutations < 5
        told = contributions(narrow, DOSE, rows[20:40], valued(value))
        spread = np.std([value(row) for row in rows])
        errors = [error for one in told for error in one.errors.values()]
        assert np.quantile(errors, 0.9) < 0.05 * spread

    def test_no_more_is_spent_than_is_allowed(self) -> None:
        fields = many_fields(20)
        wanted = ContributionAnswers(error=1e-6, passes=500)
        product = valued(lambda row: math.prod(row.values()))
        found = choose_contributions(fields, many_rows(fields), product, DOSE, wanted)
        assert (found.permutations, found.passes) == (26, 496)

    def test_the_fewest_permutations_are_taken_where_even_those_cost_more(self) -> None:
        fields = many_fields(300)
        curved = valued(lambda row: (row["x000"] + row["x001"]) ** 2)
        wanted = ContributionAnswers(passes=1_000)
        found = choose_contributions(fields, many_rows(fields, 2), curved, DOSE, wanted)
        assert (found.permutations, found.passes) == (4, 1_198)


class TestWhatTheAuthorStates:
    def test_reference_scale_and_seed_are_kept(self) -> None:
        answer = answering(fitted(GradientBoostingClassifier(n_estimators=20, random_state=0)))
        wanted = ContributionAnswers(reference=REFERENCE, scale="probability", seed=9)
        found = choose_contributions(FIELDS, ROWS, answer, BINARY, wanted)
        assert found.reference == REFERENCE
        assert (found.scale, found.seed) == ("probability", 9)

    def test_a_reference_outside_the_domain_is_refused(self) -> None:
        wanted = ContributionAnswers(reference=REFERENCE | {"age": 500})
        with pytest.raises(UsageError, match=r"500 for 'age'.*Name every field"):
            choose_contributions(FIELDS, ROWS, probable(lambda row: 0.5), BINARY, wanted)

    def test_a_scale_of_another_output_is_refused(self) -> None:
        wanted = ContributionAnswers(scale="value")
        with pytest.raises(UsageError, match="output is binary"):
            choose_contributions(FIELDS, ROWS, probable(lambda row: 0.5), BINARY, wanted)


def test_the_same_model_and_rows_give_the_same_explanation() -> None:
    answer = answering(fitted(GradientBoostingClassifier(n_estimators=20, random_state=0)))
    one, other = (choose_contributions(FIELDS, ROWS, answer, BINARY) for _ in "12")
    assert one == other


class TestAPicture:
    @pytest.mark.parametrize("shape", [(1, 224, 224), (3, 64, 64), (1, 5, 5), (1, 16, 4096)])
    def test_the_patch_follows_from_the_size_at_a_bounded_cost(
        self, shape: tuple[int, int, int]
    ) -> None:
        found = choose_occlusion(shape, BINARY)
        check_passes(found, *shape[1:])
        assert found.passes <= 401

    def test_the_usual_size_takes_170_passes(self) -> None:
        found = choose_occlusion((3, 224, 224), BINARY)
        assert (found.patch, found.stride, found.passes) == (32, 16, 170)
        assert (found.fill, found.scale) == ("mean", "logit")
        assert choose_occlusion((1, 64, 64), DOSE).scale == "value"

    def test_what_the_author_states_is_kept(self) -> None:
        wanted = OcclusionAnswers(patch=56, stride=28, fill=0.0, scale="probability")
        found = choose_occlusion((1, 224, 224), BINARY, wanted)
        assert (found.patch, found.stride, found.fill, found.scale) == (56, 28, 0.0, "probability")
        assert found.passes == 50

    @pytest.mark.parametrize(
        ("wanted", "why"),
        [
            (OcclusionAnswers(patch=1, stride=1), "takes 50177 passes"),
            (OcclusionAnswers(patch=8, stride=9), "patch of 8 every 9"),
            (OcclusionAnswers(scale="value"), "kind 'binary'"),
        ],
    )
    def test_what_cannot_be_is_refused(self, wanted: OcclusionAnswers, why: str) -> None:
        with pytest.raises(UsageError, match=why):
            choose_occlusion((1, 224, 224), BINARY, wanted)
