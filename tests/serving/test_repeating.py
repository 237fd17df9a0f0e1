from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from bedside.canonical import Json
from bedside.errors import (
    Conflict,
    InputRefused,
    PermissionRefused,
    RepeatDiffers,
    UsageError,
)
from bedside.ledger.events import EventKind
from bedside.people.permissions import Role
from bedside.serving.attempt import Terms
from bedside.serving.repeating import Once, Predicted
from bedside.serving.serving import Serving
from bedside.serving.values import Decision, Prediction, Row, Verdict
from bedside.site.site import Site
from tests import bedside_site
from tests.bedside_site import MODEL, ROW, Hospital
from tests.conftest import SettableClock
from tests.package.building import ROWS
from tests.package.building_images import ROW as FILM
from tests.serving.films import FILMS, release_films

ONCE = Once("predict", "8e03978e-40d5-43e8-bc93-6894a57f9324")
OTHER = Once("predict", "another")
TWO = (Row(ROWS[0], "patient-7"), Row(ROWS[3]))


def predicted(
    hospital: Hospital,
    rows: Sequence[Row] = TWO,
    once: Once = ONCE,
    *,
    who: str = "clinician",
    model: str = MODEL,
    terms: Terms | None = None,
) -> Predicted:
    repeating, caller = hospital.site.repeating, hospital[who].caller
    work = repeating.predict(caller, model, rows, once, terms=terms or Terms())
    return asyncio.run(work)


def recorded(hospital: Hospital) -> int:
    return len(hospital.site.ledger.find(kind=EventKind.PREDICTION, limit=1000))


def test_a_repeat_gets_the_same_answer_and_records_nothing(hospital: Hospital) -> None:
    first, again = predicted(hospital), predicted(hospital)
    assert (first.repeated, again.repeated) == (False, True)
    assert again.predictions == first.predictions
    assert recorded(hospital) == 2


def test_so_does_one_of_another_process(hospital: Hospital) -> None:
    first = predicted(hospital)
    with Site.open(hospital.site.folder) as other:
        again = predicted(Hospital(other, hospital.people, hospital.key))
    assert again.predictions == first.predictions


def test_of_many_at_once_one_is_recorded(hospital: Hospital) -> None:
    repeating, caller = hospital.site.repeating, hospital["clinician"].caller

    async def all_of_them() -> list[Predicted]:
        work = (repeating.predict(caller, MODEL, TWO, ONCE) for _ in range(12))
        return await asyncio.gather(*work)

    found = asyncio.run(all_of_them())
    assert [one.repeated for one in found].count(False) == 1
    assert len({one.predictions[0].id for one in found}) == 1
    assert recorded(hospital) == 2


def test_a_repeat_after_a_release_gets_the_answer_of_the_version_that_gave_it(
    hospital: Hospital,
) -> None:
    first = predicted(hospital)
    hospital.release(version="2.0.0")
    again = predicted(hospital)
    assert again.predictions == first.predictions
    assert again.predictions[0].manifest.version == "1.2.3"
    assert predicted(hospital, once=OTHER).predictions[0].manifest.version == "2.0.0"


def test_and_after_the_model_was_retired(hospital: Hospital) -> None:
    first = predicted(hospital)
    hospital.site.registry.retire(hospital["operator"].caller, f"{MODEL}@1.2.3", "superseded")
    hospital.site.serving.models.refresh()
    assert predicted(hospital).predictions == first.predictions


def test_another_request_under_the_key_is_refused_with_advice(hospital: Hospital) -> None:
    predicted(hospital)
    before = hospital.site.ledger.head()
    for rows in (
        (TWO[0],),
        (TWO[1], TWO[0]),
        (Row(ROWS[0] | {"age": 51}, "patient-7"), TWO[1]),
        (Row(ROWS[0], "patient-8"), TWO[1]),
        (Row(ROWS[0]), TWO[1]),
        (Row({"radius": 2**80}, "patient-7"), TWO[1]),
        (Row("\ud800", "patient-7"), TWO[1]),
    ):
        with pytest.raises(RepeatDiffers, match="was used for another request") as refused:
            predicted(hospital, rows)
        assert "new key" in refused.value.advice
    assert hospital.site.ledger.head() == before


def test_another_version_under_the_key_is_another_request(hospital: Hospital) -> None:
    predicted(hospital, terms=Terms("1.2.3"))
    assert predicted(hospital, terms=Terms("1.2.3")).repeated
    hospital.release(version="2.0.0")
    with pytest.raises(RepeatDiffers, match=r"1\.2\.3"):
        predicted(hospital, terms=Terms("2.0.0"))


def test_a_key_belongs_to_one_person_one_route_and_one_model(hospital: Hospital) -> None:
    admin = hospital["administrator"].caller
    person = hospital.site.people.add(admin, "Second Clinician", {Role.CLINICIAN})
    issued = hospital.site.people.issue_key(admin, person.id, "test")
    other = hospital.site.people.sign_in(issued.secret, "rest")
    first = predicted(hospital)
    theirs = asyncio.run(hospital.site.repeating.predict(other, MODEL, TWO, ONCE))
    by_tensors = predicted(hospital, once=Once("infer", ONCE.key))
    assert not theirs.repeated
    assert not by_tensors.repeated
    ids = {one.predictions[0].id for one in (first, theirs, by_tensors)}
    assert len(ids) == 3


