from __future__ import annotations

import copy
import inspect
import json
import re
from typing import Any

import pytest

from bedside.canonical import Json
from bedside.errors import BedsideError, LedgerBroken, UsageError
from bedside.keys.signing import SigningKey
from bedside.package.fields import Language
from bedside.serving import telling
from bedside.serving.story import LIFECYCLE
from bedside.serving.trace import verify_trace
from bedside.serving.values import Decision, Row, Verdict
from bedside.serving.words import WORDS
from tests.bedside_site import MODEL, ROW, Hospital


@pytest.fixture
def document(hospital: Hospital) -> dict[str, Json]:
    """The trace of a decided prediction, as another machine would read it."""
    clinician = hospital["clinician"].caller
    serving = hospital.site.serving
    for _ in range(3):
        (one,) = serving.predict_now(clinician, MODEL, [Row(ROW, "patient-7")])
    serving.decide(clinician, one.id, Decision(Verdict.CORRECTED, "benign", "biopsy"))
    serving.predict_now(clinician, MODEL, [Row(ROW)])
    read: dict[str, Json] = json.loads(json.dumps(serving.trace(clinician, one.id).document()))
    return read


def test_the_whole_story_is_told(document: dict[str, Json], hospital: Hospital) -> None:
    acts = [(one["event"]["kind"], one["name"]) for one in document["lifecycle"]]
    assert acts == [
        ("package-added", "Person developer"),
        ("package-verified", "Person developer"),
        ("approval", "Person approver"),
        ("approval", "Person approver-2"),
        ("release", "Person operator"),
    ]
    assert document["lifecycle"][2]["event"]["body"]["meaning"].startswith("I looked")
    assert document["lifecycle"][4]["event"]["body"]["reason"] == "it is needed"
    assert document["manifest"]["lineage"]["trained_by"] == "the tests"
    assert document["manifest"]["conditions"]["verified_with"]["onnxruntime"]
    personal = document["prediction"]["personal"]
    assert (personal["subject"], personal["input"]) == ("patient-7", ROW)
    assert document["prediction"]["name"] == "Person clinician"
    assert document["decisions"][0]["personal"] == {"reason": "biopsy"}


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("broken", ["\n", "\r\n", "\x0b", "\x85", "\u2028", "\u2029", "\x1b[1A"])
def test_no_value_begins_a_line_of_its_own(
    document: dict[str, Json], language: Language, broken: str
) -> None:
    lines = len(telling.told_in_words(document, language).splitlines())
    forged = f"x{broken}  threshold                 0.99"
    document["prediction"]["personal"]["subject"] = forged
    document["decisions"][0]["personal"]["reason"] = forged
    document["prediction"]["name"] = forged
    document["lifecycle"][2]["event"]["body"]["meaning"] = forged
    document["manifest"]["intended_use"] = {"en": forged}
    text = telling.told_in_words(document, language)
    assert len(text.splitlines()) == lines
    assert broken.encode("unicode_escape").decode() in text
    assert "\x1b" not in text


def test_it_is_proved_elsewhere_with_nothing_but_the_public_key(
    document: dict[str, Json], hospital: Hospital
) -> None:
    verdict = verify_trace(document, hospital.site.ledger.public_key, hospital.site.ledger.origin)
    assert verdict.entries == 7
    assert verdict.size == hospital.site.ledger.head().size
    assert verdict.package == document["prediction"]["event"]["body"]["package"]


def test_another_key_does_not_vouch_for_it(document: dict[str, Json]) -> None:
    with pytest.raises(LedgerBroken):
        verify_trace(document, SigningKey.new().public)


def test_another_log_is_not_this_one(document: dict[str, Json], hospital: Hospital) -> None:
    with pytest.raises(LedgerBroken):
        verify_trace(document, hospital.site.ledger.public_key, "bedside/elsewhere")


