"""Several worker processes behind one port, watched by a parent."""

from __future__ import annotations

import errno
import http.client
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bedside.api import workers
from bedside.api.workers import LONGEST_WAIT_SECONDS, STEADY_SECONDS, Asked, Supervisor, Worker
from bedside.errors import BedsideError, InputRefused, SiteProblem, Unavailable
from bedside.ledger.events import EventKind
from bedside.site.site import Site
from tests import bedside_site
from tests.bedside_site import Hospital
from tests.durability.service import Client, Service, await_ready, serving, wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]


@pytest.fixture
def hospital(tmp_path: Path) -> Hospital:
    """A hospital whose site is closed here, to be served by another process."""
    built = bedside_site.build(tmp_path / "site")
    built.release()
    built.site.close()
    return built


@pytest.fixture
def service(hospital: Hospital) -> Iterator[Service]:
    with serving(hospital.site.folder, workers=2) as started:
        wait_until(lambda: len(started.workers()) == 2)
        yield started


class Asker(threading.Thread):
    """Asks until it is told to stop, over new connections again and again."""

    def __init__(self, service: Service, hospital: Hospital) -> None:
        super().__init__()
        self.service, self.headers = service, hospital["clinician"].headers
        self.answered: list[str] = []
        self.refused: list[str] = []
        self.lost = 0
        self.enough = threading.Event()

    def run(self) -> None:
        while not self.enough.is_set():
            try:
                self._ask_a_while()
            except (OSError, http.client.HTTPException):
                self.lost += 1
                if self.service.process.poll() is not None:
                    return

    def _ask_a_while(self) -> None:
        with self.service.client(self.headers) as client:
            for _ in range(20):
                if self.enough.is_set():
                    return
                self._ask(client)

    def _ask(self, client: Client) -> None:
        answer = client.predict()
        if answer.status == 200:
            self.answered.append(answer.body["id"])
        else:
            self.refused.append(str(answer))


def recorded(hospital: Hospital) -> set[str]:
    with Site.open(hospital.site.folder) as site:
        site.verify()
        return {e.about for e in site.ledger.entries() if e.kind == EventKind.PREDICTION}


def told(service: Service, hospital: Hospital, name: str) -> float:
    """What /metrics says of a counter, all its labels together."""
    text = service.get("/metrics", hospital["operator"].headers).body
    found = re.findall(rf"^{name}(?:{{.*}})? ([0-9.e+]+)$", text, re.M)
    return sum(float(one) for one in found)


def test_a_worker_that_dies_is_started_again_and_no_counter_falls(
    service: Service, hospital: Hospital
) -> None:
    askers = [Asker(service, hospital) for _ in range(4)]
    for asker in askers:
        asker.start()
    first = service.workers()
    wait_until(lambda: min(len(asker.answered) for asker in askers) > 10)
    before = told(service, hospital, "bedside_predictions_total")
    os.kill(first[2], signal.SIGKILL)
    after = told(service, hospital, "bedside_predictions_total")  # the other one answers
    wait_until(lambda: service.workers()[2] != first[2])
    for asker in askers:
        asker.enough.set()
        asker.join()
    assert before <= after
    answered = {one for asker in askers for one in asker.answered}
    assert [asker.refused for asker in askers] == [[]] * 4
    assert sum(asker.lost for asker in askers) <= 4  # each lost one connection at most
    time.sleep(1.2)  # a worker tells the others what it counted every second
    total = told(service, hospital, "bedside_predictions_total")
    (end,) = service.told("worker ended")
    assert (end["worker"], end["status"]) == (2, -signal.SIGKILL)
    assert service.workers()[1] == first[1]
    assert {line.get("worker") for line in service.told("answered")} == {1, 2}
    assert service.stop() == 0
    assert service.lines()[-1]["message"] == "stopped"
    found = recorded(hospital)
    assert answered <= found
    assert after <= total <= len(found)


