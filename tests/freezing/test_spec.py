from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

import pytest

from bedside.canonical import Json
from bedside.errors import LimitExceeded, NotFound, UsageError
from bedside.freezing.spec import make_spec, read_spec
from bedside.freezing.spec_file import MAX_SPEC_BYTES
from tests.freezing.building import AGE, answers

TOML = """
name = "clinic-risk"
version = "1.0.0"
licence = "Apache-2.0"
claim_level = "demonstration"
native_classes = [0, 1]
title.en = "Risk"
intended_use.en = "Tests."
not_for.en = "Patients."

[[fields]]
kind = "number"
name = "age"
unit = "a"
minimum = 0
maximum = 120
whole = true

[output]
kind = "binary"
positive = "ill"
classes = [{ label = "well" }, { label = "ill" }]
threshold = { value = 0.5, meaning = { en = "half" } }

[origin]
trained_by = "the tests"
trained_at = 2026-11-21T17:00:00+09:00
code = "tests"
split = "none"

[[origin.data]]
name = "d"
digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
rows = 3
licence = "CC0-1.0"
consent_basis = "invented"
origin = "tests"

[evaluation.data]
name = "d"
digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
rows = 3
licence = "CC0-1.0"
consent_basis = "invented"
origin = "tests"

[[evaluation.metrics]]
name = "accuracy"
value = 1
lower = 0.4
upper = 1
confidence = 0.95
method = "Wilson score"
n = 3
"""


def test_a_toml_file_says_the_same_as_python(tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_text(TOML, encoding="utf-8")
    spec = read_spec(path)
    assert spec.fields[0] == make_spec(answers(AGE)).fields[0]
    assert spec.origin.trained_at == "2026-11-21T08:00:00.000000Z"


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("licence", "licence of the model"),
        ("intended_use", "for whom and what"),
        ("not_for", "must not be used for"),
        ("evaluation", "test data and metrics"),
    ],
)
def test_a_missing_answer_is_named_with_its_question(name: str, question: str) -> None:
    without = {key: value for key, value in answers(AGE).items() if key != name}
    with pytest.raises(UsageError, match=rf"{name} is missing \(.*{question}"):
        make_spec(without)


def test_a_missing_answer_about_the_origin_is_named_with_its_question() -> None:
    given = answers(AGE)
    origin = {key: value for key, value in given["origin"].items() if key != "trained_by"}
    with pytest.raises(UsageError, match=r"origin\.trained_by is missing \(the person or team"):
        make_spec({**given, "origin": origin})


def test_an_unknown_answer_is_named() -> None:
    with pytest.raises(UsageError, match="nonsense"):
        make_spec({**answers(AGE), "nonsense": 1})


def refusal(**changes: Json) -> str:
    with pytest.raises(UsageError) as caught:
        make_spec({**answers(AGE), **changes})
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "My Model"}, "name: 'My Model' must be lower-case letters, digits and -"),
        ({"version": "1"}, "version: '1' must be like 1.0.0"),
        ({"languages": ["en", "en"]}, "languages: a language stands twice in ['en', 'en']"),
        ({"fields": [{**AGE, "minimum": "0"}]}, "fields[0] ('age').minimum is '0': Input should"),
        ({"fields": [{**AGE, "units": "kg"}]}, "('age').units is not known; perhaps 'unit' is"),
        ({"fields": [{**AGE, "maximum": 1e17}]}, "maximum 1e+17 is beyond 2^53; use a larger unit"),
        ({"comparison": {"data_rows": 1}}, "comparison.data_rows is 1: Input should be greater"),
        ({"comparison": {"random_rows": 0}}, "comparison.random_rows is 0: Input should be"),
    ],
)
def test_an_answer_that_does_not_fit_is_told_with_its_place_and_value(
    changes: dict[str, Json], words: str
) -> None:
    message = refusal(**changes)
    assert message.startswith("The spec does not fit: ")
    assert words in message
    assert "Value error" not in message


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("inf"), "fields[0].maximum is inf. Give a finite number."),
        (date(2026, 1, 1), "fields[0].maximum: 2026-01-01 has no time."),
        (time(8), "fields[0].maximum: 08:00:00 has no date."),
        (datetime(2026, 1, 1), "fields[0].maximum: the time 2026-01-01T00:00:00 has no zone."),
        (b"1", "fields[0].maximum is a bytes."),
    ],
)
def test_a_value_that_a_spec_cannot_hold_is_told_with_its_place(value: object, words: str) -> None:
    assert refusal(fields=[{**AGE, "maximum": value}]).startswith(words)


def test_a_time_without_a_zone_is_refused() -> None:
    given = answers(AGE)
    origin = {**given["origin"], "trained_at": "2026-11-21T08:00:00"}
    with pytest.raises(UsageError, match="has no zone"):
        make_spec({**given, "origin": origin})


def test_a_language_that_a_text_lacks_is_named() -> None:
    with pytest.raises(UsageError, match=r"title lacks the declared language\(s\) \['ja'\]"):
        make_spec({**answers(AGE), "languages": ["en", "ja"]})


def test_a_file_that_is_not_there_not_toml_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no spec"):
        read_spec(tmp_path / "none.toml")
    path = tmp_path / "spec.toml"
    path.write_text("name = ", encoding="utf-8")
    with pytest.raises(UsageError, match="is not TOML"):
        read_spec(path)
    with path.open("wb") as stream:
        stream.truncate(MAX_SPEC_BYTES + 1)
    with pytest.raises(LimitExceeded, match="larger than"):
        read_spec(path)
