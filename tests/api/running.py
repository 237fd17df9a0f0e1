"""A real server process on this machine, stopped by its own process id."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60.0

PROGRAM = """
import sys
from pathlib import Path
from bedside.api.server import serve
serve(Path(sys.argv[1]), port=int(sys.argv[2]))
"""


@dataclass
class Running:
    """A server that answers."""

    process: subprocess.Popen[str]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> int:
        """Send SIGTERM and return the exit status."""
        self.process.terminate()
        return self.process.wait(60)

    def lines(self) -> list[dict[str, object]]:
        """Return the log, each line parsed."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextmanager
def running(folder: Path, before: str = "") -> Iterator[Running]:
    """Serve the site in `folder` on a free port, having run the lines of Python `before`."""
    log = folder.parent / "server.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", before + PROGRAM, str(folder), "0"],
            stderr=stream,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        yield Running(process, _port(process, log), log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _port(process: subprocess.Popen[str], log: Path) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        for line in log.read_text().splitlines():
            told = json.loads(line)
            if told["message"] == "listening":
                _await_health(int(told["port"]))
                return int(told["port"])
        assert process.poll() is None, log.read_text()
        time.sleep(0.02)
    raise AssertionError(f"no server within {START_SECONDS} s: {log.read_text()}")


def _await_health(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                assert answer.status == 200
                return
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.02)
