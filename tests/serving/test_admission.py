"""What an analysis is admitted with, and what is on record of one that gave no answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bedside.canonical import canonical_bytes
from bedside.errors import LedgerBroken, NotFound
from bedside.jobs.child import Child
from bedside.jobs.errand import Over
from bedside.jobs.frames import Frame
from bedside.jobs.job import State
from bedside.ledger.events import EventKind
from bedside.package.volumes import VolumeInput
from bedside.runtime.volume_memory import bytes_for
from bedside.serving.trace import verify_trace
from bedside.serving.values import Decision, Verdict
from tests.bedside_site import DOOR
from tests.conftest import SettableClock
from tests.serving.test_analysing import PATIENT, Ward, once
from tests.serving.volumes import HEADS, finished, release_heads
from tests.site_copies import Original
from tests.volume_packages import TWO_WHOLE, head, head_nifti


@pytest.fixture
def ward(kept: Original, tmp_path: Path, clock: SettableClock) -> Iterator[Ward]:
    with kept.copied(tmp_path, clock) as hospital:
        yield Ward(hospital, clock)


def test_the_memory_of_an_analysis_is_declared_by_the_header_of_what_came(ward: Ward) -> None:
    manifest = ward.site.serving.models.fetch(HEADS).manifest
    declared = manifest.input
    assert isinstance(declared, VolumeInput)
    job = ward.submit()
    volume = head()
    assert job.memory == bytes_for(manifest, volume.values.size) + len(head_nifti())
    assert job.memory < bytes_for(manifest, declared.most_voxels)


def test_a_release_that_takes_more_memory_is_declared_anew_before_it_computes(ward: Ward) -> None:
    larger = replace(TWO_WHOLE, version="2.0.0", memory=512 * 2**20)
    job = ward.submit()
    release_heads(ward.hospital, larger)
    with ward.at_work():
        found = finished(ward.site, job.id)
    assert (found.state, found.restarts) == (State.DONE, 1)
    manifest = ward.site.serving.models.fetch(HEADS).manifest
    assert found.memory == bytes_for(manifest, head().values.size) + len(head_nifti())
    assert found.memory > job.memory


def test_an_analysis_of_which_no_answer_came_is_on_record(ward: Ward) -> None:
    def nothing() -> None:
        raise Over(State.FAILED, "took-too-long")

    analysing = ward.with_faults(once("computed", nothing))
    failed, cancelled = ward.submit(PATIENT, analysing), ward.submit(PATIENT)
    ward.site.analysing.cancel(ward.clinician, cancelled.id)
    ward.site.analysing.cancel(ward.clinician, cancelled.id)
    with ward.at_work(analysing):
        assert finished(ward.site, failed.id).code == "took-too-long"
    events = ward.site.ledger.find(kind=EventKind.ANALYSIS_ENDED)
    assert [one.value["about"] for one in events] == [cancelled.id, failed.id]
    person = ward.clinician.person.id
    assert [one.value["actor"] for one in events] == [person, "system"]
    assert [one.value["body"]["state"] for one in events] == ["cancelled", "failed"]
    assert events[1].value["body"]["code"] == "took-too-long"
    for job, ended in ((cancelled, "cancelled"), (failed, "took-too-long")):
        trace = ward.site.serving.trace(ward.clinician, job.id)
        document = json.loads(json.dumps(trace.document()))
        body = document["prediction"]["event"]["body"]
        assert (body["code"], body["asked_by"], body["asked_at"]) == (ended, person, job.created_at)
        assert (body["model"], body["asked_through"]) == (HEADS, DOOR)
        assert (document["decisions"], document["lifecycle"]) == ([], [])
        assert "manifest" not in document
        assert verify_trace(document, ward.site.ledger.public_key).package == ""
        document["manifest"] = {"title": "another"}
        with pytest.raises(LedgerBroken, match="names none"):
            verify_trace(document, ward.site.ledger.public_key)
        assert f"Analysis without an answer {job.id}" in trace.text("en")
        assert ended in trace.text("ja")
    with pytest.raises(NotFound):
        ward.site.serving.decide(ward.clinician, failed.id, Decision(Verdict.AGREE))


def test_an_analysis_that_was_refused_is_traced_by_its_id(ward: Ward) -> None:
    job = ward.submit(PATIENT, modality="CT")
    with ward.at_work():
        assert finished(ward.site, job.id).state is State.REFUSED
    trace = ward.site.serving.trace(ward.clinician, job.id)
    document = json.loads(json.dumps(trace.document()))
    told = document["prediction"]
    assert (told["event"]["kind"], told["personal"]["subject"]) == ("refusal", PATIENT)
    assert told["event"]["body"]["refusals"] == [{"code": "out-of-domain", "field": "modality"}]
    assert told["event"]["actor"] == ward.clinician.person.id
    package = verify_trace(document, ward.site.ledger.public_key).package
    assert package == told["event"]["body"]["package"]
    assert document["lifecycle"][-1]["event"]["kind"] == "release"
    for words in (f"Refused {job.id}", "modality: out-of-domain ('CT')", PATIENT, f"{HEADS}@1.0.0"):
        assert words in trace.text("en"), words
    auditor = ward.hospital["auditor"].caller
    heard = ward.site.serving.trace(auditor, job.id).document()["prediction"]
    assert set(heard["personal"]) == {"pseudonym"}
    ward.site.subject_keys.destroy(job.key_id)
    erased = ward.site.serving.trace(ward.clinician, job.id)
    assert erased.document()["prediction"]["personal"] == "erased"
    assert PATIENT not in erased.text("en")
    assert "modality: out-of-domain" in erased.text("en")
    verify_trace(erased.document(), ward.site.ledger.public_key)


def test_what_computed_to_its_end_and_failed_is_traced_with_its_version(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_child: Child) -> Iterator[tuple[Frame, bytes]]:
        yield Frame.WORDS, canonical_bytes({"problem": "memory", "message": "m", "advice": "a"})

    job = ward.submit()
    monkeypatch.setattr(Child, "hear", none)
    with ward.at_work():
        assert finished(ward.site, job.id).code == "memory"
    document = ward.site.serving.trace(ward.clinician, job.id).document()
    body = document["prediction"]["event"]["body"]
    assert (body["version"], body["package"]) == (
        "1.0.0",
        verify_trace(document, ward.site.ledger.public_key).package,
    )
    assert document["manifest"]["name"] == HEADS
    document["decisions"].append(document["prediction"])
    with pytest.raises(LedgerBroken, match="no decision"):
        verify_trace(document, ward.site.ledger.public_key)
