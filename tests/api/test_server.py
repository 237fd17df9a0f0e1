from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_socket

from bedside.api.listener import listening
from bedside.api.unread import MAX_HEAD_BYTES
from bedside.errors import SiteProblem
from bedside.ledger.events import EventKind
from bedside.site.settings import SETTINGS_FILE, read_settings, write_settings
from bedside.site.site import Site
from tests import bedside_site
from tests.api.running import Running, running
from tests.bedside_site import MODEL, ROW, Hospital

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]

PREDICT = f"/v1/models/{MODEL}/predict"


def closed_hospital(folder: Path) -> Hospital:
    """A hospital whose site is closed here, to be served by another process."""
    built = bedside_site.build(folder)
    built.release()
    built.site.close()
    path = folder / SETTINGS_FILE
    known = read_settings(path)
    limits = known.limits.model_copy(update={"header_seconds": 1})
    path.write_text(write_settings(known.model_copy(update={"limits": limits})))
    return built


@pytest.fixture
def closed(tmp_path: Path) -> Hospital:
    """A hospital of this test alone."""
    return closed_hospital(tmp_path / "site")


@pytest.fixture
def server(closed: Hospital) -> Iterator[Running]:
    """A server of this test alone, which it may stop."""
    with running(closed.site.folder) as started:
        yield started


@pytest.fixture(scope="module")
def shared_hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    """A hospital for tests that leave it as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEDSIDE_ALLOW_TMPFS", "1")
        return closed_hospital(tmp_path_factory.mktemp("shared") / "site")


@pytest.fixture(scope="module")
def shared(shared_hospital: Hospital) -> Iterator[Running]:
    """A server for tests that leave it running."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEDSIDE_ALLOW_TMPFS", "1")
        pytest_socket.enable_socket()
        with running(shared_hospital.site.folder) as started:
            yield started


