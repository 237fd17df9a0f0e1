from __future__ import annotations

from dataclasses import replace

import pytest

from bedside.cli.answers import MOST_BARS, spoken, tell_answer
from bedside.cli.screen import Page
from bedside.runtime.explained import FieldsExplained
from bedside.runtime.postprocess import Answer
from tests.package.building import Recipe

ANSWER = Answer("malignant", {"benign": 0.1, "malignant": 0.9}, 0.5)
MANIFEST = Recipe().manifest()


def explained(contributions: dict[str, float], error: float = 0.0) -> Answer:
    why = FieldsExplained(
        contributions=contributions,
        errors=dict.fromkeys(contributions, error),
        base=-0.5,
        total=-0.5 + sum(contributions.values()),
        scale="logit",
        of="malignant",
        passes=8,
    )
    return replace(ANSWER, explanation=why)


def told(answer: Answer, capsys: pytest.CaptureFixture[str]) -> list[str]:
    tell_answer(Page(), MANIFEST, spoken(answer, MANIFEST), "row 0")
    return capsys.readouterr().out.splitlines()


def test_an_answer_that_nobody_asked_to_explain_has_the_members_that_it_had() -> None:
    assert list(spoken(ANSWER, MANIFEST)) == ["label", "shown", "scores", "threshold"]


def test_each_field_has_a_bar_the_largest_first(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(explained({"age": 0.5, "radius": -2.0}), capsys)
    bars = [line for line in lines if "█" in line]
    assert [line.split()[0] for line in bars] == ["radius", "age"]
    assert [line.count("█") for line in bars] == [24, 6]
    assert "-2" in bars[0]
    assert any("give -2 for this row" in line for line in lines)
    assert "malignant: 90 %, above the threshold of 50 %" in lines[1]


def test_a_sampled_contribution_is_told_with_its_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert any("± 0.25" in line for line in told(explained({"age": 0.5}, 0.25), capsys))


def test_fields_beyond_the_largest_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    many = {f"field {place}": 1.0 for place in range(MOST_BARS + 3)}
    lines = told(explained(many), capsys)
    assert any("and 3 more fields" in line for line in lines)


def test_where_nothing_contributes_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    assert not any("█" in line for line in told(explained({"age": 0.0}), capsys))
