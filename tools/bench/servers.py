"""Servers under measurement: started, asked once, weighed, and stopped by their own process."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

READY_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Server:
    """An endpoint, how it is started, and the one request that it is sent.

    Attributes:
        name: As the page calls it.
        command: Starts it in the foreground.
        port: Where it listens, on loopback.
        request: One HTTP request, head and body.
        expected: Bytes that a right answer holds.
        environment: Added to ours.
        folder: Working directory.
    """

    name: str
    command: tuple[str, ...]
    port: int
    request: bytes
    expected: bytes
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A server that has answered once: its process, and seconds from its start to that answer."""

    pid: int
    seconds: float

    def peak_megabytes(self) -> float:
        """Return the peak resident memory of the process and all it started, summed, in MB."""
        return sum(_peak(pid) for pid in [self.pid, *_descendants(self.pid)]) / 1e3

    def cpu_seconds(self) -> float:
        """Return the processor time, user and system, of the process and all it started."""
        return sum(_cpu(pid) for pid in [self.pid, *_descendants(self.pid)])


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """Return one POST request as it goes over the wire; the content type is JSON unless given."""
    named = {"Content-Type": "application/json", **headers}
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in named.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextlib.contextmanager
def running(server: Server) -> Iterator[Running]:
    """Run a server until the block is left; it has given a right answer when the block begins.

    Raises:
        RuntimeError: it ended, answered otherwise, or gave no answer in time.
    """
    begun = time.perf_counter()
    process = subprocess.Popen(
        server.command,
        env={**os.environ, "BEDSIDE_ALLOW_TMPFS": "1", **server.environment},
        cwd=server.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not _answers(server):
            late = time.perf_counter() - begun > READY_SECONDS
            if process.poll() is not None or late:
                raise RuntimeError(f"{server.name} did not answer: {' '.join(server.command)}")
            time.sleep(0.002)
        yield Running(process.pid, time.perf_counter() - begun)
    finally:
        _stop(process)


def ask(server: Server) -> tuple[int, bytes]:
    """Send the request once; return status and body."""
    head, body = server.request.split(b"\r\n\r\n", 1)
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("POST", first.split(" ")[1], body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def members(body: bytes) -> dict[str, object]:
    """Return the JSON object in an answer."""
    found: dict[str, object] = json.loads(body)
    return found


def _answers(server: Server) -> bool:
    try:
        status, body = ask(server)
    except OSError:
        return False
    if status in {404, 500, 503}:  # its port is open, and its model not there yet
        return False
    if status != 200 or server.expected not in body:
        raise RuntimeError(f"{server.name} answered {status}: {body[:300]!r}")
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
    with contextlib.suppress(ProcessLookupError):  # its own session: what it started ends with it
        os.killpg(process.pid, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text().split():
                found += [int(child), *_descendants(int(child))]
    return found


def _peak(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) if lines else 0


def _cpu(pid: int) -> float:
    try:
        numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")