class Asker(threading.Thread):
    """Sends predictions over one kept-alive connection until the server says that it closes."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        super().__init__()
        self.port, self.headers = port, headers
        self.answered: list[str] = []
        self.broken: list[str] = []
        self.told_to_close = False

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.connect()
        headers = {**self.headers, "content-type": "application/json"}
        while not self.told_to_close:
            try:
                connection.request("POST", PREDICT, json.dumps({"input": ROW}), headers)
                answer = connection.getresponse()
                body = json.loads(answer.read())
            except (OSError, http.client.HTTPException) as problem:
                self.broken.append(repr(problem))
                return
            if answer.status == 200:
                self.answered.append(body["id"])
            else:
                self.broken.append(f"{answer.status} {body}")
            self.told_to_close = answer.headers.get("connection") == "close"
        connection.close()


def test_what_was_accepted_is_finished_when_the_service_is_stopped(
    server: Running, closed: Hospital
) -> None:
    askers = [Asker(server.port, closed["clinician"].headers) for _ in range(8)]
    for asker in askers:
        asker.start()
    deadline = time.monotonic() + 30
    while min(len(asker.answered) for asker in askers) < 5:
        assert time.monotonic() < deadline, [asker.broken for asker in askers]
        time.sleep(0.01)
    status = server.stop()
    for asker in askers:
        asker.join(30)
    assert [asker.broken for asker in askers] == [[]] * 8
    assert all(asker.told_to_close for asker in askers)
    assert status == 0
    answered = {one for asker in askers for one in asker.answered}
    with Site.open(closed.site.folder) as site:
        recorded = {e.about for e in site.ledger.entries() if e.kind == EventKind.PREDICTION}
        latest = site.ledger.latest_checkpoint()
        assert latest is not None
        assert latest.size == site.ledger.head().size
        site.ledger.verify()
    assert answered == recorded
    assert server.lines()[-1]["message"] == "stopped"


def test_after_the_stop_nobody_new_comes_in(server: Running) -> None:
    assert server.stop() == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)


def test_the_server_does_not_say_what_it_is(shared: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=10)
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.headers.get("server") is None
    connection.close()


def test_the_log_is_json_and_names_no_input_and_no_secret(
    server: Running, closed: Hospital
) -> None:
    asker = closed["clinician"]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    body = json.dumps({"input": {"radius": 98765.5}, "subject": "patient-seven"})
    headers = {**asker.headers, "content-type": "application/json"}
    connection.request("POST", f"{PREDICT}?who=patient-seven", body, headers)
    assert connection.getresponse().status == 422
    connection.close()
    server.stop()
    (line,) = [line for line in server.lines() if line.get("route") == "predict"]
    assert (line["status"], line["person"]) == (422, asker.caller.person.id)
    text = server.log.read_text()
    for personal in (asker.secret, asker.secret[4:], "98765", "patient-seven"):
        assert personal not in text


def test_a_client_that_leaves_is_no_error_of_ours(server: Running, closed: Hospital) -> None:
    """Closed in the middle of its body, and cut off because its body dribbles."""
    head = (
        f"POST {PREDICT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {closed['clinician'].secret}\r\ncontent-length: 1000\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as connection:
        connection.sendall(head + b'{"inp')
        time.sleep(0.3)
    assert exchange(server.port, head, b" ", b" ", pause=0.4).startswith(b"HTTP/1.1 408")
    deadline = time.monotonic() + 10
    while len(told := [one for one in server.lines() if one.get("route") == "predict"]) < 2:
        assert time.monotonic() < deadline, server.lines()
        time.sleep(0.02)
    assert [(one["status"], one["level"]) for one in told] == [(499, "info")] * 2
    assert {one["person"] for one in told} == {closed["clinician"].caller.person.id}
    assert [one for one in server.lines() if one["level"] == "error"] == []
    asking = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    asking.request("GET", "/metrics", headers=closed["operator"].headers)
    metrics = asking.getresponse().read().decode()
    asking.close()
    assert 'bedside_requests_total{route="predict",status="499"} 2.0' in metrics
    assert 'status="500"' not in metrics


def test_a_head_has_no_body(shared: Running) -> None:
    last = b"HEAD /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    answer = exchange(shared.port, last)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\n")


def exchange(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send `parts` with pauses between them, and return all that comes until the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        received = b""
        while data := connection.recv(65536):
            received += data
        return received


def test_an_endless_head_is_cut_off(shared: Running) -> None:
    head = b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: "
    answer = exchange(shared.port, head, b"a" * (MAX_HEAD_BYTES + 1 - len(head)))
    assert answer.startswith(b"HTTP/1.1 431")


def test_whoever_sends_too_slowly_is_let_go(shared: Running) -> None:
    begun = time.monotonic()
    slow = exchange(shared.port, b"GET /healthz HTTP/1.1\r\nhost: x\r\n")
    assert slow.startswith(b"HTTP/1.1 408")
    assert exchange(shared.port, b"") == b""
    head = b"POST /v1/models/x/predict HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n"
    exchange(shared.port, head, b"{")
    assert 2.5 < time.monotonic() - begun < 10


def test_a_second_request_on_a_connection_has_its_own_time(shared: Running) -> None:
    request = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    answers = exchange(shared.port, request, request, last, pause=0.7)
    assert answers.count(b"HTTP/1.1 200") == 3


def test_a_port_that_is_taken_is_told(closed: Hospital) -> None:
    with listening("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SiteProblem, match=rf"Nothing can listen on 127\.0\.0\.1:{port}"):
            listening("127.0.0.1", port)


@pytest.mark.parametrize("parts", [1, 2])
def test_an_offered_upgrade_is_ignored_and_the_body_is_read(
    shared: Running, shared_hospital: Hospital, parts: int
) -> None:
    """Java's HttpClient offers HTTP/2 with its first request; without TLS we do not speak it."""
    body = json.dumps({"input": ROW}).encode()
    head = (
        f"POST {PREDICT} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade, HTTP2-Settings\r\n"
        f"upgrade: h2c\r\nhttp2-settings: AAE\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {shared_hospital['clinician'].secret}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    ).encode()
    sent = [head + body] if parts == 1 else [head, body]
    empty = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    last = b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    answers = exchange(shared.port, *sent, empty, *sent, last, pause=0.2)
    assert answers.count(b"HTTP/1.1 200") == 4
    assert answers.count(b'"label":"malignant"') == 2


@pytest.mark.parametrize(
    "request_head",
    [
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: +3\r\n\r\n",
        b"GET / HTTP/1.1\nhost: x\n\n",
        b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_what_two_servers_could_frame_differently_is_refused(
    shared: Running, request_head: bytes
) -> None:
    for head in (
        request_head,
        request_head.replace(b"host: x", b"connection: upgrade\r\nupgrade: x"),
    ):
        assert exchange(shared.port, head + b"abc").startswith(b"HTTP/1.1 400")
