"""A disk or a database goes wrong under load: the service says what is wrong, loses nothing that a
client heard, keeps answering whoever watches it, and comes back by itself."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from bedside.site.site import Site
from tests import postgres
from tests.bedside_site import Hospital
from tests.durability import faults
from tests.durability.conftest import closed
from tests.durability.load import Load, check_record
from tests.durability.service import Service, serving, wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback, pytest.mark.slow]


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
    *,
    heard: str = "",
) -> Load:
    """Let a fault come and go under load, and check how the service stands it; return what clients heard.

    Args:
        service: It is well now.
        hospital: Whose people ask.
        fault: Is there while it is entered.
        said: A part of what /readyz and the log say meanwhile.
        heard: A part of what a client is told, where that is something else.
    """
    people = hospital["clinician"].headers
    with Load([service.port], people, pause=0.01, plain=bool(heard)) as load:
        wait_until(lambda: len(load.predictions) > 10)
        with fault:
            wait_until(lambda: any((heard or said) in one.body["detail"] for one in load.refused))
            wait_until(lambda: service.get("/readyz").status == 503)
            ready = service.get("/readyz").body["status"]
            alive = time.monotonic()
            assert service.get("/healthz").status == 200
            assert time.monotonic() - alive < 1
            before = len(load.predictions)
            time.sleep(0.5)
            assert len(load.predictions) == before  # nobody is told an answer now
        wait_until(lambda: service.get("/readyz").status == 200, 20)
        known = len(load.predictions)
        wait_until(lambda: len(load.predictions) > known + 10, 20)
    others = ("was lost in the commit", "has not answered for")
    assert any(one in ready for one in (said, *others)), ready
    assert "goes on by itself" in ready
    for one in load.refused:
        assert one.status == 503, one
        assert one.body["advice"], one
        assert one.headers["retry-after"], one
    assert service.told("cannot record")
    wait_until(lambda: bool(service.told("records again")), 20)  # the log's line is not waited for
    return load


def checked(hospital: Hospital, load: Load) -> None:
    with Site.open(hospital.site.folder) as site:
        check_record(site, load)


def test_a_full_disk(on_disk: Hospital, disk: Path, tmp_path: Path) -> None:
    with serving(on_disk.site.folder, log=tmp_path / "log") as service:
        load = suffer(service, on_disk, faults.filled(disk), "disk")
        assert service.stop() == 0
    checked(on_disk, load)


def test_a_disk_that_takes_no_writes_any_more(
    on_disk: Hospital, disk: Path, tmp_path: Path
) -> None:
    with serving(on_disk.site.folder, log=tmp_path / "log") as service:
        fault = faults.unchangeable(disk / "site")
        load = suffer(service, on_disk, fault, "attempt to write a readonly database")
        assert service.stop() == 0
    checked(on_disk, load)


def test_workers_that_the_disk_kills_are_back_when_it_is_well(
    on_disk: Hospital, disk: Path, tmp_path: Path
) -> None:
    """Files that SQLite has mapped into memory cannot be written: the kernel ends who tries."""
    with (
        serving(on_disk.site.folder, workers=2, log=tmp_path / "log") as service,
        Load([service.port], on_disk["clinician"].headers, pause=0.01) as load,
    ):
        wait_until(lambda: len(load.predictions) > 10)
        with faults.unchangeable(disk / "site", mapped=True):
            wait_until(lambda: service.told("worker ended"))
            wait_until(lambda: any("No worker" in one.body["detail"] for one in load.refused))
            assert service.get("/healthz").status == 200
            assert service.get("/readyz").status == 503
        before = len(load.predictions)
        wait_until(lambda: len(load.predictions) > before + 10)
        ends = service.told("worker ended")
        assert {one["status"] for one in ends} <= {-signal.SIGBUS, 1}
        assert all(one["again_in_seconds"] is not None for one in ends)
        assert all(one.status == 503 for one in load.refused)
    checked(on_disk, load)


def test_a_disk_that_fails_to_keep_what_was_written(hospital: Hospital, tmp_path: Path) -> None:
    """`fdatasync` fails: what was written may be on the disk, or not, and nobody is told that it is."""
    with serving(hospital.site.folder, log=tmp_path / "log") as service:
        fault = faults.meddled([service.process.pid], "fdatasync,fsync:error=EIO")
        load = suffer(service, hospital, tried(fault), "disk I/O error")
        assert service.stop() == 0
    checked(hospital, load)


def test_a_slow_disk_makes_answers_late_and_nothing_else(
    hospital: Hospital, tmp_path: Path
) -> None:
    with serving(hospital.site.folder, log=tmp_path / "log") as service:
        fault = faults.meddled([service.process.pid], "fdatasync,fsync:delay_enter=700000")
        with Load([service.port], hospital["clinician"].headers) as load:
            wait_until(lambda: len(load.predictions) > 10)
            with tried(fault):
                before = len(load.predictions)
                slowest = 0.0
                for _ in range(20):
                    begun = time.monotonic()
                    assert service.get("/healthz").status == 200
                    slowest = max(slowest, time.monotonic() - begun)
                    time.sleep(0.1)
                wait_until(lambda: len(load.predictions) > before)
            assert slowest < 0.6, slowest  # the event loop never waits for the disk
    assert load.refused == []
    checked(hospital, load)


IMPATIENT = """
import sys
from bedside.__main__ import main
from bedside.serving import outcomes, together
from bedside.store import condition

