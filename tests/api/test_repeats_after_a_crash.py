"""A service that is killed in the middle of its work, and clients that send everything again."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest

from bedside.ledger.events import EventKind
from bedside.site.site import Site
from tests import bedside_site
from tests.api.running import Running, running
from tests.bedside_site import MODEL, ROW, Hospital

CLIENTS = 8
EACH = 25

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]


def send(client: httpx.Client, hospital: Hospital, key: str) -> tuple[str, bool] | None:
    """The id that a request was answered with, and whether it was before; None without an answer."""
    headers = hospital["clinician"].headers | {"idempotency-key": key}
    body = {"input": ROW | {"age": len(key)}}
    try:
        answer = client.post(f"/v1/models/{MODEL}/predict", json=body, headers=headers)
    except httpx.TransportError:
        return None
    assert answer.status_code == 200, answer.text
    return answer.json()["id"], "idempotent-replayed" in answer.headers


def hammer(server: Running, hospital: Hospital, heard: dict[str, str], number: int) -> None:
    with httpx.Client(base_url=server.url, timeout=20) as client:
        for one in range(EACH):
            if (answer := send(client, hospital, f"key-{number}-{one}")) is not None:
                heard[f"key-{number}-{one}"] = answer[0]


def test_every_key_has_one_answer_and_whoever_heard_it_heard_that_one(tmp_path: Path) -> None:
    hospital = bedside_site.build(tmp_path / "site")
    hospital.release()
    hospital.site.close()
    heard: dict[str, str] = {}
    with running(hospital.site.folder) as server:
        clients = [
            threading.Thread(target=hammer, args=(server, hospital, heard, number))
            for number in range(CLIENTS)
        ]
        for one in clients:
            one.start()
        while len(heard) < CLIENTS * EACH // 4 and any(one.is_alive() for one in clients):
            clients[0].join(0.005)
        server.process.kill()
        for one in clients:
            one.join()
    keys = [f"key-{number}-{one}" for number in range(CLIENTS) for one in range(EACH)]
    assert 0 < len(heard) < len(keys)
    with running(hospital.site.folder) as server:
        with httpx.Client(base_url=server.url, timeout=20) as client:
            again = {key: send(client, hospital, key) for key in keys}
        server.stop()
    for key, answer in again.items():
        assert answer is not None
        if key in heard:
            assert answer == (heard[key], True)
    with Site.open(hospital.site.folder) as site:
        recorded = site.ledger.find(kind=EventKind.PREDICTION, limit=10_000)
        assert len(recorded) == len(keys)
        assert {entry.about for entry in recorded} == {one[0] for one in again.values() if one}
        site.verify()
