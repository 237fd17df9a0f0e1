"""Erasure by two people, and legal holds, on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bedside.errors import Conflict, InputRefused, NotFound, PermissionRefused, UsageError
from bedside.ledger.events import Draft, EventKind
from bedside.people.permissions import Role
from bedside.serving.erasing import Target
from bedside.serving.trace import verify_trace
from bedside.serving.values import Decision, Row, Verdict
from bedside.site.site import Site
from tests.bedside_site import MODEL, ROW
from tests.serving.ward import PATIENT, Ward

MAY_NOT_CONFIRM = "cannot confirm it"


class TestTwoPeople:
    def test_erase_what_one_asks_and_another_confirms(self, ward: Ward) -> None:
        one = ward.predict()
        ward.erase(Target(PATIENT))
        assert ward.steps() == ["requested", "confirmed", "done"]
        told = ward.site.serving.trace(ward.hospital["clinician"].caller, one.id)
        assert told.prediction.personal is None
        assert ward.site.subject_keys.known(PATIENT) is None

    def test_are_not_one(self, ward: Ward) -> None:
        ward.predict()
        asked = ward.erasing.request(ward.first, Target(PATIENT), "asked")
        with pytest.raises(PermissionRefused, match=MAY_NOT_CONFIRM):
            ward.erasing.confirm(ward.first, asked.id, Target(PATIENT))
        assert ward.site.subject_keys.known(PATIENT) is not None
        (refused,) = ward.site.ledger.find(kind=EventKind.PERMISSION_REFUSED)
        assert refused.value["body"]["action"] == "erase-confirm"

    def test_must_have_the_role(self, ward: Ward) -> None:
        ward.predict()
        asked = ward.erasing.request(ward.first, Target(PATIENT), "asked")
        for role in set(Role) - {Role.CUSTODIAN}:
            caller = ward.hospital[role.value].caller
            with pytest.raises(PermissionRefused, match="may not erase-confirm"):
                ward.erasing.confirm(caller, asked.id, Target(PATIENT))
            if role is not Role.CLINICIAN:
                with pytest.raises(PermissionRefused, match="may not erase-request"):
                    ward.erasing.request(caller, Target(PATIENT), "asked")
            with pytest.raises(PermissionRefused, match="may not hold-place"):
                ward.erasing.hold(caller, Target(PATIENT), "file-1", "complaint")
        refused = ward.site.ledger.find(kind=EventKind.PERMISSION_REFUSED)
        assert len(refused) == 17
        assert not any(PATIENT.encode() in entry.event for entry in refused)

    def test_name_the_same_person(self, ward: Ward) -> None:
        ward.predict()
        ward.predict("somebody-else")
        asked = ward.erasing.request(ward.first, Target(PATIENT), "asked")
        with pytest.raises(Conflict, match="for somebody or something else"):
            ward.erasing.confirm(ward.second, asked.id, Target("somebody-else"))
        assert ward.steps() == ["requested"]

    def test_stand_in_the_trace_with_their_proofs(self, ward: Ward) -> None:
        one = ward.predict()
        clinician = ward.hospital["clinician"].caller
        decision = Decision(Verdict.DISAGREE, reason="as Mrs Example said")
        ward.site.serving.decide(clinician, one.id, decision)
        erased = ward.erase(Target(PATIENT))
        trace = ward.site.serving.trace(clinician, one.id)
        document = trace.document()
        for told in (document["prediction"], document["decisions"][0]):
            assert told["personal"] == "erased"
            assert told["erasure"]["id"] == erased
            assert told["erasure"]["requested_by"]["name"] == "Person custodian"
            assert told["erasure"]["confirmed_by"]["name"] == "Person custodian-2"
            assert told["erasure"]["case"] == "file-17"
        words = [one["event"]["body"]["step"] for one in document["erasures"]]
        assert words == ["requested", "confirmed", "done"]
        verify_trace(document, ward.site.ledger.public_key)
        for language, said in (("en", "requested by Person custodian"), ("ja", "本人の請求")):
            text = trace.text("ja" if language == "ja" else "en")
            assert said in text
            assert "Mrs Example" not in text
            assert PATIENT not in text


class TestARequest:
    def test_can_be_withdrawn_and_made_anew(self, ward: Ward) -> None:
        ward.predict()
        asked = ward.erasing.request(ward.first, Target(PATIENT), "asked")
        with pytest.raises(Conflict, match="is pending already"):
            ward.erasing.request(ward.second, Target(PATIENT), "asked")
        ward.erasing.withdraw(ward.first, asked.id)
        with pytest.raises(Conflict, match="is withdrawn"):
            ward.erasing.confirm(ward.second, asked.id, Target(PATIENT))
        with pytest.raises(Conflict, match="cannot be withdrawn"):
            ward.erasing.withdraw(ward.first, asked.id)
        ward.erase(Target(PATIENT))

    def test_is_over_after_its_time(self, ward: Ward) -> None:
        ward.predict()
        asked = ward.erasing.request(ward.first, Target(PATIENT), "asked")
        ward.clock.advance(14 * 86_400 + 1)
        with pytest.raises(Conflict, match="is expired since 2026-12-05"):
            ward.erasing.confirm(ward.second, asked.id, Target(PATIENT))
        ward.erase(Target(PATIENT))  # one that is over is in nobody's way

    def test_is_over_by_the_time_under_which_its_confirmation_would_stand(self, ward: Ward) -> None:
        ward.predict()
        asked = ward.erasing.request(ward.first, Target(PATIENT), "asked")
        ward.clock.advance(14 * 86_400 + 2)  # another machine, whose clock is ahead of ours
        ward.site.ledger.record(Draft(EventKind.BACKUP, "a-generation", "system", "system"))
        ward.clock.advance(-3)
        with pytest.raises(Conflict, match="is expired since 2026-12-05"):
            ward.erasing.confirm(ward.second, asked.id, Target(PATIENT))
        assert ward.steps() == ["requested"]
        ward.site.close()
        Site.open(ward.site.folder, ward.clock).close()

    def test_of_something_unknown_is_refused_without_saying_whom(self, ward: Ward) -> None:
        with pytest.raises(NotFound) as found:
            ward.erasing.request(ward.first, Target("Hanako Example"), "asked")
        assert "Hanako" not in str(found.value)
        with pytest.raises(NotFound):
            ward.erasing.confirm(ward.second, "nothing", Target("Hanako Example"))

    def test_names_nobody(self, ward: Ward) -> None:
        ward.predict()
        for reason, case in (
            ("because she said so", ""),
            ("asked", "patient-0042"),
            ("asked", "file-Patient.0042"),
            ("asked", "0042"),
            ("asked", "Mrs Example"),
            ("asked", "x" * 41),
        ):
            with pytest.raises(UsageError):
                ward.erasing.request(ward.first, Target(PATIENT), reason, case)
        assert not ward.steps()

    def test_tells_of_keys_alone(self, ward: Ward) -> None:
        one = ward.predict()
        ward.erase(Target(PATIENT))
        key = ward.site.ledger.entry(one.index).value["sealed"]["key"]
        for entry in ward.site.ledger.find(kind=EventKind.ERASURE):
            assert entry.value["body"]["keys"] == [key]
            assert entry.value["sealed"] is None
            assert PATIENT.encode() not in entry.event


class TestAPredictionWithoutASubject:
    def test_is_erased_alone(self, ward: Ward) -> None:
        one, other = ward.predict(None), ward.predict(None)
        ward.erase(Target(prediction=one.id))
        clinician = ward.hospital["clinician"].caller
        assert ward.site.serving.trace(clinician, one.id).prediction.personal is None
        assert ward.site.serving.trace(clinician, other.id).prediction.personal
        with pytest.raises(NotFound, match="its key was destroyed"):
            ward.erasing.request(ward.first, Target(prediction=one.id), "asked")

    def test_that_has_one_is_not_erased_by_its_id(self, ward: Ward) -> None:
        one = ward.predict()
        with pytest.raises(Conflict, match="belongs to a person") as found:
            ward.erasing.request(ward.first, Target(prediction=one.id), "asked")
        assert PATIENT not in str(found.value)

    def test_may_be_a_refused_input(self, ward: Ward) -> None:
        clinician = ward.hospital["clinician"].caller
        with pytest.raises(InputRefused):
            ward.site.serving.predict_now(clinician, MODEL, [Row({"radius": 1e9})])
        (refused,) = ward.site.ledger.find(kind=EventKind.REFUSAL)
        ward.erase(Target(prediction=refused.id))
        with pytest.raises(NotFound, match="neither a prediction nor"):
            ward.erase(Target(prediction=ward.site.ledger.entry(0).id))


class TestAHold:
    def test_refuses_the_erasure_by_name(self, ward: Ward) -> None:
        ward.predict()
        ward.erasing.hold(ward.first, Target(PATIENT), "case-2026-14", "litigation")
        with pytest.raises(Conflict, match=r"legal hold 'case-2026-14' \(litigation\)"):
            ward.erasing.request(ward.first, Target(PATIENT), "asked")

    def test_that_comes_after_the_request_refuses_its_confirmation(self, ward: Ward) -> None:
        ward.predict()
        asked = ward.erasing.request(ward.first, Target(PATIENT), "asked")
        ward.erasing.hold(ward.first, Target(PATIENT), "case-2026-14", "incident")
        with pytest.raises(Conflict, match="case-2026-14"):
            ward.erasing.confirm(ward.second, asked.id, Target(PATIENT))
        ward.erasing.lift(ward.second, "case-2026-14")
        ward.erasing.confirm(ward.second, asked.id, Target(PATIENT))

    def test_is_lifted_by_another_than_who_placed_it(self, ward: Ward) -> None:
        ward.predict()
        ward.erasing.hold(ward.first, Target(PATIENT), "case-1", "authority")
        with pytest.raises(PermissionRefused, match="cannot lift it"):
            ward.erasing.lift(ward.first, "case-1")
        ward.erasing.lift(ward.second, "case-1")
        with pytest.raises(NotFound, match="No legal hold"):
            ward.erasing.lift(ward.second, "case-1")
        ward.erase(Target(PATIENT))

    def test_of_a_name_stands_once(self, ward: Ward) -> None:
        ward.predict()
        ward.erasing.hold(ward.first, Target(PATIENT), "case-1", "authority")
        with pytest.raises(Conflict, match="stands already"):
            ward.erasing.hold(ward.second, Target(PATIENT), "case-1", "complaint")
        ward.erasing.hold(ward.second, Target(PATIENT), "case-2", "complaint")
        with pytest.raises(UsageError):
            ward.erasing.hold(ward.second, Target(PATIENT), "for " + PATIENT, "complaint")


@pytest.mark.parametrize("act", ["predict", "decide"])
def test_nothing_is_recorded_under_a_key_that_was_destroyed_meanwhile(
    ward: Ward, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = ward.predict()
    key = ward.site.ledger.entry(one.index).value["sealed"]["key"]
    submit = ward.site.group.submit
    erased: list[str] = []

    def erase_first(*arguments: Any, **options: Any) -> Any:
        if not erased:
            erased.append(ward.erase(Target(PATIENT)))
        return submit(*arguments, **options)

    monkeypatch.setattr(ward.site.group, "submit", erase_first)
    if act == "predict":
        again = ward.predict()
        found = ward.site.ledger.entry(again.index).value["sealed"]["key"]
        assert found != key
        assert ward.site.subject_keys.standing([found]) == {found: True}
    else:
        clinician = ward.hospital["clinician"].caller
        with pytest.raises(Conflict, match="was erased"):
            ward.site.serving.decide(clinician, one.id, Decision(Verdict.AGREE))
        assert not ward.site.ledger.find(kind=EventKind.DECISION)
    done = ward.site.ledger.find(kind=EventKind.ERASURE, newest_first=True, limit=1)[0]
    after = ward.site.ledger.entries(done.index)
    assert not any((entry.value["sealed"] or {}).get("key") == key for entry in after)


def test_keys_that_another_process_destroyed_are_dropped_from_memory(ward: Ward) -> None:
    ward.predict()
    with Site.open(ward.site.folder, ward.clock) as other:
        keys = other.subject_keys
        other.erasing.forgetting.look()
        keys.for_subject(PATIENT)
        other.erasing.forgetting.look()
        assert keys._remembered
        ward.erase(Target(PATIENT))
        other.erasing.forgetting.look()
        assert not keys._remembered


def test_the_same_person_later_has_a_new_key_that_is_erased_anew(ward: Ward) -> None:
    first = ward.predict()
    ward.erase(Target(PATIENT))
    second = ward.predict()
    keys = {ward.site.ledger.entry(one.index).value["sealed"]["key"] for one in (first, second)}
    assert len(keys) == 2
    ward.erase(Target(PATIENT))
    assert ward.site.subject_keys.standing(keys) == {}
    ward.site.verify()


def test_who_may_not_see_the_subject_sees_a_pseudonym(ward: Ward) -> None:
    one, other = ward.predict(), ward.predict("somebody-else")
    serving, auditor = ward.site.serving, ward.hospital["auditor"].caller
    told = serving.trace(auditor, one.id)
    assert isinstance(told.prediction.personal, dict)
    assert "subject" not in told.prediction.personal
    pseudonym = told.prediction.personal["pseudonym"]
    assert pseudonym in told.text()
    assert pseudonym in told.text("ja")
    assert PATIENT not in told.text()
    assert told.prediction.personal["input"] == ROW
    another = serving.trace(auditor, other.id).prediction.personal
    assert isinstance(another, dict)
    assert another["pseudonym"] != pseudonym
    for caller in (ward.first, ward.hospital["clinician"].caller):
        personal = serving.trace(caller, one.id).prediction.personal
        assert isinstance(personal, dict)
        assert personal["subject"] == PATIENT


def test_reading_a_trace_is_on_record_before_it_is_told(ward: Ward) -> None:
    one = ward.predict()
    clinician, auditor = (ward.hospital[who].caller for who in ("clinician", "auditor"))
    first = ward.site.serving.trace(clinician, one.id)
    second = ward.site.serving.trace(replace(auditor, door="cli"), one.id)
    found = ward.site.ledger.find(kind=EventKind.TRACE_READ, about=one.id)
    assert [(e.value["actor"], e.value["door"], e.value["body"]) for e in found] == [
        (clinician.person.id, "rest", {"subject": "shown"}),
        (auditor.person.id, "cli", {"subject": "pseudonym"}),
    ]
    # no recursion: what was read adds nothing to the story, nor another signature
    assert len(first.proofs) == len(second.proofs)
    assert first.checkpoint == second.checkpoint
    with pytest.raises(NotFound):
        ward.site.serving.trace(clinician, "no-such-prediction")
    assert len(ward.site.ledger.find(kind=EventKind.TRACE_READ)) == 2


def test_what_somebody_asked_about_without_a_right_is_not_kept_where_it_could_be_a_name(
    ward: Ward,
) -> None:
    operator = ward.hospital["operator"].caller
    with pytest.raises(PermissionRefused):
        ward.site.serving.trace(operator, "Hanako Example")
    with pytest.raises(PermissionRefused):
        ward.site.serving.decide(operator, "Hanako Example", Decision(Verdict.AGREE))
    refused = ward.site.ledger.find(kind=EventKind.PERMISSION_REFUSED)
    assert len(refused) == 2
    assert not any(b"Hanako" in entry.event for entry in refused)
