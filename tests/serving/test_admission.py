"""What an analysis is admitted with, and what is on record of one that gave no answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bedside.jobs.errand import Over
from bedside.jobs.job import State
from bedside.ledger.events import EventKind
from bedside.package.volumes import VolumeInput
from bedside.runtime.volume_memory import bytes_for
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
