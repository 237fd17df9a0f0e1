from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from bedside.errors import GoldenMismatch, PackageDamaged, Unavailable
from bedside.ledger.events import EventKind
from bedside.package.package import Package
from bedside.runtime.engines.engine import Engines
from bedside.runtime.runner import Runner, load
from bedside.serving import ahead, released
from bedside.serving.ahead import MOST, Ahead
from tests.bedside_site import MODEL, Hospital
from tests.serving.test_released import damage_archive, wait_for


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The versions that were loaded, in this order."""
    seen: list[str] = []

    def counting(package: Package, engines: Engines) -> Runner:
        seen.append(package.manifest.version)
        return load(package, engines)

    monkeypatch.setattr(released, "load", counting)
    monkeypatch.setattr(ahead, "load", counting)
    return seen


@pytest.fixture
def look(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """One turn of the thread that watches over releases."""
    monkeypatch.setattr(ahead, "LOOK_SECONDS", -1.0)
    models = hospital.site.serving.models

    def turn() -> None:
        models.refresh()
        models._ahead.look()

    return turn


def approved(hospital: Hospital, version: str) -> str:
    ref = hospital.add(version=version)
    hospital.approve(ref)
    return ref


def test_a_version_is_loaded_when_it_is_approved_and_not_again_when_it_is_released(
    hospital: Hospital, loads: list[str], look: Callable[[], None]
) -> None:
    look()
    ref = hospital.add(version="2.0.0")
    look()
    assert loads == ["1.2.3"]
    hospital.approve(ref)
    look()
    look()
    assert loads == ["1.2.3", "2.0.0"]
    operator, registry = hospital["operator"].caller, hospital.site.registry
    registry.release(operator, ref, "better")
    look()
    registry.rollback(operator, MODEL, "worse")
    look()
    registry.release(operator, ref, "better after all")
    look()
    assert loads == ["1.2.3", "2.0.0"]
    current = hospital.site.serving.models.current(MODEL)
    assert current is not None
    assert (current.manifest.version, current.release.epoch) == ("2.0.0", 4)


def test_what_was_loaded_ahead_is_looked_at_again_when_it_is_released(
    hospital: Hospital, loads: list[str], look: Callable[[], None]
) -> None:
    ref = approved(hospital, "2.0.0")
    look()
    assert "2.0.0" in loads
    hospital.site.registry.release(hospital["operator"].caller, ref, "better")
    damage_archive(hospital, ref)
    with pytest.raises(PackageDamaged, match="is released and does not load here"):
        hospital.site.serving.models.fetch(MODEL)


def test_a_version_that_does_not_load_ahead_is_left_alone_and_nothing_is_recorded(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch, look: Callable[[], None]
) -> None:
    tried: list[str] = []

    def refusing(package: Package, engines: Engines) -> Runner:
        tried.append(package.manifest.version)
        raise GoldenMismatch("another answer")

    approved(hospital, "2.0.0")
    monkeypatch.setattr(ahead, "load", refusing)
    look()
    look()
    assert tried == ["2.0.0"]
    assert hospital.site.ledger.find(kind=EventKind.PACKAGE_REFUSED) == ()
    assert hospital.site.serving.models.current(MODEL) is not None


@pytest.mark.parametrize("fault", [Unavailable("the blobs are away"), ValueError("by surprise")])
def test_nothing_that_a_version_meets_ahead_is_a_trouble_of_the_service(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    tried: list[str] = []

    def failing(package: Package, engines: Engines) -> Runner:
        tried.append(package.manifest.version)
        raise fault

    approved(hospital, "2.0.0")
    ref = approved(hospital, "3.0.0")
    models = hospital.site.serving.models
    monkeypatch.setattr(ahead, "load", failing)
    models.start()
    wait_for(lambda: len(tried) == 2)
    assert tried == ["3.0.0", "2.0.0"], "each is left alone after its fault"
    hospital.site.registry.release(hospital["operator"].caller, ref, "better")
    wait_for(lambda: models.epochs() == ((MODEL, 2),))
    assert models.trouble is None
    models.stop()


def test_a_slow_load_ahead_does_not_put_off_a_release(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, done = threading.Event(), threading.Event()

    def slow(package: Package, engines: Engines) -> Runner:
        begun.set()
        done.wait(10)
        return load(package, engines)

    ref = approved(hospital, "2.0.0")
    models = hospital.site.serving.models
    monkeypatch.setattr(ahead, "load", slow)
    models.start()
    assert begun.wait(10)
    hospital.site.registry.release(hospital["operator"].caller, ref, "better")
    wait_for(lambda: models.epochs() == ((MODEL, 2),))
    assert not done.is_set()
    done.set()
    models.stop()


def test_only_so_many_are_kept_and_what_is_retired_is_let_go(
    hospital: Hospital, loads: list[str], look: Callable[[], None]
) -> None:
    refs = [approved(hospital, f"2.0.{number}") for number in range(MOST + 2)]
    look()
    assert loads == ["1.2.3", *(f"2.0.{number}" for number in reversed(range(2, MOST + 2)))]
    kept = hospital.site.serving.models._ahead
    newest = hospital.site.registry.version(refs[-1])
    assert kept.of(newest.digest) is not None
    hospital.site.registry.retire(hospital["operator"].caller, newest.ref, "superseded")
    look()
    assert kept.of(newest.digest) is None


def test_a_network_beyond_the_bound_is_not_kept(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "MOST_BYTES", 10)
    approved(hospital, "2.0.0")
    own = Ahead(hospital.site.registry, hospital.site.proofs)
    own.look()
    for record in hospital.site.registry.versions(MODEL):
        assert own.of(record.digest) is None
