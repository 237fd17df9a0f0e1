"""`bedside serve` as a real process, to be traced, starved and killed; and a client that speaks to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bedside_site import MODEL, ROW

START_SECONDS = 60.0
BEDSIDE = (sys.executable, "-P", "-m", "bedside")
PREDICT = f"/v1/models/{MODEL}/predict"


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Answer:
    """One answer: status, and the body as JSON where it is any."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Client:
    """One kept-alive connection of one person."""

    def __init__(self, port: int, headers: Mapping[str, str], timeout: float = 60) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self._headers = {**headers, "content-type": "application/json"}

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        data = None if body is None else json.dumps(body)
        self._connection.request(method, path, data, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        known = {name.lower(): value for name, value in answer.getheaders()}
        is_json = "json" in known.get("content-type", "")
        return Answer(answer.status, json.loads(text) if is_json else text.decode(), known)

    def predict(self, row: object = ROW, path: str = PREDICT) -> Answer:
        return self.ask("POST", path, {"input": row})

    def decide(self, prediction: str) -> Answer:
        return self.ask("POST", f"/v1/predictions/{prediction}/decision", {"verdict": "agree"})

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()


@dataclass
class Service:
    """A service that answers."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def lines(self) -> list[dict[str, Any]]:
        """The log so far, each line parsed; a line that is being written is left out."""
        whole = self.log.read_bytes().rpartition(b"\n")[0]
        return [json.loads(line) for line in whole.splitlines() if line.startswith(b"{")]

    def told(self, message: str) -> list[dict[str, Any]]:
        """The lines with this message."""
        return [line for line in self.lines() if line.get("message") == message]

    def workers(self) -> dict[int, int]:
        """The process id of each worker that answers, by its number; the latest of each."""
        return {line["worker"]: line["pid"] for line in self.told("worker answers")}

    def stop(self) -> int:
        """Stop it gracefully, and return its exit status."""
        os.killpg(self.process.pid, signal.SIGTERM)  # strace passes no signal on
        return self.process.wait(60)

    def kill(self) -> None:
        """Kill the service at once; of workers the parent first, as a crash of the machine would."""
        self.process.kill()
        self.process.wait()

    def client(self, headers: Mapping[str, str], timeout: float = 60) -> Client:
        return Client(self.port, headers, timeout)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        with self.client(headers or {}) as client:
            return client.ask("GET", path)


@contextmanager
def serving(
    folder: Path,
    *,
    workers: int = 1,
    before: Sequence[str] = (),
    instead: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> Iterator[Service]:
    """Serve the site in `folder`.

    Args:
        folder: The site's.
        workers: How many processes answer.
        before: The words of a program that starts another, such as strace.
        instead: The words of a program that takes the same arguments as `bedside`.
        environment: More variables.
        log: Where the log goes.
    """
    program = tuple(instead) or (*before, *BEDSIDE)
    started = start(folder, workers=workers, program=program, environment=environment, log=log)
    try:
        await_ready(started)
        yield started
    finally:
        end(started.process)


def start(
    folder: Path,
    *,
    workers: int = 1,
    program: Sequence[str] = BEDSIDE,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> Service:
    """Start the service in a process group of its own; it may not answer yet."""
    port = free_port()
    command = [*program, "serve", "--no-ui", "--site", str(folder), "--port", str(port)]
    command += ["--workers", str(workers)]
    path = log or folder.parent / f"{folder.name}-{port}.log"
    with path.open("ab") as stream:
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=stream,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    return Service(process, port, path)


def await_ready(service: Service, seconds: float = START_SECONDS) -> None:
    """Wait until the service answers that it is ready."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with service.client({}, 5) as client:
                if client.ask("GET", "/readyz").status == 200:
                    return
        except (OSError, http.client.HTTPException):
            pass
        assert service.process.poll() is None, service.log.read_text()[-4000:]
        assert time.monotonic() < deadline, service.log.read_text()[-4000:]
        time.sleep(0.01)


def end(process: subprocess.Popen[bytes]) -> None:
    """Leave nothing of the service behind: its group, then the workers, which notice by themselves."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until(what: Any, seconds: float = 30.0, pause: float = 0.02) -> None:
    """Wait until `what()` is true."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, what
        time.sleep(pause)