def test_a_stop_drains_every_worker(service: Service, hospital: Hospital) -> None:
    askers = [Asker(service, hospital) for _ in range(6)]
    for asker in askers:
        asker.start()
    wait_until(lambda: min(len(asker.answered) for asker in askers) > 5)
    assert service.stop() == 0
    for asker in askers:
        asker.enough.set()
        asker.join()
    assert [asker.refused for asker in askers] == [[]] * 6
    assert {one for asker in askers for one in asker.answered} == recorded(hospital)
    assert service.told("worker ended") == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", service.port), timeout=5)


def test_workers_stop_by_themselves_when_their_parent_is_killed(
    service: Service, hospital: Hospital
) -> None:
    asker = Asker(service, hospital)
    asker.start()
    wait_until(lambda: len(asker.answered) > 5)
    pids = service.workers().values()
    service.kill()
    asker.join()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    assert asker.refused == []
    assert set(asker.answered) <= recorded(hospital)


def test_what_the_first_worker_meets_is_told_by_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bedside", "serve", "--site", str(tmp_path / "none")]
    done = subprocess.run(
        [*command, "--workers", "2"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "Refused: There is no site in" in done.stderr
    assert "bedside init" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_worker_that_keeps_dying_waits_longer_each_time(tmp_path: Path) -> None:
    with socket.socket() as listener:
        supervisor = Supervisor(Asked(tmp_path, listener, tmp_path, "INFO"), 2, "127.0.0.1")
        short = Worker(2, None, listener, time.monotonic(), ready=True)  # type: ignore[arg-type]
        waits = [supervisor._wait_after(short) for _ in range(20)]
        assert waits[:3] == [0.5, 1.0, 2.0]
        assert waits[-1] == LONGEST_WAIT_SECONDS
        steady = Worker(2, None, listener, time.monotonic() - STEADY_SECONDS - 1, ready=True)  # type: ignore[arg-type]
        assert supervisor._wait_after(steady) == 0.0
        assert supervisor._wait_after(short) == 0.5


def test_a_worker_that_the_system_has_no_process_for_is_started_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refusing(*_: object, **__: object) -> None:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    caplog.set_level(logging.INFO, "bedside.state")
    monkeypatch.setattr(subprocess, "Popen", refusing)
    files = len(list(Path("/proc/self/fd").iterdir()))
    with socket.socket() as listener:
        asked = Asked(tmp_path, listener, tmp_path, "INFO")
        with Supervisor(asked, 3, "127.0.0.1") as supervisor:
            with pytest.raises(SiteProblem, match=r"cannot be started: .*temporarily unavailable"):
                supervisor._start_due()
            supervisor._answers, supervisor._due = True, {2: 0.0, 3: 0.0}
            supervisor._start_due()
            waits = [due - time.monotonic() for due in supervisor._due.values()]
            assert sorted(supervisor._due) == [2, 3]
            assert all(0.0 < wait <= 0.5 for wait in waits)
            supervisor._due[2] = 0.0
            supervisor._start_due()
            assert 0.5 < supervisor._due[2] - time.monotonic() <= 1.0
    assert caplog.messages == ["worker not started"] * 3
    assert len(list(Path("/proc/self/fd").iterdir())) <= files


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Unavailable, Unavailable),
        (InputRefused, SiteProblem),  # it is made of refusals
        (BedsideError, BedsideError),
    ],
)
def test_a_reason_keeps_its_kind(kind: type[BedsideError], expected: type[BedsideError]) -> None:
    reason = workers._reason({"kind": kind.__name__, "message": "why", "advice": "what next"})
    assert (type(reason), reason.message, reason.advice) == (expected, "why", "what next")
    assert (
        type(workers._reason({"kind": "annotations", "message": "", "advice": ""})) is SiteProblem
    )


def test_a_service_with_one_worker_counts_too(hospital: Hospital) -> None:
    with serving(hospital.site.folder) as service:
        await_ready(service)
        with service.client(hospital["clinician"].headers) as client:
            client.predict()
        assert told(service, hospital, "bedside_predictions_total") == 1
        assert "worker" not in service.lines()[-1]
