"""Rows of fields through a whole package, explained: the small model is linear, so exactly."""

import math

import pytest

from bedside.errors import PackageDamaged, UsageError
from bedside.package.explanation import Contributions, Occlusion, contribution_passes
from bedside.runtime.explained import FieldsExplained
from bedside.runtime.runner import Runner, load
from tests.package.building import ROWS, Recipe

REFERENCE = {**ROWS[0]}
EXPLANATION = Contributions(
    method="linear",
    scale="logit",
    reference=REFERENCE,
    permutations=8,
    passes=contribution_passes("linear", len(REFERENCE), 8),
)


@pytest.fixture(scope="module")
def runner() -> Runner:
    return load(Recipe(changes={"explanation": EXPLANATION}).package())


def logit(probability: float) -> float:
    return math.log(probability) - math.log1p(-probability)


@pytest.mark.parametrize("row", ROWS[1:])
def test_what_the_fields_add_is_what_the_answer_differs_from_the_reference(
    runner: Runner, row: dict[str, object]
) -> None:
    (reference,) = runner.predict([REFERENCE])
    (answer,) = runner.predict([row], explain=True)
    why = answer.explanation
    assert isinstance(why, FieldsExplained)
    positive = why.of
    assert why.base == pytest.approx(logit(reference.scores[positive]), abs=1e-5)
    assert why.total == pytest.approx(logit(answer.scores[positive]), abs=1e-5)
    assert math.fsum(why.contributions.values()) == pytest.approx(why.total - why.base, abs=1e-4)
    assert set(why.contributions) == set(REFERENCE)


def test_the_reference_itself_owes_nothing_to_any_field(runner: Runner) -> None:
    (answer,) = runner.predict([REFERENCE], explain=True)
    assert isinstance(answer.explanation, FieldsExplained)
    assert set(answer.explanation.contributions.values()) == {0.0}


def test_the_answer_is_the_same_with_and_without_its_explanation(runner: Runner) -> None:
    for row in ROWS:
        (plain,), (explained,) = runner.predict([row]), runner.predict([row], explain=True)
        assert (plain.label, plain.scores) == (explained.label, explained.scores)
        assert plain.explanation is None


def test_what_says_not_to_go_on_ends_an_explanation(runner: Runner) -> None:
    def left() -> None:
        raise TimeoutError

    assert runner.predict([ROWS[1]], going_on=left)
    with pytest.raises(TimeoutError):
        runner.predict([ROWS[1]], explain=True, going_on=left)


def test_a_model_that_declares_none_says_so() -> None:
    with pytest.raises(UsageError, match="declares no explanation"):
        load(Recipe().package()).predict([ROWS[0]], explain=True)


def test_a_heat_map_is_no_explanation_of_a_row() -> None:
    heat = Occlusion(patch=1, stride=1, scale="probability", passes=2)
    with pytest.raises(PackageDamaged, match="'occlusion'"):
        Recipe(changes={"explanation": heat}).package()
