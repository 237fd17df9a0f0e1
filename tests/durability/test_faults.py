"""A disk or a database goes wrong under load: the service says what is wrong, loses nothing that a
client heard, keeps answering whoever watches it, and comes back by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from bedside.site.site import Site
from tests import postgres
from tests.bedside_site import Hospital
from tests.durability import faults
from tests.durability.conftest import closed
from tests.durability.load import Load, check_record
from tests.durability.service import Service, serving, wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]


def possible(what: AbstractContextManager[Path]) -> Iterator[Path]:
    try:
        with what as given:
            yield given
    except faults.Impossible as reason:
        pytest.skip(str(reason))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    yield from possible(faults.small_disk(tmp_path))


@pytest.fixture
def on_disk(disk: Path) -> Hospital:
    """A hospital on a small disk of its own."""
    return closed(disk / "site")


def suffer(
    service: Service,
    hospital: Hospital,
    fault: AbstractContextManager[None],
    said: str,
    seconds: float = 20.0,
) -> Load:
    """Let a fault come and go under load, and check how the service stands it; return what clients heard.

    Args:
        service: It is well now.
        hospital: Whose people ask.
        fault: Is there while it is entered.
        said: A part of what clients and /readyz are told meanwhile.
        seconds: How soon after the fault all is well again.
    """
    with Load([service.port], hospital["clinician"].headers, pause=0.01) as load:
        wait_until(lambda: len(load.predictions) > 10)
        with fault:
            wait_until(lambda: any(said in one.body["detail"] for one in load.refused))
            wait_until(lambda: service.get("/readyz").status == 503)
            ready = service.get("/readyz").body["status"]
            alive = time.monotonic()
            assert service.get("/healthz").status == 200
            assert time.monotonic() - alive < 1
            before = len(load.predictions)
            time.sleep(0.5)
            assert len(load.predictions) == before  # nobody is told an answer now
        wait_until(lambda: service.get("/readyz").status == 200, seconds)
        known = len(load.predictions)
        wait_until(lambda: len(load.predictions) > known + 10, seconds)
    assert said in ready
    for one in load.refused:
        assert one.status == 503, one
        assert one.body["advice"], one
        assert one.headers["retry-after"], one
    (wrong,) = service.told("cannot record")[:1]
    assert said in wrong["reason"]
    assert service.told("records again")
    return load


def checked(hospital: Hospital, load: Load) -> None:
    with Site.open(hospital.site.folder) as site:
        check_record(site, load)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk(on_disk: Hospital, disk: Path, tmp_path: Path, workers: int) -> None:
    with serving(on_disk.site.folder, workers=workers, log=tmp_path / "log") as service:
        load = suffer(service, on_disk, faults.filled(disk), "disk")
        assert service.stop() == 0
    checked(on_disk, load)


def test_a_disk_that_takes_no_writes_any_more(
    on_disk: Hospital, disk: Path, tmp_path: Path
) -> None:
    with serving(on_disk.site.folder, log=tmp_path / "log") as service:
        load = suffer(service, on_disk, faults.unchangeable(disk / "site"), "cannot answer now")
        assert service.stop() == 0
    checked(on_disk, load)
