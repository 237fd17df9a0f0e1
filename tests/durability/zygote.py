"""Starts services quickly: a process that has imported everything, and forks one service at a time.

A service so started is the same as `bedside serve`, but for the second that Python takes to import.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]


class Zygote:
    """Starts and buries services; use it as a context manager."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.durability.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **(environment or {})},
            text=True,
            start_new_session=True,
        )

    def start(self, folder: Path, port: int, log: Path) -> int:
        """Start a service, and return its process id."""
        return int(self._asked(f"start\t{folder}\t{port}\t{log}"))

    def bury(self, pid: int) -> int:
        """Wait for the end of a service, and return its status as `waitpid` does."""
        return int(self._asked(f"bury\t{pid}"))

    def _asked(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)


def main() -> None:
    """Do what is asked on stdin, a line each, until it ends."""
    from bedside.api.server import serve  # noqa: PLC0415 - the parent imports this file too

    for line in sys.stdin:
        word, *asked = line.rstrip("\n").split("\t")
        if word == "bury":
            sys.stdout.write(f"{os.waitpid(int(asked[0]), 0)[1]}\n")
        elif (pid := os.fork()) != 0:
            sys.stdout.write(f"{pid}\n")
        else:
            _become(asked)
            serve(Path(asked[0]), port=int(asked[1]), log_level="WARNING")
            os._exit(0)
        sys.stdout.flush()


def _become(asked: list[str]) -> None:
    """Let go of the zygote's own streams, and log to a file."""
    nothing = os.open(os.devnull, os.O_RDWR)
    log = os.open(asked[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream, end in ((0, nothing), (1, nothing), (2, log)):
        os.dup2(end, stream)


if __name__ == "__main__":
    main()
