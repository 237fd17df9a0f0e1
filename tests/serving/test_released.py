from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bedside.errors import (
    BedsideError,
    InputRefused,
    NotFound,
    PackageDamaged,
    SignatureRefused,
    Unavailable,
)
from bedside.ledger.events import EventKind
from bedside.ledger.fences import FenceMoved
from bedside.package.package import Package
from bedside.registry.release import Release
from bedside.runtime.engines.engine import Engines
from bedside.runtime.runner import Runner, load
from bedside.serving import released
from bedside.serving.attempt import Asking
from bedside.serving.released import ReleasedModels
from bedside.serving.values import Decision, Row, Verdict
from bedside.site.site import Site
from tests import bedside_site
from tests.bedside_site import MODEL, ROW, Hospital


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within 10 s"
        time.sleep(0.01)


def damage_archive(hospital: Hospital, ref: str) -> None:
    digest = hospital.site.registry.version(ref).archive.removeprefix("sha256:")
    path = hospital.site.folder / "blobs" / digest[:2] / digest[2:]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.fixture
def models(hospital: Hospital) -> ReleasedModels:
    return hospital.site.serving.models


def test_the_thread_sees_a_release_by_another_process(
    hospital: Hospital, models: ReleasedModels
) -> None:
    models.start()
    with Site.open(hospital.site.folder) as other:
        ref = hospital.add(version="2.0.0")
        hospital.approve(ref)
        other.registry.release(hospital["operator"].caller, ref, "better")
    wait_for(lambda: models.epochs() == ((MODEL, 2),))
    current = models.current(MODEL)
    assert current is not None
    assert current.manifest.version == "2.0.0"
    models.stop()


def test_the_thread_lets_go_of_what_is_retired(hospital: Hospital, models: ReleasedModels) -> None:
    models.start()
    assert models.current(MODEL) is not None
    hospital.site.registry.retire(hospital["operator"].caller, f"{MODEL}@1.2.3", "superseded")
    wait_for(lambda: models.current(MODEL) is None)
    models.stop()


