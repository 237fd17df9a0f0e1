"""The demonstration's service: a process of its own, and a client that speaks HTTP to it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from types import FrameType

from bedside.canonical import Json
from bedside.errors import Conflict, Unavailable

HOST = "127.0.0.1"

START_SECONDS = 60.0
"""Far longer than a start takes, even on a laptop that is busy."""

STOP_SECONDS = 40.0
"""Longer than the service gives requests in flight to finish."""

LOG_TAIL = 2_000
"""Characters of the service's log that are shown when it does not start."""


def refuse_taken_port(port: int) -> None:
    """Check that the service will be able to listen on `port`.

    Raises:
        Conflict: another program has it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as problem:
            raise Conflict(
                f"Port {port} on {HOST} is not to be had: {problem.strerror}.",
                advice=f"Choose another one, such as --port {port + 1 if port < 65535 else 8001}.",
            ) from problem


@contextmanager
def serving(site: Path, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Serve `site` in a process of its own, whose log goes to `log`; stop it cleanly afterwards.

    Raises:
        Unavailable: it ended, or was not ready in time; the end of its log is in the message.
    """
    command = [sys.executable, "-P", "-m", "bedside", "serve"]
    command += ["--site", str(site), "--host", HOST, "--port", str(port)]
    with log.open("ab") as sink, stopped_by_sigterm():
        process = subprocess.Popen(command, stdout=sink, stderr=sink)  # noqa: S603 - ourselves
        try:
            _wait_until_ready(process, port, log)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM unwind this process as Ctrl-C does, so that no service is left behind."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def ended(process: subprocess.Popen[bytes], log: Path) -> Unavailable:
    """Return the error that says how the service ended."""
    tail = log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:].strip()
    return Unavailable(
        f"The service ended with {process.returncode}. The end of its log: {tail or 'nothing'}",
        advice=f"Its whole log is {log}.",
    )


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    client = Client(port, "")
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ended(process, log)
        try:
            status, _ = client.get("/readyz")
        except OSError:
            status = 0
        if status == 200:
            return
        time.sleep(0.1)
    raise Unavailable(
        f"The service was not ready after {START_SECONDS:.0f} s.", advice=f"See its log, {log}."
    )


class Client:
    """Speaks JSON over HTTP to the service on this machine, as any program of a hospital would."""

    def __init__(self, port: int, secret: str) -> None:
        """Speak to `port`, with an API key or, where it is empty, without."""
        self._port = port
        self._headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    def post(self, path: str, body: Json) -> tuple[int, Json]:
        """Return status and JSON answer of a POST."""
        data = json.dumps(body).encode("ascii")
        headers = self._headers | {"Content-Type": "application/json"}
        status, answer = self._send("POST", path, data, headers)
        return status, json.loads(answer)

    def get(self, path: str, accept: str = "application/json") -> tuple[int, str]:
        """Return status and text of a GET."""
        return self._send("GET", path, None, self._headers | {"Accept": accept})

    def _send(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str]
    ) -> tuple[int, str]:
        connection = HTTPConnection(HOST, self._port, timeout=60)
        try:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8")
        finally:
            connection.close()
