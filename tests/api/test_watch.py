from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from bedside.api import watch
from bedside.api.watch import DatabaseWatch
from bedside.errors import SiteProblem, Unavailable
from bedside.store.database import Database
from tests.api.client import Client
from tests.bedside_site import Hospital
from tests.serving.test_released import wait_for

FULL = Unavailable("the disk is full.", advice="Free space; the service goes on by itself.")


def test_readiness_tells_a_trouble_until_a_probe_has_written(
    client: Client, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    def still_full(_: Database) -> None:
        raise FULL

    database = hospital.site.subject_keys.database
    with monkeypatch.context() as full:
        full.setattr(watch, "probe", still_full)
        database.condition.failed(FULL)
        told = client.get("/readyz")
        assert (told.status_code, told.json()) == (503, {"status": str(FULL)})
        assert client.get("/healthz").status_code == 200
        metrics = client.get("/metrics", headers=hospital["operator"].headers).text
        assert "bedside_can_record 0.0" in metrics
        client.app.state.watch.look()
        assert client.get("/readyz").status_code == 503
    monkeypatch.setattr(watch, "PROBE_SECONDS", 0.0)
    client.app.state.watch.look()
    assert client.get("/readyz").status_code == 200
    metrics = client.get("/metrics", headers=hospital["operator"].headers).text
    assert "bedside_can_record 1.0" in metrics


def test_the_log_tells_the_begin_and_the_end_of_a_trouble(
    database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PROBE_SECONDS", 0.0)
    caplog.set_level(logging.INFO, "bedside.state")
    own = DatabaseWatch([database])
    own.look()
    assert caplog.messages == []
    database.condition.failed(FULL)
    own.look()
    assert own.trouble is None
    assert caplog.messages == ["cannot record", "records again"]


def test_what_a_probe_finds_besides_is_a_trouble_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_: Database) -> None:
        raise SiteProblem("it is damaged.", advice="Restore the latest backup.")

    monkeypatch.setattr(watch, "probe", damaged)
    own = DatabaseWatch([database])
    database.condition.failed(FULL)
    own.look()
    assert "it is damaged. Restore" in str(own.trouble)


def test_what_nobody_foresaw_in_one_probe_ends_no_watch(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The thread goes on, and looks after the other databases meanwhile."""
    mended = threading.Event()

    def probing(probed: Database) -> None:
        if probed is database and not mended.is_set():
            raise OSError("nobody foresaw this")
        probed.condition.mended()

    monkeypatch.setattr(watch, "probe", probing)
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(watch, "PROBE_SECONDS", 0.0)
    other = Database.open(f"sqlite:///{tmp_path}/other.db")
    own = DatabaseWatch([database, other])
    for one in (database, other):
        one.condition.failed(FULL)
    own.start()
    wait_for(lambda: other.condition.trouble is None)
    assert own.trouble is not None
    mended.set()
    wait_for(lambda: own.trouble is None)
    own.stop()
    other.close()


def test_a_write_that_does_not_come_to_its_end_is_a_trouble(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = DatabaseWatch([database])
    with database.write():
        assert own.trouble is None
        monkeypatch.setattr("bedside.store.condition.SLOW_SECONDS", -1.0)
        assert "a write has been under way for 0 s" in str(own.trouble)
    assert own.trouble is None
