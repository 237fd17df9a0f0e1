from __future__ import annotations

import pytest

from bedside.canonical import Json
from bedside.errors import UsageError
from bedside.freezing.draft.unanswered import refuse_unanswered


def refusal(answers: dict[str, Json]) -> UsageError:
    with pytest.raises(UsageError) as caught:
        refuse_unanswered(answers)
    return caught.value


def test_every_open_place_is_told_at_once_with_its_question() -> None:
    told = refusal(
        {
            "draft": True,
            "licence": "?",
            "intended_use": {"en": "For tests.", "ja": "?"},
            "fields": [{"name": "age", "unit": "a"}, {"name": "sodium", "unit": "?"}],
            "origin": {"data": [{"name": "?", "consent_basis": "?"}]},
        }
    )
    assert "5 answers are missing" in told.message
    for place in (
        "licence: under which licence others may use the model",
        "intended_use.ja: who uses it",
        "fields[1] ('sodium').unit: its unit in UCUM",
        "origin.data[0].name: what the data set is called",
        "origin.data[0].consent_basis: why these people's data may be used",
    ):
        assert place in told.message
    assert "draft" in told.advice


def test_the_same_question_at_many_places_is_asked_once() -> None:
    fields = [{"name": name, "unit": "?"} for name in ("a", "b", "c")]
    lines = refusal({"fields": fields}).message.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(
        "  fields[0] ('a').unit, fields[1] ('b').unit, fields[2] ('c').unit:"
    )


@pytest.mark.parametrize("mark", ["?", " ? ", "\uff1f", "TODO", "tbd"])
def test_what_people_write_for_not_yet_is_no_answer(mark: str) -> None:
    assert "licence: " in refusal({"licence": mark}).message


def test_a_placeholder_inside_a_list_is_no_answer() -> None:
    answers: dict[str, Json] = {"preprocessing": [{"op": "normalise", "mean": ["?"]}]}
    assert "preprocessing[0].mean[0]: the mean of each channel" in refusal(answers).message


@pytest.mark.parametrize(
    "answers",
    [
        {"fields": [{"name": "workclass", "categories": ["?", "private"]}]},
        {"native_classes": ["?", "!"]},
        {"origin": {"parameters": {"unknown": "?"}}},
        {"title": {"en": "Is it broken?"}},
        {},
    ],
)
def test_a_question_mark_that_may_be_meant_is_left_alone(answers: dict[str, Json]) -> None:
    refuse_unanswered(answers)


@pytest.mark.parametrize("value", [True, False, "yes"])
def test_proposals_count_only_when_somebody_has_removed_the_line(value: Json) -> None:
    told = refusal({"draft": value, "licence": "MIT"})
    assert "nobody has confirmed" in told.message
    assert "remove the line `draft = " in told.advice


def test_a_draft_is_told_as_such_while_answers_are_open() -> None:
    assert "then remove the line" in refusal({"draft": True, "licence": "?"}).advice
    assert "remove" not in refusal({"licence": "?"}).advice
