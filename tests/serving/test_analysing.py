"""Analyses as a use case: who may, which version answers, what is recorded, kept and erased."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bedside.errors import (
    Conflict,
    KeyUnavailable,
    NotFound,
    RepeatDiffers,
    Unavailable,
    UsageError,
)
from bedside.jobs.errand import Again, Fault, Trade
from bedside.jobs.job import Job, State
from bedside.jobs.uploads import Room, Uploads
from bedside.ledger.events import EventKind
from bedside.people.permissions import Role
from bedside.people.person import Caller
from bedside.serving.analysing import Analysing
from bedside.serving.analysis_trade import Rooms
from bedside.serving.analysis_words import Order
from bedside.serving.erasing import Target
from bedside.serving.proving import NotProvedYet
from bedside.serving.receiving import Receiving
from bedside.serving.values import Decision, Verdict
from bedside.site.analyses import analyses_of
from bedside.site.backup.making import back_up
from bedside.site.backup.place import Place
from bedside.site.backup.restoring import Order as RestoreOrder
from bedside.site.backup.restoring import restore
from bedside.site.site import DATABASE_VARIABLE, Site
from bedside.site.unlocking import unlock
from tests.bedside_site import DOOR, Hospital
from tests.conftest import SettableClock
from tests.serving.volumes import HEADS, finished, original_of_heads, release_heads
from tests.site.searching import files_under, found_in, spelled
from tests.site_copies import Original
from tests.volume_packages import TWO_WHOLE, head_nifti

PATIENT = "urn:oid:1.2.392.100495|山田-000123456"
MR_HEAD = Order(modality="MR", body_part="HEAD")


@dataclass
class Ward:
    """A hospital of heads whose runner is started by the test."""

    hospital: Hospital
    clock: SettableClock

    @property
    def site(self) -> Site:
        return self.hospital.site

    @property
    def trade(self) -> Trade:
        return self.site.analysing.runner._trade

    @property
    def clinician(self) -> Caller:
        return self.hospital["clinician"].caller

    def submit(
        self,
        subject: str | None = None,
        analysing: Analysing | None = None,
        once: str | None = None,
        *,
        keeps: bool = True,
        **changes: str,
    ) -> Job:
        analysing = analysing or self.site.analysing
        loaded = self.site.serving.models.fetch(HEADS)
        order = replace(MR_HEAD, subject=subject, **changes)  # type: ignore[arg-type]
        with self.sending(analysing, keeps=keeps) as received:
            job, _ = analysing.submit(self.clinician, loaded, order, received, once)
        return job

    def keep(self) -> str:
        """Keep an upload, and return its id."""
        submitting = self.site.analysing.submitting
        with self.sending(self.site.analysing) as received:
            return submitting.keep(self.clinician, received, None).id

    @contextmanager
    def sending(self, analysing: Analysing, *, keeps: bool = True) -> Iterator[Receiving]:
        with analysing.submitting.receiving(self.clinician, keeps=keeps) as received:
            received.begin("00001")
            received.add(head_nifti())
            received.end()
            yield received

    @contextmanager
    def at_work(self, analysing: Analysing | None = None) -> Iterator[None]:
        runner = (analysing or self.site.analysing).runner
        runner.start()
        try:
            yield
        finally:
            runner.stop()

    def done(self, subject: str | None = None) -> Job:
        job = self.submit(subject)
        with self.at_work():
            return finished(self.site, job.id)

    def with_faults(self, at: Fault) -> Analysing:
        """The analyses of this site, which tell `at` how far they are."""
        site = self.site
        rooms = Rooms(
            ledger=site.ledger,
            people=site.people,
            registry=site.registry,
            subject_keys=site.subject_keys,
            blobs=site.blobs,
            models=site.serving.models,
            clock=site.clock,
        )
        where, key = (site.folder, site.workshop), unlock(site.folder, site.settings)
        return analyses_of(where, site.settings.jobs, rooms, key, at)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept_on_either(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Original:
    if request.param == "sqlite":
        original: Original = request.getfixturevalue("kept")
        return original
    server = request.getfixturevalue("postgres_server")
    return original_of_heads(tmp_path_factory.mktemp("heads"), server)


@pytest.fixture
def ward(kept: Original, tmp_path: Path, clock: SettableClock) -> Iterator[Ward]:
    with kept.copied(tmp_path, clock) as hospital:
        yield Ward(hospital, clock)


@pytest.fixture
def ward_on_either(
    kept_on_either: Original, tmp_path: Path, clock: SettableClock
) -> Iterator[Ward]:
    with kept_on_either.copied(tmp_path, clock) as hospital:
        yield Ward(hospital, clock)


def once(at: str, act: Callable[[], object]) -> Fault:
    """Do something the first time that a point is reached."""
    reached: list[str] = []

    def fault(point: str) -> None:
        if point == at and not reached:
            reached.append(point)
            act()

    return fault


def test_the_record_is_a_prediction_that_is_traced_and_decided_about(ward: Ward) -> None:
    job = ward.done(PATIENT)
    assert job.state is State.DONE
    entry = ward.site.ledger.entry_of(job.id)
    body = entry.value["body"]
    assert (entry.kind, entry.about, body["model"], body["epoch"]) == (
        "prediction",
        job.id,
        HEADS,
        1,
    )
    told = ward.site.analysing.told(ward.clinician, job.id)
    assert told.outcome is not None
    assert body["results"] == {one.name: one.sealed for one in told.outcome.files}
    personal = ward.site.ledger.opened(entry)
    assert personal is not None
    assert personal["scores"] == told.outcome.answer["values"]
    corrected = Decision(Verdict.CORRECTED, "background", "no")
    with pytest.raises(UsageError):
        ward.site.serving.decide(ward.clinician, job.id, corrected)
    ward.site.serving.decide(ward.clinician, job.id, Decision(Verdict.AGREE))
    trace = ward.site.serving.trace(ward.clinician, job.id)
    assert "mask.nii.gz" in trace.text("en")
    assert "作成したファイル" in trace.text("ja")
    assert " mL" in trace.text("en")
    ward.site.verify()


def test_nothing_of_a_file_lies_in_the_clear(ward: Ward) -> None:
    job = ward.done(PATIENT)
    assert job.state is State.DONE
    data = head_nifti()
    parts = [data[start : start + 24] for start in range(400, len(data), 40_000)]
    wanted = {part for part in parts if len(set(part)) > 4} | set(spelled(PATIENT))
    assert found_in(files_under(ward.site.folder), wanted) == {}


def test_a_release_meanwhile_makes_the_new_version_answer(ward: Ward) -> None:
    newer = replace(TWO_WHOLE, version="1.1.0")
    analysing = ward.with_faults(once("computed", lambda: release_heads(ward.hospital, newer)))
    job = ward.submit(analysing=analysing)
    with ward.at_work(analysing):
        found = finished(ward.site, job.id)
    assert (found.state, found.attempts, found.restarts) == (State.DONE, 1, 1)
    body = ward.site.ledger.entry_of(job.id).value["body"]
    assert (body["version"], body["epoch"]) == ("1.1.0", 2)


def test_an_analysis_waits_for_a_proof_that_came_to_no_end(ward: Ward) -> None:
    site, job = ward.site, ward.submit()
    models, known = site.serving.models, site.proofs._known
    digest = site.registry.released_for(HEADS).digest
    proved, killed = known[digest][0], Unavailable("Its process was ended: SIGKILL.")
    for found in (killed, proved):
        models._standing.clear()
        del known[digest]
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(site.proofs, "want", lambda *_: None)
            with pytest.raises(NotProvedYet):
                models.fetch(HEADS, wait=False)
        assert not ward.trade.ready(job)
        known[digest] = found, time.monotonic()
        if found is not proved:
            waits_still(ward, job)
    assert ward.trade.ready(job)
    assert ward.trade.errand(job).same == digest


def waits_still(ward: Ward, job: Job) -> None:
    """See that an analysis is neither begun nor over, whether the model was looked at since or not."""
    assert not ward.trade.ready(job)
    with pytest.raises(Again):
        ward.trade.errand(job)
    assert not ward.trade.ready(job)
    assert "SIGKILL" in ward.site.serving.models.readiness(HEADS).reason


def test_a_version_that_was_asked_for_is_the_one_that_answers_or_none(ward: Ward) -> None:
    job = ward.submit(version="1.0.0")
    release_heads(ward.hospital, replace(TWO_WHOLE, version="1.1.0"))
    with ward.at_work():
        found = finished(ward.site, job.id)
    assert (found.state, found.code) == (State.FAILED, "another-version")
    with pytest.raises(Conflict, match=r"answers with version 1\.1\.0"):
        ward.submit(version="1.0.0")


def test_who_lost_the_role_meanwhile_gets_no_answer(ward: Ward) -> None:
    people, admin = ward.site.people, ward.hospital["administrator"].caller

    def taken_away() -> None:
        people.set_roles(admin, ward.clinician.person.id, {Role.DEVELOPER})

    analysing = ward.with_faults(once("computed", taken_away))
    job = ward.submit(analysing=analysing)
    with ward.at_work(analysing):
        found = finished(ward.site, job.id)
    assert (found.state, found.code) == (State.FAILED, "not-permitted")
    assert ward.site.ledger.find(kind=EventKind.PREDICTION) == ()
    assert len(ward.site.ledger.find(kind=EventKind.PERMISSION_REFUSED)) == 1


def test_uploads_and_results_go_when_their_time_is_over(ward: Ward) -> None:
    job, kept = ward.done(PATIENT), ward.keep()
    files = ward.site.analysing.files
    ward.clock.advance(1)
    ward.site.analysing.keeping.tidy()
    uploads = [name for name in files.names() if name.startswith("uploads/")]
    assert uploads == [f"uploads/{kept}"]  # what came with the analysis went with it
    ward.clock.advance(25 * 3600)
    ward.site.analysing.keeping.tidy()
    assert not any(name.startswith("uploads/") for name in files.names())
    assert any(name.startswith("results/") for name in files.names())
    ward.clock.advance(31 * 86_400)
    ward.site.analysing.keeping.tidy()
    assert files.names() == []
    with pytest.raises(NotFound):
        ward.site.analysing.told(ward.clinician, job.id)
    assert ward.site.ledger.entry_of(job.id)  # the record stays


def test_a_repeat_is_the_same_analysis_whatever_happened_meanwhile(ward: Ward) -> None:
    analysing, blob = ward.site.analysing, ward.keep()
    loaded = ward.site.serving.models.fetch(HEADS)
    order = replace(MR_HEAD, version="1.0.0")
    begun, repeated = analysing.submit(ward.clinician, loaded, order, blob, "once")
    sent = ward.submit(once="sent")
    assert not repeated
    for job in (begun, sent):
        analysing.cancel(ward.clinician, job.id)
    analysing.submitting.drop(ward.clinician, blob)
    analysing._stores.uploads.room = Room(all=1, of_one=1)
    loaded = replace(loaded, release=replace(loaded.release, version="1.1.0"))
    assert analysing.submit(ward.clinician, loaded, order, blob, "once")[0].id == begun.id
    assert ward.submit(once="sent", keeps=False).id == sent.id
    with pytest.raises(RepeatDiffers):
        analysing.submit(ward.clinician, loaded, MR_HEAD, blob, "once")
    with pytest.raises(Unavailable, match="of your uploads"):
        ward.submit()


def test_an_upload_that_was_removed_meanwhile_begins_nothing(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysing, blob = ward.site.analysing, ward.keep()
    loaded = ward.site.serving.models.fetch(HEADS)
    found = analysing._stores.uploads.get(blob)
    monkeypatch.setattr(Uploads, "get", lambda *_: found)  # as it stood before
    analysing.submitting.drop(ward.clinician, blob)
    with pytest.raises(NotFound, match="no upload"):
        analysing.submit(ward.clinician, loaded, MR_HEAD, blob)
    assert analysing.count()[State.WAITING] == 0


def test_an_upload_that_is_damaged_or_lost_is_told_in_words(ward: Ward) -> None:
    damaged, lost = ward.submit(), ward.submit()
    files = ward.site.analysing.files
    path = files.path(f"uploads/{damaged.upload}")
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    files.path(f"uploads/{lost.upload}").unlink()
    with ward.at_work():
        codes = [finished(ward.site, job.id).code for job in (damaged, lost)]
    assert codes == ["upload-damaged", "upload-gone"]
    for job, word in ((damaged, "damaged"), (lost, "gone")):
        outcome = ward.site.analysing.told(ward.clinician, job.id).outcome
        assert outcome is not None
        assert f"uploads/{job.upload}" in outcome.message
        assert word in outcome.message


def test_an_unfinished_analysis_keeps_its_upload(ward: Ward) -> None:
    ward.submit(PATIENT)
    ward.clock.advance(25 * 3600)
    ward.site.analysing.keeping.tidy()
    assert any(name.startswith("uploads/") for name in ward.site.analysing.files.names())


def test_nothing_of_an_erased_person_is_left_of_their_analyses(ward_on_either: Ward) -> None:
    ward = ward_on_either
    kept, other = ward.done(PATIENT), ward.done("somebody-else")
    waiting = ward.submit(PATIENT)
    people, admin = ward.site.people, ward.hospital["administrator"].caller
    person = people.add(admin, "Person custodian-2", {Role.CUSTODIAN})
    second = people.sign_in(people.issue_key(admin, person.id, "test").secret, DOOR)
    target = Target(PATIENT)
    asked = ward.site.erasing.request(ward.hospital["custodian"].caller, target, "asked")
    ward.site.erasing.confirm(second, asked.id, target)
    for job in (kept, waiting):
        with pytest.raises(NotFound):
            ward.site.analysing.told(second, job.id)
    left = {name.split("/")[1] for name in ward.site.analysing.files.names()}
    assert left == {other.id, other.upload}
    done = ward.site.ledger.find(kind=EventKind.ERASURE)[-1].value["body"]
    assert (done["step"], done["jobs"]) == ("done", 4)
    trace = ward.site.serving.trace(second, kept.id)
    assert trace.prediction.personal is None
    ids = [one.encode() for one in (kept.upload, waiting.id, waiting.upload)]
    assert found_in(files_under(ward.site.folder), ids) == {}
    assert finished(ward.site, other.id).state is State.DONE
    ward.site.verify()


def test_an_analysis_of_somebody_erased_meanwhile_is_recorded_nowhere(ward: Ward) -> None:
    def erased() -> None:
        ward.site.subject_keys.destroy(str(ward.site.subject_keys.known(PATIENT)))

    analysing = ward.with_faults(once("computed", erased))
    job = ward.submit(PATIENT, analysing)
    with ward.at_work(analysing):
        found = finished(ward.site, job.id)
    assert (found.state, found.code) == (State.FAILED, "erased")
    assert ward.site.ledger.find(kind=EventKind.PREDICTION) == ()
    with pytest.raises(KeyUnavailable):
        ward.site.subject_keys.get(job.key_id)


def test_a_lost_machine_comes_back_with_results_and_with_what_waited(
    ward: Ward, tmp_path: Path
) -> None:
    done, waiting = ward.done(PATIENT), ward.submit(PATIENT)
    place = Place.at(tmp_path / "backups")
    back_up(ward.site, place)
    ward.site.close()
    folder = tmp_path / "new"
    key = ward.site.folder / "keys" / "site.key"
    order = RestoreOrder(place, folder, site_key_file=key, database="sqlite")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(DATABASE_VARIABLE)
        restore(order, ward.clock)
        site = Site.open(folder, ward.clock)
    with site:
        analysing = site.analysing
        kept, pieces = analysing.result(ward.clinician, done.id, "mask.nii.gz")
        assert len(b"".join(pieces)) == kept.size
        analysing.runner.start()
        try:
            assert finished(site, waiting.id).state is State.DONE
        finally:
            analysing.runner.stop()
        site.verify()
