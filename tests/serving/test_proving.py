"""A volume package proves itself in a process apart, at every start, before anybody is answered."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bedside.errors import GoldenMismatch, Unavailable, UsageError
from bedside.jobs.workshop import Bounds, Workshop
from bedside.ledger.events import EventKind
from bedside.package.package import Package, archive_of, open_package
from bedside.runtime.engines import onnx
from bedside.runtime.engines.engine import ONNX_ONLY
from bedside.runtime.runner import GoldenReport
from bedside.serving import proof_board, proof_errand, proving
from bedside.serving.proving import NotProvedYet, Proofs
from bedside.store.duty import Duty
from bedside.store.workplace import Workplace
from tests import volume_packages
from tests.bedside_site import Hospital
from tests.conftest import SettableClock
from tests.serving.volumes import HEADS, until
from tests.site_copies import Original
from tests.volume_packages import TWO_WHOLE, opened, volume_package


@pytest.fixture
def hospital(kept: Original, tmp_path: Path, clock: SettableClock) -> Iterator[Hospital]:
    with kept.copied(tmp_path, clock) as copied:
        yield copied


@pytest.fixture(scope="module")
def package() -> Package:
    return opened()


def workshop(folder: Path, memory: int = 2**32) -> Workshop:
    bounds = Bounds(memory, priority="normal")
    return Workshop(bounds, Duty(folder / "jobs.lock"), Workplace(folder / "work"))


@contextmanager
def proofs_of(folder: Path, memory: int = 2**32) -> Iterator[Proofs]:
    shop = workshop(folder, memory)
    proofs = Proofs(shop, folder / "proofs", ONNX_ONLY)
    try:
        yield proofs
    finally:
        proofs.stop()
        shop.close()


def wrong(package: Package) -> Package:
    """The package with a golden case that it does not give."""
    first, *others = package.golden
    scores = {name: value + 50 for name, value in first.scores.items()}
    cases = (first.model_copy(update={"scores": scores}), *others)
    return open_package(volume_packages._archive(TWO_WHOLE, cases, None))


def test_an_archive_is_spelled_again_as_it_was() -> None:
    assert archive_of(opened()) == volume_package()


def test_a_service_is_not_ready_before_and_never_computes_it_itself(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(*_: object, **__: object) -> None:
        raise AssertionError("the network was loaded in the process that serves")

    monkeypatch.setattr(onnx.OnnxEngine, "__init__", here)
    site, models = hospital.site, hospital.site.serving.models
    begun = time.monotonic()
    models.start()
    took = time.monotonic() - begun
    readiness = models.readiness(HEADS)
    assert not readiness.ready
    assert "golden cases are being replayed" in readiness.reason
    with pytest.raises(NotProvedYet):
        models.fetch(HEADS)
    until(lambda: models.current(HEADS) is not None)
    assert took < 1  # it began to serve others long before
    assert models.readiness(HEADS).ready
    assert site.ledger.find(kind=EventKind.PACKAGE_REFUSED) == ()


def test_one_that_answers_otherwise_is_refused_with_the_reason_and_recorded_once(
    hospital: Hospital,
) -> None:
    site, models = hospital.site, hospital.site.serving.models
    release = site.registry.released_for(HEADS)
    found = GoldenMismatch("The golden case 'drawn-0' gets another answer.", advice="Do not.")
    site.proofs._known[release.digest] = found, time.monotonic()
    for _ in range(2):
        with pytest.raises(GoldenMismatch, match=r"released and does not load here: .*'drawn-0'"):
            models.fetch(HEADS)
    assert "another answer" in models.readiness(HEADS).reason
    assert len(site.ledger.find(kind=EventKind.PACKAGE_REFUSED)) == 1


def test_a_golden_case_that_does_not_hold_is_found_by_the_process_apart_and_told_to_others(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "GRACE_SECONDS", 0.0)
    other = wrong(package)
    with proofs_of(tmp_path) as first:
        with pytest.raises(NotProvedYet):
            first.of(other.digest, lambda: other)
        first.wait(other.digest)
        with pytest.raises(GoldenMismatch, match="'bright' differs"):
            first.of(other.digest, lambda: other)
        with proofs_of(tmp_path, memory=1) as second:  # it could not replay them itself
            second.want(other.digest, lambda: other)
            second.wait(other.digest)
            with pytest.raises(GoldenMismatch, match="'bright' differs"):
                second.of(other.digest, lambda: other)
        monkeypatch.setattr(proof_board, "machine", lambda: "another")
        finds_for_itself(tmp_path, other)
        monkeypatch.undo()
    finds_for_itself(tmp_path, other)  # the word ended with its process


def finds_for_itself(folder: Path, package: Package) -> None:
    """See that a process takes nobody's word: it has no memory to replay anything."""
    with proofs_of(folder, memory=1) as proofs:
        proofs.want(package.digest, lambda: package)
        proofs.wait(package.digest)
        with pytest.raises(Unavailable, match=r"may take \d+ bytes of memory"):
            proofs.of(package.digest, lambda: package)


def test_the_word_of_a_killed_process_is_nobodys(tmp_path: Path) -> None:
    digest = "sha256:" + "ab" * 32
    living, other = (proof_board.ProofBoard(tmp_path / "proofs") for _ in range(2))
    assert living.taken(digest)
    living.write(digest, GoldenReport(1, 0.0, 1.0))
    assert other.read(digest) == living.read(digest) == GoldenReport(1, 0.0, 1.0)
    living._held[digest].close()  # as the system does at its end; what it told stays
    assert other.read(digest) is None


def test_a_process_that_takes_nothing_keeps_nobody_waiting(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof_errand, "CHILD", "tests.jobs.mute_child")
    with proofs_of(tmp_path) as proofs:
        begun = time.monotonic()
        for _ in range(2):
            with pytest.raises(NotProvedYet):
                proofs.of(package.digest, lambda: package)
        until(lambda: bool(proofs._workshop._taken))
        proofs.stop()
        assert time.monotonic() - begun < 10
        assert not proofs.settled(package.digest)
    assert not proofs._workshop._taken


def test_a_process_that_ends_is_told(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof_errand, "CHILD", "tests.jobs.nothing_of_that_name")
    with proofs_of(tmp_path) as proofs, pytest.raises(Unavailable, match="ended with status 1"):
        proofs.prove(package)


def test_an_approved_version_is_proved_ahead(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, wanted = hospital.site, list[str]()
    archive = volume_package(hospital.key, volume_packages.Made(version="3.0.0"))
    record = site.registry.add(hospital["developer"].caller, archive)
    site.registry.verify(hospital["developer"].caller, record.ref)
    hospital.approve(record.ref)
    monkeypatch.setattr(site.proofs, "want", lambda digest, _: wanted.append(digest))
    ahead = site.serving.models._ahead
    ahead.look()
    ahead._looked -= 10
    ahead.look()
    assert wanted == [record.digest]
    assert ahead.of(record.digest) is None


def test_it_answers_no_rows(hospital: Hospital) -> None:
    loaded = hospital.site.serving.models.fetch(HEADS)
    assert loaded.runner.replay_golden().cases == 2
    for asked in (loaded.runner.predict, loaded.runner.plain):
        with pytest.raises(UsageError):
            asked([{}])