def test_a_database_that_does_not_answer_is_told_and_forgotten_when_it_does(
    models: ReleasedModels, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent() -> tuple[Release, ...]:
        raise Unavailable("the database is away")

    models.start()
    with monkeypatch.context() as away:
        away.setattr(hospital.site.registry, "released", silent)
        wait_for(lambda: models.trouble is not None)
        assert models.current(MODEL) is not None
    wait_for(lambda: models.trouble is None)
    models.stop()


def test_a_database_that_hangs_is_told(
    models: ReleasedModels, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()

    def hanging() -> tuple[Release, ...]:
        answers.wait(10)
        return ()

    monkeypatch.setattr("bedside.store.condition.SLOW_SECONDS", 0.05)
    models.start()
    with monkeypatch.context() as away:
        away.setattr(hospital.site.registry, "released", hanging)
        wait_for(lambda: "has not answered for" in str(models.trouble))
    answers.set()
    wait_for(lambda: models.trouble is None)
    models.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_watch_that_ended_is_told(
    models: ReleasedModels, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ending() -> tuple[Release, ...]:
        raise SystemExit  # nothing less ends it

    models.start()
    monkeypatch.setattr(hospital.site.registry, "released", ending)
    wait_for(lambda: "watch over releases ended" in str(models.trouble))
    models.stop()


def test_what_nobody_foresaw_does_not_end_the_watch(
    models: ReleasedModels, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.start()
    with monkeypatch.context() as away:
        away.setattr(hospital.site.registry, "released", None)
        wait_for(lambda: "TypeError" in str(models.trouble))
    wait_for(lambda: models.trouble is None)
    models.stop()


def test_a_package_that_fails_as_nobody_foresaw_stops_only_its_own_model(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital.release(name="a-first")

    def failing(package: Package, engines: Engines) -> Runner:
        if package.manifest.name == "a-first":
            raise ValueError("nobody foresaw this")
        return load(package, engines)

    monkeypatch.setattr(released, "load", failing)
    fresh = ReleasedModels(hospital.site.registry, hospital.site.ledger, hospital.site.proofs)
    fresh.refresh()
    assert fresh.current(MODEL) is not None
    with pytest.raises(Unavailable, match="does not load here: ValueError: nobody foresaw this"):
        fresh.fetch("a-first")


def test_a_model_is_loaded_once_for_many_callers(
    models: ReleasedModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[Package] = []

    def counting(package: Package, engines: Engines) -> Runner:
        loads.append(package)
        return load(package, engines)

    monkeypatch.setattr(released, "load", counting)
    assert models.fetch(MODEL) is models.fetch(MODEL)
    assert len(loads) == 1


def test_an_unknown_model_is_told_from_one_without_a_release(
    hospital: Hospital, models: ReleasedModels
) -> None:
    hospital.add(name="waiting")
    with pytest.raises(NotFound):
        models.fetch("unknown")
    with pytest.raises(Unavailable):
        models.fetch("waiting")


def test_a_package_that_does_not_load_stops_only_its_own_model(tmp_path: Path) -> None:
    hospital = bedside_site.build(tmp_path / "site")
    hospital.release()
    other = hospital.release(name="other")
    damage_archive(hospital, other)
    hospital.site.close()
    with Site.open(hospital.site.folder) as site:
        site.serving.models.refresh()
        site.serving.models.refresh()
        ready = {one.model: one for one in site.serving.readiness()}
        assert (ready[MODEL].ready, ready["other"].ready) == (True, False)
        assert "does not load here" in ready["other"].reason
        assert not site.serving.models.readiness("other").ready
        caller = hospital["clinician"].caller
        assert site.serving.predict_now(caller, MODEL, [Row(ROW)])
        with pytest.raises(BedsideError, match="is released and does not load here"):
            site.serving.predict_now(caller, "other", [Row(ROW)])


def test_a_signature_that_is_trusted_no_more_is_refused_and_recorded_once(
    hospital: Hospital,
) -> None:
    site = hospital.site
    site.registry.revoke_key(hospital["administrator"].caller, hospital.key.public.fingerprint)
    for _ in range(2):
        fresh = ReleasedModels(site.registry, site.ledger, site.proofs)
        fresh.refresh()
        with pytest.raises(SignatureRefused, match="is released and does not load here"):
            fresh.fetch(MODEL)
    (entry,) = site.ledger.find(kind=EventKind.PACKAGE_REFUSED)
    assert entry.value["body"]["error"] == "SignatureRefused"
    assert entry.value["body"]["epoch"] == 2  # the revocation began it


def test_a_running_process_stops_answering_when_the_author_is_trusted_no_more(
    hospital: Hospital, models: ReleasedModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, clinician = hospital.site, hospital["clinician"].caller
    administrator, author = hospital["administrator"].caller, hospital.key.public
    models.start()
    assert site.serving.predict_now(clinician, MODEL, [Row(ROW)])
    site.registry.revoke_key(administrator, author.fingerprint)
    with pytest.raises(SignatureRefused, match="not among the 0 trusted"):
        site.serving.predict_now(clinician, MODEL, [Row(ROW)])
    assert len(site.ledger.find(kind=EventKind.PREDICTION)) == 1
    wait_for(lambda: not site.serving.readiness()[0].ready)
    assert "not among the 0 trusted" in site.serving.readiness()[0].reason
    models.stop()
    monkeypatch.setattr(released, "RETRY_SECONDS", 0.0)
    site.registry.trust_key(administrator, author, "the author, after all")
    assert site.serving.predict_now(clinician, MODEL, [Row(ROW)])[0].epoch == 2


def test_a_prediction_under_way_when_the_author_loses_trust_is_not_recorded(
    hospital: Hospital,
) -> None:
    site, clinician = hospital.site, hospital["clinician"].caller
    loaded = site.serving.models.fetch(MODEL)
    attempt = site.serving._attempt(Asking(clinician, loaded, [Row(ROW)], 0, explain=False))
    site.registry.revoke_key(hospital["administrator"].caller, hospital.key.public.fingerprint)
    with pytest.raises(FenceMoved):
        site.group.submit(attempt.drafts).result(10)


def test_every_event_of_a_patient_says_with_which_key_it_was_asked(hospital: Hospital) -> None:
    site, clinician = hospital.site, hospital["clinician"].caller
    (one,) = site.serving.predict_now(clinician, MODEL, [Row(ROW)])
    site.serving.decide(clinician, one.id, Decision(Verdict.AGREE))
    with pytest.raises(InputRefused):
        site.serving.predict_now(clinician, MODEL, [Row({"unknown": 1})])
    kinds = (EventKind.PREDICTION, EventKind.DECISION, EventKind.REFUSAL)
    for kind in kinds:
        (entry,) = site.ledger.find(kind=kind)
        assert entry.value["credential"] == clinician.credential


def test_a_package_that_did_not_load_is_tried_again_after_a_while(
    hospital: Hospital, models: ReleasedModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(package: object, engines: Engines) -> object:
        raise PackageDamaged("a disk forgot it")

    with monkeypatch.context() as broken:
        broken.setattr(released, "load", refusing)
        with pytest.raises(PackageDamaged):
            models.fetch(MODEL)
    with pytest.raises(PackageDamaged):
        models.fetch(MODEL)
    monkeypatch.setattr(released, "RETRY_SECONDS", 0.0)
    assert models.fetch(MODEL).manifest.name == MODEL