def test_whoever_may_not_predict_any_more_hears_nothing(hospital: Hospital) -> None:
    predicted(hospital)
    with pytest.raises(PermissionRefused):
        predicted(hospital, who="auditor")


def test_a_refused_input_leaves_the_key_free(hospital: Hospital) -> None:
    with pytest.raises(InputRefused):
        predicted(hospital, (Row({"radius": 99.5}),))
    first = predicted(hospital)
    assert not first.repeated
    assert len(hospital.site.ledger.find(kind=EventKind.REFUSAL)) == 1


def test_the_answer_about_an_erased_person_is_not_told_again(hospital: Hospital) -> None:
    first = predicted(hospital)
    entry = hospital.site.ledger.entry(first.predictions[0].index)
    hospital.site.subject_keys.destroy(entry.value["sealed"]["key"])
    with pytest.raises(Conflict, match="erased"):
        predicted(hospital)
    assert recorded(hospital) == 2


def test_after_the_retention_the_key_is_new(tmp_path: Path, clock: SettableClock) -> None:
    built = bedside_site.build(tmp_path / "site", clock)
    with built.site as site:
        built.release()
        first = predicted(built)
        clock.advance(3600 * site.settings.limits.repeat_hours - 1)
        assert predicted(built).predictions == first.predictions
        clock.advance(2)
        again = predicted(built)
        assert not again.repeated
        assert recorded(built) == 4


def test_a_lost_answer_is_found_again(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a crash between the commit and the answer: the record stands, nobody heard it."""
    original = Serving.predict

    async def unheard(self: Serving, *args: object, **named: object) -> tuple[Prediction, ...]:
        await original(self, *args, **named)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(Serving, "predict", unheard)
    with pytest.raises(KeyboardInterrupt):
        predicted(hospital)
    monkeypatch.undo()
    again = predicted(hospital)
    assert again.repeated
    assert recorded(hospital) == 2


def test_a_picture_is_told_again_with_its_flags_and_facts(hospital: Hospital) -> None:
    release_films(hospital)
    row: dict[str, Json] = {"image": FILM["image"], "modality": "DX"}
    first = predicted(hospital, [Row(row)], model=FILMS)
    again = predicted(hospital, [Row(row)], model=FILMS)
    assert again.repeated
    assert again.predictions == first.predictions
    assert [flag.code for flag in again.predictions[0].flags] == ["body-part-unstated"]
    assert again.predictions[0].picture is not None
    for other in ({**row, "view": "PA"}, {**row, "image": "AAAA"}, {"image": 7}, {}, None, [1]):
        with pytest.raises(RepeatDiffers):
            predicted(hospital, [Row(other)], model=FILMS)


DECISION = Decision(Verdict.CORRECTED, "benign", "the biopsy says so")
DECIDED = Once("decision", "a-key")


def test_a_decision_is_recorded_once(hospital: Hospital) -> None:
    prediction = predicted(hospital).predictions[0]
    caller, repeating = hospital["clinician"].caller, hospital.site.repeating
    decision = Decision(Verdict.AGREE)
    first = repeating.decide(caller, prediction.id, decision, DECIDED)
    again = repeating.decide(caller, prediction.id, decision, DECIDED)
    assert (first[1], again[1]) == (False, True)
    assert first[0] == again[0]
    assert len(hospital.site.ledger.find(kind=EventKind.DECISION)) == 1
    other = Decision(Verdict.DISAGREE, None, "no")
    with pytest.raises(RepeatDiffers):
        repeating.decide(caller, prediction.id, other, DECIDED)


def test_another_decision_under_its_key_is_refused(hospital: Hospital) -> None:
    prediction = predicted(hospital, (Row(ROW),)).predictions[0]
    caller, repeating = hospital["clinician"].caller, hospital.site.repeating
    repeating.decide(caller, prediction.id, DECISION, DECIDED)
    for other in (
        Decision(Verdict.CORRECTED, "malignant", "the biopsy says so"),
        Decision(Verdict.CORRECTED, "benign", "because"),
        Decision(Verdict.CORRECTED, None, "the biopsy says so"),
        Decision(Verdict.AGREE, None, "the biopsy says so"),
    ):
        with pytest.raises(RepeatDiffers):
            repeating.decide(caller, prediction.id, other, DECIDED)


def test_a_decision_that_does_not_fit_leaves_the_key_free(hospital: Hospital) -> None:
    prediction = predicted(hospital, (Row(ROW),)).predictions[0]
    caller, repeating = hospital["clinician"].caller, hospital.site.repeating
    with pytest.raises(UsageError):
        repeating.decide(caller, prediction.id, Decision(Verdict.CORRECTED, "no label"), DECIDED)
    assert repeating.decide(caller, prediction.id, DECISION, DECIDED)[1] is False


def test_the_name_of_a_claim_tells_nothing(hospital: Hospital) -> None:
    once = Once("predict", "patient-4711")
    predicted(hospital, once=once)
    claim = hospital.site.repeating._claim(hospital["clinician"].caller, once, MODEL)
    assert len(claim.name) == 64
    for path in hospital.site.folder.rglob("*"):
        assert not path.is_file() or b"patient-4711" not in path.read_bytes()
