from __future__ import annotations

import http.client
import json
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bedside.api import stand_in
from bedside.api.stand_in import StandIn, Visitor

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]

REASON = "The disk is full. Free space there."


@contextmanager
def standing_in(reason: str = REASON) -> Iterator[tuple[int, StandIn]]:
    """A loop in a thread, as the parent's; give the port."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener, selectors.DefaultSelector() as chosen:
        standing = StandIn(chosen, listener)
        standing.begin(reason)

        def run() -> None:
            while not ended.is_set():
                standing.tidy()
                for key, _ in chosen.select(0.05):
                    if isinstance(key.data, Visitor):
                        standing.hear(key.data)
                    else:
                        standing.accept()

        loop = threading.Thread(target=run)
        loop.start()
        try:
            yield listener.getsockname()[1], standing
        finally:
            ended.set()
            loop.join()
            standing.close()


def asked(
    port: int, method: str, path: str, body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body)
    answer = connection.getresponse()
    found = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    connection.close()
    return found


def test_everybody_is_told_why_nobody_can_answer() -> None:
    with standing_in() as (port, _):
        status, headers, body = asked(port, "POST", "/v1/models/x/predict?a=b", b"x" * 300_000)
        problem = json.loads(body)
        assert (status, problem["status"], headers["retry-after"]) == (503, 503, "1")
        assert REASON in problem["detail"]
        assert problem["instance"] == "/v1/models/x/predict"
        assert headers["content-type"] == "application/problem+json"
        status, _, body = asked(port, "GET", "/readyz")
        assert (status, json.loads(body)) == (503, {"status": REASON})
        status, _, body = asked(port, "GET", "/healthz")
        assert (status, json.loads(body)) == (200, {"status": "alive"})
        assert asked(port, "HEAD", "/healthz")[2] == b""


def test_many_at_once_and_some_who_never_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stand_in, "SECONDS", 0.3)
    monkeypatch.setattr(stand_in, "MOST", 8)
    with standing_in() as (port, _):
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
        assert asked(port, "GET", "/healthz")[0] == 200
        for one in silent:
            assert one.recv(10) == b""
            one.close()


def test_after_its_end_it_accepts_nobody() -> None:
    with standing_in() as (port, standing):
        assert asked(port, "GET", "/healthz")[0] == 200
        standing.end()
        with socket.create_connection(("127.0.0.1", port)) as left_to_the_workers:
            left_to_the_workers.settimeout(0.3)
            left_to_the_workers.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with pytest.raises(TimeoutError):
                left_to_the_workers.recv(10)
