from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bedside.canonical import Json, canonical_bytes
from bedside.keys.subjects import SubjectKey
from bedside.ledger.events import Fence
from bedside.package.fields import CategoryField, NumberField, TabularInput
from bedside.package.outputs import (
    BinaryOutput,
    MulticlassOutput,
    NumberOutput,
    Output,
    OutputClass,
    Threshold,
)
from bedside.people.person import Caller, Person
from bedside.registry.release import Release
from bedside.runtime.plain_gate import PlainGate
from bedside.runtime.postprocess import Answer
from bedside.serving.recording import Asked, prediction_draft
from bedside.serving.spelling import PredictionSpelling, RowSpelling, Said, cut, number_tokens
from bedside.serving.values import Row

ODD = 'a "quoted" 100 % \\ %s \n é 😀 name'
DECLARED = TabularInput(
    fields=(
        NumberField(name="zz", unit="1", minimum=-1e300, maximum=1e300),
        CategoryField(name=ODD, categories=('fe"male', "m\\ale %d", "女")),
        NumberField(name="é", unit="1", minimum=-1e300, maximum=1e300),
        CategoryField(name="grade", categories=(0, 1, -2)),
        NumberField(name="\U0001f600", unit="1", minimum=-1e300, maximum=1e300),
        NumberField(name="\uffee", unit="1", minimum=-1e300, maximum=1e300),
    )
)
OUTPUTS: tuple[Output, ...] = (
    BinaryOutput(
        classes=(OutputClass(label='be"nign'), OutputClass(label="malig % nant")),
        positive="malig % nant",
        threshold=Threshold(value=0.5, meaning={"en": "as likely as not"}),
    ),
    MulticlassOutput(classes=tuple(OutputClass(label=one) for one in ("悪性", "a", "Z"))),
    NumberOutput(name="size %s", unit="mm"),
)
RELEASE = Release("m", "1.0.0", "sha256:" + "0" * 64, 7, "2026", "somebody", "why", "event")
CALLER = Caller(Person("person-1", "P", frozenset(), True, ""), "rest", "key-1")

numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53) + 1, 2**53 - 1)
rows = st.fixed_dictionaries(
    {
        field.name: st.sampled_from(field.categories)
        if isinstance(field, CategoryField)
        else numbers
        for field in DECLARED.fields
    }
)
probabilities = st.floats(0, 1)


@given(st.lists(numbers, max_size=6))
@example([0.0, -0.0, 1.0, -1.0, 1e21, 1e-7, 5e-324, 123456789.0, 1e16, 0.1, 10.05, -0.05, 100])
def test_numbers_are_spelled_as_canonical_json_spells_them(values: list[float]) -> None:
    assert number_tokens(values) == [canonical_bytes(value).decode() for value in values]


@given(rows)
def test_a_plain_row_is_spelled_as_canonical_json_spells_it(row: dict[str, Json]) -> None:
    places, _ = PlainGate(DECLARED).sift([row])
    if not places:
        return  # too large a number: no plain row
    text, within = RowSpelling(DECLARED)(row)
    assert text.encode() == canonical_bytes(row)
    assert f'"{within}"'.encode() == canonical_bytes(text)


@pytest.mark.parametrize("output", OUTPUTS, ids=lambda one: str(one.kind))
@given(row=rows, chances=st.lists(probabilities, min_size=6, max_size=6), place=st.integers(0, 2))
@example(
    row={"zz": 1, ODD: "女", "é": -0.0, "grade": -2, "\U0001f600": 1e300, "\uffee": 0.5},
    chances=[0.0, 1.0, 0.5, 1e-9, 1e-300, 0.25],
    place=1,
)
def test_an_event_is_what_the_long_way_records(
    output: Output, row: dict[str, Json], chances: list[float], place: int
) -> None:
    key = SubjectKey("key", b"k" * 32)
    names = [output.name] if output.kind == "number" else [one.label for one in output.classes]
    answer = Answer(
        label=None if output.kind == "number" else names[place % len(names)],
        scores=dict(zip(names, chances, strict=False)),
        threshold=0.5 if output.kind == "binary" else None,
        raw=dict(zip(names, chances[3:], strict=False)),
    )
    sent = Row(row, None if place else "patient % \\ 7")
    fence = Fence("people", 3)
    rows = 1 if place == 0 else 1000
    draft = prediction_draft(Asked(CALLER, RELEASE, rows, 1234), "p", (place, sent), answer, key)
    said = Said(sent, answer, key, 1234, (RELEASE.fence, fence))
    spelling = PredictionSpelling(RELEASE, DECLARED, output)
    spelled = spelling.event(CALLER, ("p", draft.id), said, (place, rows))
    if place == 0:
        assert spelling.event(CALLER, ("p", draft.id), said) == spelled
    assert spelled.body == canonical_bytes(dict(draft.body))
    assert spelled.sealed == canonical_bytes(draft.sealed)
    kept: tuple[Any, ...] = ("kind", "about", "actor", "door", "id", "credential", "subject_key")
    assert [getattr(spelled, name) for name in kept] == [getattr(draft, name) for name in kept]
    assert spelled.fences == (*draft.fences, fence)


def test_a_hole_that_is_there_twice_or_in_another_order_cuts_nothing() -> None:
    assert cut("a1b%2c", ["1", "2"]) == "a%sb%%%sc"
    for holes in (["a"], ["2", "1"], ["3"]):
        with pytest.raises(ValueError, match="cannot be cut"):
            cut("a1a2", holes)
