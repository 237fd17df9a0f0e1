from __future__ import annotations

import math

import numpy as np
import pytest

from bedside.errors import PackageRefused
from bedside.package.outputs import MulticlassOutput, NumberOutput, OutputClass
from bedside.runtime.explain.scales import clipped, explained_name, on_scale
from bedside.runtime.postprocess import Answer
from tests.runtime.explain.building import BINARY, declared


def test_the_logit_is_that_of_the_probability_kept_away_from_its_ends() -> None:
    explanation = declared(clip=0.001)
    told = on_scale(np.array([0.0, 0.001, 0.25, 0.5, 1.0]), explanation)
    end = math.log(0.001) - math.log(0.999)
    assert told == pytest.approx([end, end, math.log(1 / 3), 0, -end])


@pytest.mark.parametrize(
    ("scores", "cut"), [([0.5, 0.001], False), ([0.5, 0.0009], True), ([0.9991], True)]
)
def test_a_score_beyond_the_clip_is_noticed(scores: list[float], cut: bool) -> None:
    assert clipped(np.array(scores), declared(clip=0.001)) is cut
    assert clipped(np.array(scores), declared(clip=0.001, scale="probability")) is False


def test_probabilities_and_values_stay_as_they_are() -> None:
    for scale in ("probability", "value"):
        assert on_scale(np.array([0.0, 1.0, 0.3]), declared(scale=scale)).tolist() == [0, 1, 0.3]


def test_what_is_not_finite_is_refused() -> None:
    with pytest.raises(PackageRefused, match="gave inf"):
        on_scale(np.array([0.5, math.inf]), declared())


def test_the_positive_class_is_explained_even_when_the_other_is_shown() -> None:
    assert explained_name(BINARY, Answer("well", {"well": 0.9, "ill": 0.1}, 0.37)) == "ill"


def test_the_shown_class_of_many_and_the_one_number_are_explained() -> None:
    three = MulticlassOutput(classes=tuple(OutputClass(label=label) for label in "abc"))
    assert explained_name(three, Answer("b", {"a": 0.1, "b": 0.8, "c": 0.1}, None)) == "b"
    assert (
        explained_name(NumberOutput(name="dose", unit="mg"), Answer(None, {"dose": 3}, None))
        == "dose"
    )
