"""Many rows in one request: one durable transaction, in their order, all or none."""

from __future__ import annotations

import asyncio
import json

import pytest

from bedside.errors import InputRefused
from bedside.ledger import group
from bedside.ledger.events import EventKind
from bedside.ledger.group import MAX_GROUP
from bedside.serving.values import Prediction, Row
from tests.bedside_site import MODEL, Hospital

MANY = 2 * MAX_GROUP + 88
GAP = Row({"radius": 14.0, "sex": "male", "age": None})
"""Not plain: it sends all rows that come with it the long way."""


def rows(count: int, *, plain: bool = True) -> list[Row]:
    """Rows that differ, with and without subjects; one that is not plain has a gap."""
    gap = None if plain else 0
    return [
        Row(
            {
                "radius": 6 + number / 100,
                "sex": "male",
                "age": None if number == gap else number % 90,
            },
            f"patient-{number % 7}" if number % 3 else None,
        )
        for number in range(count)
    ]


def predicted(hospital: Hospital, asked: list[Row]) -> tuple[Prediction, ...]:
    caller = hospital["clinician"].caller
    return asyncio.run(hospital.site.serving.predict(caller, MODEL, asked))


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("count", [2, MANY])
def test_rows_are_recorded_in_one_transaction_in_their_order(
    hospital: Hospital, count: int, plain: bool
) -> None:
    before, asked = hospital.site.ledger.head().size, rows(count, plain=plain)
    found = predicted(hospital, asked)
    entries = list(hospital.site.ledger.entries(before))
    assert [one.index for one in found] == list(range(before, before + count))
    assert [one.about for one in entries] == [one.id for one in found]
    assert len({one.at for one in entries}) == 1  # a transaction has one time
    for place, (entry, row) in enumerate(zip(entries, asked, strict=True)):
        body = entry.value["body"]
        assert (body["row"], body["rows"]) == (place, count)
        if place % 50 == 0:
            opened = hospital.site.ledger.opened(entry)
            assert opened is not None
            assert json.loads(opened["input"]) == row.input
            assert opened["subject"] == row.subject
    hospital.site.verify()


def test_a_row_in_a_batch_gets_the_answer_that_it_gets_alone(hospital: Hospital) -> None:
    asked = rows(40)
    together, long_way = predicted(hospital, asked), predicted(hospital, [*asked, GAP])
    assert [one.scores for one in together] == [one.scores for one in long_way[:-1]]
    for row, one in zip(asked[::9], together[::9], strict=True):
        (alone,) = predicted(hospital, [row])
        assert (alone.scores, alone.label) == (one.scores, one.label)


def test_and_the_event_that_it_gets_alone(hospital: Hospital) -> None:
    asked = rows(3)
    ledger, told = hospital.site.ledger, list[object]()
    for found in (predicted(hospital, asked)[1], predicted(hospital, [*asked, GAP])[1]):
        event = ledger.entry(found.index).value
        body = event["body"] | {"latency_us": 0, "rows": 0}
        told.append((body, ledger.opened(ledger.entry(found.index)), event["door"]))
    assert asked[1].subject is not None
    assert told[0] == told[1]


def test_one_row_that_the_gate_refuses_leaves_none(hospital: Hospital) -> None:
    asked = rows(MANY)
    asked[300] = Row({"radius": 99}, "patient-8")
    with pytest.raises(InputRefused, match="row 300"):
        predicted(hospital, asked)
    assert hospital.site.ledger.find(kind=EventKind.PREDICTION) == ()
    (refusal,) = hospital.site.ledger.find(kind=EventKind.REFUSAL)
    assert refusal.value["body"]["row"] == 300


def test_a_batch_larger_than_the_queue_is_taken_where_nothing_waits(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "MAX_WAITING", 8)
    assert len(predicted(hospital, rows(20))) == 20