outcomes.RECORD_SECONDS = together.RECORD_SECONDS = 1.5
condition.SLOW_SECONDS = 1.0
main(sys.argv[1:])
"""
"""The same service, which says after a second what it would say after ten or sixty."""


def test_a_disk_that_hangs(hospital: Hospital, tmp_path: Path) -> None:
    program = (sys.executable, "-c", IMPATIENT)
    with serving(hospital.site.folder, instead=program, log=tmp_path / "log") as service:
        fault = faults.meddled([service.process.pid], "fdatasync,fsync:delay_enter=4000000")
        load = suffer(
            service, hospital, tried(fault), "under way for", heard="not confirmed within"
        )
    assert any("may have been recorded" in one.body["detail"] for one in load.refused)
    checked(hospital, load)


def test_a_site_on_a_read_only_disk_is_refused_at_the_start(hospital: Hospital) -> None:
    folder = hospital.site.folder
    script = (
        f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} && "
        f"exec {sys.executable} -P -m bedside serve --site {folder} --port 1"
    )
    command = ["unshare", "--mount", "sh", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 1
    assert "cannot be written: Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def server() -> Iterator[faults.StoppablePostgres]:
    programs = postgres.programs()
    if programs is None:
        pytest.skip("postgresql missing: neither on PATH nor in /usr/lib/postgresql")
    with faults.StoppablePostgres(programs) as started:
        yield started


@contextmanager
def stopped(server: faults.StoppablePostgres, number: signal.Signals) -> Iterator[None]:
    server.stop(number)
    try:
        yield
    finally:
        server.start()


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGKILL])
def test_a_database_server_that_goes_and_comes_again(
    server: faults.StoppablePostgres,
    number: signal.Signals,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stopped at once, and killed; then one of its processes is killed while it serves."""
    monkeypatch.setenv("BEDSIDE_DATABASE_URL", server.url)
    hospital = closed(tmp_path / "site")
    with serving(hospital.site.folder, workers=2, log=tmp_path / "log") as service:
        load = suffer(service, hospital, stopped(server, number), "cannot answer now")
        if number == signal.SIGQUIT:
            with Load([service.port], hospital["clinician"].headers) as more:
                for _ in range(2):
                    server.kill_a_writer()
                    before = len(more.predictions)
                    wait_until(lambda known=before: len(more.predictions) > known + 20)
            checked(hospital, more)
    checked(hospital, load)


def test_a_network_to_the_database_that_is_cut_and_one_that_hangs(
    server: faults.StoppablePostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with faults.Cable(server.socket) as cable:
        monkeypatch.setenv("BEDSIDE_DATABASE_URL", server.url)
        hospital = closed(tmp_path / "site")
        url = f"postgresql+psycopg://postgres@127.0.0.1:{cable.port}/postgres"
        more = {"BEDSIDE_DATABASE_URL": url}
        program = (sys.executable, "-c", IMPATIENT)
        with serving(
            hospital.site.folder, instead=program, environment=more, log=tmp_path / "log"
        ) as service:
            cut = suffer(service, hospital, meanwhile(cable.cut, cable.mend), "cannot answer now")
            hung = suffer(
                service,
                hospital,
                meanwhile(cable.hold_up, cable.mend),
                "under way for",
                heard="not confirmed within",
            )
            assert service.stop() == 0
        for load in (cut, hung):
            checked(hospital, load)


@contextmanager
def meanwhile(begin: Callable[[], None], end: Callable[[], None]) -> Iterator[None]:
    begin()
    try:
        yield
    finally:
        end()


@contextmanager
def tried(fault: AbstractContextManager[None]) -> Iterator[None]:
    """Skip where this machine does not allow the fault."""
    try:
        fault.__enter__()
    except faults.Impossible as reason:
        pytest.skip(str(reason))
    try:
        yield
    finally:
        fault.__exit__(None, None, None)
