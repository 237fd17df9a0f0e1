from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import nullcontext

import pytest

from bedside.errors import (
    Conflict,
    InputRefused,
    NotFound,
    PermissionRefused,
    Unavailable,
    UsageError,
)
from bedside.ledger.claims import Claim
from bedside.ledger.events import Draft, EventKind
from bedside.ledger.group import Recorded
from bedside.serving import outcomes
from bedside.serving.attempt import Attempt
from bedside.serving.values import Decision, Prediction, Row, Verdict
from tests.bedside_site import MODEL, ROW, Hospital
from tests.package.building import ROWS, expected_probability


def predicted(hospital: Hospital, *rows: Row) -> tuple[Prediction, ...]:
    caller = hospital["clinician"].caller
    return hospital.site.serving.predict_now(caller, MODEL, rows or (Row(ROW),))


def test_with_and_without_an_event_loop_the_answer_is_the_same(hospital: Hospital) -> None:
    (now,) = predicted(hospital)
    (later,) = asyncio.run(
        hospital.site.serving.predict(hospital["clinician"].caller, MODEL, [Row(ROW)])
    )
    assert (now.label, now.scores) == (later.label, later.scores)
    assert now.scores["malignant"] == pytest.approx(
        expected_probability(20.5, 71, "male"), abs=1e-6
    )
    assert later.index == now.index + 1


def test_the_personal_part_is_sealed_and_the_rest_is_clear(hospital: Hospital) -> None:
    (one,) = predicted(hospital, Row(ROW, "patient-7"))
    entry = hospital.site.ledger.entry(one.index)
    body = entry.value["body"]
    assert body["latency_us"] > 0
    assert {**body, "latency_us": 0, "input": ""} == {
        "model": MODEL,
        "version": "1.2.3",
        "package": one.package,
        "epoch": 1,
        "input": "",
        "row": 0,
        "rows": 1,
        "latency_us": 0,
        "verdict": "accepted",
        "label": "malignant",
        "threshold": 0.5,
    }
    for personal in (b"patient-7", b"20.5", b"0.979"):
        assert personal not in entry.event
    opened = hospital.site.ledger.opened(entry)
    assert opened is not None
    assert opened["subject"] == "patient-7"
    assert json.loads(opened["input"]) == ROW
    assert opened["scores"] == one.scores