def proved_leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every leaf of a document that the proofs speak for."""
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in proved_leaves(v, (*path, k))]
    if isinstance(value, list):
        return [p for k, v in enumerate(value) for p in proved_leaves(v, (*path, k))]
    return [path]


def changed(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return "changed"
    if isinstance(value, int | float):
        return value + 1
    return ("B" if value[:1] == "A" else "A") + value[1:]


def test_every_change_of_what_is_proved_is_noticed(
    document: dict[str, Json], hospital: Hospital
) -> None:
    names = {"name", "personal"}
    paths = [
        path
        for path in proved_leaves(document)
        if not (path[0] in ("prediction", "decisions", "lifecycle") and names & set(path[1:3]))
        and path != ("checkpoint", "key")
    ]
    assert len(paths) > 150
    for path in paths:
        altered = copy.deepcopy(document)
        holder: Any = altered
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = changed(holder[path[-1]])
        with pytest.raises(BedsideError):
            verify_trace(altered, hospital.site.ledger.public_key)


def test_events_of_another_story_do_not_pass_as_this_one(
    document: dict[str, Json], hospital: Hospital
) -> None:
    public = hospital.site.ledger.public_key
    swapped = copy.deepcopy(document)
    swapped["decisions"].append(swapped["lifecycle"][0])
    with pytest.raises(LedgerBroken, match="no decision about this prediction"):
        verify_trace(swapped, public)
    swapped = copy.deepcopy(document)
    swapped["lifecycle"].append(swapped["prediction"])
    with pytest.raises(LedgerBroken, match="is not about"):
        verify_trace(swapped, public)
    swapped["prediction"] = swapped["lifecycle"][0]
    with pytest.raises(LedgerBroken, match="not a prediction"):
        verify_trace(swapped, public)


@pytest.mark.parametrize("part", ["prediction", "proofs", "checkpoint", "manifest"])
def test_a_trace_without_a_part_is_not_one(
    document: dict[str, Json], hospital: Hospital, part: str
) -> None:
    del document[part]
    with pytest.raises(LedgerBroken):
        verify_trace(document, hospital.site.ledger.public_key)


def test_something_else_is_not_a_trace(hospital: Hospital) -> None:
    things: list[Json] = [None, [], {}, {"format": "bedside-trace-9"}]
    for odd in things:
        with pytest.raises(UsageError):
            verify_trace(odd, hospital.site.ledger.public_key)


def test_after_erasure_the_proofs_still_hold(hospital: Hospital) -> None:
    clinician, serving = hospital["clinician"].caller, hospital.site.serving
    (one,) = serving.predict_now(clinician, MODEL, [Row(ROW, "patient-7")])
    serving.decide(clinician, one.id, Decision(Verdict.DISAGREE, reason="artefact"))
    key = hospital.site.ledger.entry(one.index).value["sealed"]["key"]
    hospital.site.subject_keys.destroy(key)
    trace = serving.trace(clinician, one.id)
    document = trace.document()
    assert document["prediction"]["personal"] == "erased"
    assert document["decisions"][0]["personal"] == "erased"
    assert verify_trace(document, hospital.site.ledger.public_key).entries == 7
    text = trace.text()
    assert "erased" in text
    assert "patient-7" not in text
    assert "artefact" not in text


def test_the_text_says_what_the_document_says(hospital: Hospital) -> None:
    clinician, serving = hospital["clinician"].caller, hospital.site.serving
    (one,) = serving.predict_now(clinician, MODEL, [Row(ROW, "patient-7")])
    text = serving.trace(clinician, one.id).text()
    for words in (
        one.id,
        "malignant",
        "patient-7",
        "    radius                  20.5",
        "  asked by                  Person clinician",
        "approved by Person approver-2",
        "“it is needed”",
        "logistic regression by hand",
        "nothing yet",
        hospital.site.ledger.checkpoint().note.splitlines()[2],
    ):
        assert words in text


def test_the_same_story_is_told_in_japanese(hospital: Hospital) -> None:
    clinician, serving = hospital["clinician"].caller, hospital.site.serving
    (one,) = serving.predict_now(clinician, MODEL, [Row(ROW, "patient-7")])
    serving.decide(clinician, one.id, Decision(Verdict.CORRECTED, "benign", "病理所見による"))
    text = serving.trace(clinician, one.id).text("ja")
    for words in (
        f"予測 {one.id}",
        "  判定                      訂正",
        "病理所見による",
        "承認: Person approver-2",
        "証明",
    ):
        assert words in text, text
    assert "asked by" not in text


def test_every_word_of_a_trace_stands_in_both_languages() -> None:
    for key, words in WORDS.items():
        assert set(words) == {"en", "ja"}, key
    used = set(re.findall(r'\("([a-z-]+)",', inspect.getsource(telling)))
    said = set(re.findall(r'_(?:say|heading)\("([a-z-]+)"', inspect.getsource(telling)))
    assert len(used | said) > 30
    assert used | said <= set(WORDS)
    assert {kind.value for kind in LIFECYCLE} | {verdict.value for verdict in Verdict} <= set(WORDS)
