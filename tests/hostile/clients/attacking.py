"""What hostile clients are made of, and the honest one beside them whose patience is measured."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.api.running import Running
from tests.bedside_site import MODEL, ROW, Hospital

PREDICT = f"/v1/models/{MODEL}/predict"
HONEST = "127.0.0.2"
"""All of 127/8 is this machine: each client of a test has an address of its own."""

PATIENCE = 15.0
"""Seconds within which an honest client is answered whatever goes on: two cores are shared by all."""

USUAL = 1.0
"""Seconds within which half of its requests are answered meanwhile."""


@dataclass
class Site:
    """A server under attack, with the people that its clients may pretend to be."""

    server: Running
    hospital: Hospital

    @property
    def port(self) -> int:
        return self.server.port

    def connect(
        self, source: str = "127.0.0.1", *, receive: int = 0, timeout: float = 20
    ) -> socket.socket:
        """Open a connection from `source`, whose buffer takes `receive` bytes if that is not 0."""
        opened = socket.socket()
        if receive:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        opened.settimeout(timeout)
        opened.bind((source, 0))
        opened.connect(("127.0.0.1", self.port))
        return opened

    def exchange(self, *parts: bytes, source: str = "127.0.0.1", pause: float = 0.0) -> bytes:
        """Send `parts`, and return all that comes until the end of the connection."""
        with self.connect(source) as connection:
            try:
                for part in parts:
                    connection.sendall(part)
                    if pause:
                        time.sleep(pause)
            except OSError:
                pass  # it refused before all was sent
            return drain(connection)

    def post(self, body: bytes, *lines: str, role: str = "clinician") -> bytes:
        """Return a whole POST to the predict path, signed in, that closes its connection."""
        return self.head(*lines, f"content-length: {len(body)}", role=role) + body

    def head(self, *lines: str, role: str = "clinician") -> bytes:
        secret = self.hospital[role].secret
        begin = f"POST {PREDICT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {secret}\r\n"
        rest = "".join(f"{line}\r\n" for line in (*lines, "connection: close"))
        return f"{begin}{rest}\r\n".encode()

    def memory(self) -> int:
        """Return how many bytes of the server are in memory now."""
        return _status(self.server.process.pid, "VmRSS")

    def forget_peak(self) -> None:
        """Let `peak` begin anew."""
        Path(f"/proc/{self.server.process.pid}/clear_refs").write_text("5")

    def peak(self) -> int:
        """Return how many bytes of it were in memory at most."""
        return _status(self.server.process.pid, "VmHWM")

    def files(self) -> int:
        return len(list(Path(f"/proc/{self.server.process.pid}/fd").iterdir()))


@dataclass
class Honest(threading.Thread):
    """Asks again and again, as a ward does, and notes how long each answer took.

    A clinician asks for predictions, everybody else which models there are.
    """

    site: Site
    source: str = HONEST
    keeps: bool = True
    role: str = "clinician"
    seconds: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._stop_asking = threading.Event()

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        asked = ("POST", PREDICT, json.dumps({"input": ROW}).encode())
        if self.role != "clinician":
            asked = ("GET", "/v1/models", b"")
        headers = {**self.site.hospital[self.role].headers, "content-type": "application/json"}
        connection: http.client.HTTPConnection | None = None
        while not self._stop_asking.is_set():
            begun = time.monotonic()
            try:
                if connection is None:
                    connection = http.client.HTTPConnection(
                        "127.0.0.1", self.site.port, PATIENCE * 2, source_address=(self.source, 0)
                    )
                connection.request(*asked, headers)
                answer = connection.getresponse()
                answer.read()
                self.statuses.append(answer.status)
            except OSError:
                self.statuses.append(0)
                connection = None
            self.seconds.append(time.monotonic() - begun)
            if not self.keeps and connection is not None:
                connection.close()
                connection = None
            self._stop_asking.wait(0.02)
        if connection is not None:
            connection.close()

    def finish(self) -> None:
        self._stop_asking.set()
        self.join(PATIENCE * 3)


@contextmanager
def others_are_served(
    site: Site, *, memory: int, keeps: bool = True, role: str = "clinician"
) -> Iterator[Honest]:
    """Check that, during an attack, an honest client is served and memory grows by at most `memory`."""
    site.forget_peak()
    before = site.memory()
    honest = Honest(site, keeps=keeps, role=role)
    honest.start()
    try:
        yield honest
        time.sleep(0.2)
    finally:
        honest.finish()
    assert honest.statuses, "the honest client asked nothing"
    assert set(honest.statuses) == {200}, honest.statuses
    assert max(honest.seconds) < PATIENCE, sorted(honest.seconds)[-5:]
    assert median(honest.seconds) < USUAL, sorted(honest.seconds)
    grown = site.peak() - before
    assert grown < memory, f"memory grew by {grown / 2**20:.1f} MiB"


@contextmanager
def many(
    site: Site, count: int, source: str = "127.0.0.1", *, receive: int = 0
) -> Iterator[list[socket.socket]]:
    """Hold `count` connections from one address, as many as it lets us."""
    opened: list[socket.socket] = []
    try:
        for _ in range(count):
            opened.append(site.connect(source, receive=receive, timeout=20))
        yield opened
    finally:
        for one in opened:
            one.close()


def drain(connection: socket.socket) -> bytes:
    """Return all that comes until the end, or until the connection is reset."""
    received = b""
    try:
        while data := connection.recv(65536):
            received += data
    except ConnectionError:
        pass
    return received


def statuses(answer: bytes) -> list[int]:
    """Return the status of each answer in what came over one connection."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def _status(process: int, name: str) -> int:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(name)