def test_the_input_digest_is_keyed_by_the_subject(hospital: Hospital) -> None:
    rows = [Row(ROW, "a"), Row(ROW, "a"), Row(ROW, "b"), Row(ROW), Row(ROW)]
    digests = [
        hospital.site.ledger.entry(one.index).value["body"]["input"]
        for one in predicted(hospital, *rows)
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4


def test_a_refusal_is_recorded_before_it_is_told(hospital: Hospital) -> None:
    with pytest.raises(InputRefused):
        predicted(hospital, Row({"radius": 99.5}, "patient-8"))
    (entry,) = hospital.site.ledger.find(kind=EventKind.REFUSAL)
    body = entry.value["body"]
    assert (body["verdict"], body["refusals"]) == (
        "refused",
        [{"field": "radius", "code": "out-of-range"}],
    )
    assert b"99.5" not in entry.event
    opened = hospital.site.ledger.opened(entry)
    assert opened is not None
    assert opened["subject"] == "patient-8"
    assert "99.5" in opened["refusals"][0]["value"]


@pytest.mark.parametrize("odd", [{"radius": 2**80}, {"\ud800": "\ud800"}, "text", [1, [2]], 7])
def test_even_what_canonical_json_cannot_say_is_refused_and_recorded(
    hospital: Hospital, odd: object
) -> None:
    with pytest.raises(InputRefused):
        predicted(hospital, Row(odd))
    (entry,) = hospital.site.ledger.find(kind=EventKind.REFUSAL)
    opened = hospital.site.ledger.opened(entry)
    assert opened is not None
    assert json.loads(opened["input"]) == odd


def test_the_end_of_an_endless_refused_input_is_cut_off(hospital: Hospital) -> None:
    with pytest.raises(InputRefused):
        predicted(hospital, Row({"x" * 200_000: 1}))
    (entry,) = hospital.site.ledger.find(kind=EventKind.REFUSAL)
    assert len(entry.event) < 200_000


def test_nobody_but_a_clinician_predicts_or_decides(hospital: Hospital) -> None:
    (one,) = predicted(hospital)
    auditor = hospital["auditor"].caller
    with pytest.raises(PermissionRefused):
        hospital.site.serving.predict_now(auditor, MODEL, [Row(ROW)])
    with pytest.raises(PermissionRefused):
        asyncio.run(hospital.site.serving.predict(auditor, MODEL, [Row(ROW)]))
    with pytest.raises(PermissionRefused):
        hospital.site.serving.decide(auditor, one.id, Decision(Verdict.AGREE))
    with pytest.raises(PermissionRefused):
        hospital.site.serving.trace(hospital["operator"].caller, one.id)
    assert len(hospital.site.ledger.find(kind=EventKind.PERMISSION_REFUSED)) == 4


def test_no_row_is_no_request(hospital: Hospital) -> None:
    with pytest.raises(UsageError, match="no row"):
        hospital.site.serving.predict_now(hospital["clinician"].caller, MODEL, [])


class Hanging:
    """A group commit that accepts everything and never confirms anything."""

    def submit(self, drafts: Sequence[Draft], claim: Claim | None = None) -> Recorded:
        return Future()


def test_a_record_that_nobody_confirms_is_told_as_uncertain(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = predicted(hospital)
    serving = hospital.site.serving
    monkeypatch.setattr(serving, "_group", Hanging())
    monkeypatch.setattr(outcomes, "RECORD_SECONDS", 0.01)
    for asked, look in (
        ([Row(ROW)], r"trace of [0-9a-f-]{36} before"),
        ([Row(ROW), Row(ROW)], r"trace of [0-9a-f-]{36} \(and 1 more\)"),
        ([Row({})], "look for a refusal about small-tumour@1.2.3"),
    ):
        with pytest.raises(Unavailable, match="may have been recorded") as caught:
            predicted(hospital, *asked)
        assert re.search(look, caught.value.advice)
    with pytest.raises(Unavailable, match="may have been recorded") as caught:
        serving.decide(hospital["clinician"].caller, one.id, Decision(Verdict.AGREE))
    assert f"trace of {one.id}" in caught.value.advice


@pytest.mark.parametrize(
    ("rows", "size", "inline"),
    [
        ([Row(ROW)] * 2, 65536, True),
        ([Row(ROW)], 65537, False),
        ([Row(ROW)] * 16, 0, True),
        ([Row(ROW)] * 17, 0, False),
        ([Row(ROW, "patient-7")], 0, False),
    ],
)
def test_what_is_large_is_computed_and_sealed_off_the_event_loop(
    hospital: Hospital,
    monkeypatch: pytest.MonkeyPatch,
    rows: list[Row],
    size: int,
    inline: bool,
) -> None:
    serving = hospital.site.serving
    hospital.site.subject_keys.for_nobody()  # so that there are keys at hand
    seen: list[int] = []
    attempt, submit = serving._attempt, serving._group.submit

    def attempting(*given: object) -> Attempt:
        seen.append(threading.get_ident())
        return attempt(*given)  # type: ignore[arg-type]

    def submitting(drafts: Sequence[Draft], claim: Claim | None = None) -> Recorded:
        seen.append(threading.get_ident())
        return submit(drafts, claim)

    monkeypatch.setattr(serving, "_attempt", attempting)
    monkeypatch.setattr(serving._group, "submit", submitting)
    asyncio.run(serving.predict(hospital["clinician"].caller, MODEL, rows, size=size))
    assert [thread == threading.get_ident() for thread in seen] == [inline, inline]


def test_a_release_takes_effect_at_the_next_answer(hospital: Hospital) -> None:
    (before,) = predicted(hospital)
    hospital.release(version="2.0.0")
    (after,) = predicted(hospital)
    assert (before.manifest.version, after.manifest.version) == ("1.2.3", "2.0.0")
    assert hospital.site.ledger.entry(after.index).value["body"]["epoch"] == 2


def test_an_answer_computed_before_a_release_is_never_recorded_after_it(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = hospital.site.serving
    predicted(hospital)
    ref = hospital.add(version="2.0.0")
    hospital.approve(ref)
    computed: list[str] = []
    attempt = serving._attempt

    def releasing_after_computing(*given: object) -> Attempt:
        found = attempt(*given)  # type: ignore[arg-type]
        computed.append(found.loaded.manifest.version)
        if len(computed) == 1:
            hospital.site.registry.release(hospital["operator"].caller, ref, "better")
        return found

    monkeypatch.setattr(serving, "_attempt", releasing_after_computing)
    row = Row(ROW, "patient-7")  # of a person: it goes the long way
    answer = asyncio.run(serving.predict(hospital["clinician"].caller, MODEL, [row]))
    assert computed == ["1.2.3", "2.0.0"]
    assert answer[0].manifest.version == "2.0.0"
    (release,) = hospital.site.ledger.find(kind=EventKind.RELEASE, about=ref)
    later = [e for e in hospital.site.ledger.entries(release.index) if e.kind == "prediction"]
    assert [e.value["body"]["version"] for e in later] == ["2.0.0"]


def test_releases_that_never_stop_changing_are_told_as_such(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving, site = hospital.site.serving, hospital.site
    attempt = serving._attempt

    def always_moving(*given: object) -> Attempt:
        found = attempt(*given)  # type: ignore[arg-type]
        with site.database.write() as connection:
            site.ledger.advance_fence(connection, f"release:{MODEL}")
        return found

    monkeypatch.setattr(serving, "_attempt", always_moving)
    with pytest.raises(Unavailable, match="changed 5 times"):
        predicted(hospital)
    assert site.ledger.find(kind=EventKind.PREDICTION) == ()


def test_after_retirement_nothing_answers(hospital: Hospital) -> None:
    predicted(hospital)
    hospital.site.registry.retire(hospital["operator"].caller, f"{MODEL}@1.2.3", "superseded")
    with pytest.raises(Unavailable, match="No version"):
        predicted(hospital)


def test_every_decision_stays_and_the_last_one_stands(hospital: Hospital) -> None:
    (one,) = predicted(hospital)
    clinician, serving = hospital["clinician"].caller, hospital.site.serving
    first = serving.decide(clinician, one.id, Decision(Verdict.AGREE))
    second = serving.decide(clinician, one.id, Decision(Verdict.CORRECTED, "benign", "biopsy"))
    assert (first.label, second.label) == ("malignant", "benign")
    told = serving.trace(clinician, one.id).decisions
    assert [decision.event["body"]["verdict"] for decision in told] == ["agree", "corrected"]
    assert b"biopsy" not in hospital.site.ledger.entry(second.index).event


def test_there_is_no_decision_about_nothing(hospital: Hospital) -> None:
    clinician = hospital["clinician"].caller
    with pytest.raises(NotFound, match="no prediction 'unknown'"):
        hospital.site.serving.decide(clinician, "unknown", Decision(Verdict.AGREE))
    with pytest.raises(NotFound):
        hospital.site.serving.trace(clinician, "unknown")


def test_a_decision_stays_possible_when_the_author_is_trusted_no_more(hospital: Hospital) -> None:
    (one,) = predicted(hospital)
    hospital.site.registry.revoke_key(
        hospital["administrator"].caller, hospital.key.public.fingerprint
    )
    clinician = hospital["clinician"].caller
    decision = Decision(Verdict.CORRECTED, "benign", "biopsy")
    assert hospital.site.serving.decide(clinician, one.id, decision).label == "benign"


def test_nothing_is_decided_about_whoever_was_erased(hospital: Hospital) -> None:
    (one,) = predicted(hospital)
    key = hospital.site.ledger.entry(one.index).value["sealed"]["key"]
    hospital.site.subject_keys.destroy(key)
    with pytest.raises(Conflict, match="was erased"):
        hospital.site.serving.decide(hospital["clinician"].caller, one.id, Decision(Verdict.AGREE))


def test_a_batch_is_one_commit_in_order(hospital: Hospital) -> None:
    rows = [Row(row, f"patient-{n}") for n, row in enumerate(ROWS * 20)]
    answers = predicted(hospital, *rows)
    indices = [one.index for one in answers]
    assert indices == list(range(indices[0], indices[0] + 100))
    assert len({one.at for one in answers}) == 1


@pytest.mark.parametrize("rows", [[Row(ROW)] * 2, [Row({**ROW, "radius": 99.5})]])
def test_keys_that_are_used_up_are_made_off_the_event_loop(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch, rows: list[Row]
) -> None:
    keys, threads = hospital.site.subject_keys, []
    many = keys.many

    def noting(subjects: Sequence[str | None]) -> object:
        threads.append(threading.get_ident())
        return many(subjects)

    monkeypatch.setattr(keys, "many", noting)
    monkeypatch.setattr(keys, "at_hand", lambda count: None)
    work = hospital.site.serving.predict(hospital["clinician"].caller, MODEL, rows)
    with nullcontext() if len(rows) > 1 else pytest.raises(InputRefused):
        asyncio.run(work)
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()
