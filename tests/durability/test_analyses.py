"""A service is killed with an analysis under way: the next one finishes it, once."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from bedside.ledger.events import EventKind
from tests.api.running import running
from tests.durability.conftest import reopened
from tests.serving.volumes import HEADS, hospital_of_heads
from tests.volume_packages import head_nifti

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback, pytest.mark.slow]

PATH = f"/v1/models/{HEADS}/analyses"
SECONDS = 120.0


def test_what_a_killed_service_had_accepted_is_done_by_the_next_one_once(tmp_path: Path) -> None:
    hospital = hospital_of_heads(tmp_path / "site")
    hospital.site.close()
    folder, headers = hospital.site.folder, hospital["clinician"].headers
    with running(folder) as server:
        until_it_is_ready(f"{server.url}/v1/models/{HEADS}/ready", headers)
        sent = {"volume": head_nifti()}
        answer = httpx.post(server.url + PATH, files=sent, headers=headers, timeout=60)
        assert answer.status_code == 202, answer.text
        path = answer.headers["location"]
        until_it_runs(server.url + path, headers)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(30)
    with running(folder) as server:
        end = time.monotonic() + SECONDS
        while (told := ask(server.url + path, headers))["state"] != "done":
            assert told["state"] in ("waiting", "running"), told
            assert time.monotonic() < end, told
            time.sleep(0.1)
        server.stop()
    with reopened(hospital) as site:
        (entry,) = site.ledger.find(kind=EventKind.PREDICTION)
        assert entry.about == told["id"]
        site.verify()


def ask(url: str, headers: dict[str, str]) -> dict[str, object]:
    answer = httpx.get(url, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    told: dict[str, object] = answer.json()
    return told


def until_it_is_ready(url: str, headers: dict[str, str]) -> None:
    end = time.monotonic() + SECONDS
    while (answer := httpx.get(url, headers=headers, timeout=60)).status_code != 200:
        assert time.monotonic() < end, answer.text
        time.sleep(0.1)


def until_it_runs(url: str, headers: dict[str, str]) -> None:
    end = time.monotonic() + SECONDS
    while ask(url, headers)["state"] == "waiting":
        assert time.monotonic() < end
        time.sleep(0.02)
