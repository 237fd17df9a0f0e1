"""The `bedside` command without its second of imports: a process that has them, and forks for each call.

`Preloaded.programs` is a folder for PATH with a program `bedside`. It hands its words, folder,
environment and streams to the process that waits, which runs the very same `main` in a fork.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
SHIM = """#!{python} -IS
import json, os, socket, sys
door = socket.socket(socket.AF_UNIX)
door.connect({address!r})
socket.send_fds(door, [b"!"], [0, 1, 2])
door.sendall(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode())
door.shutdown(socket.SHUT_WR)
sys.exit(int(door.recv(8) or b"70"))
"""


class Preloaded:
    """The process that waits; use it as a context manager.

    Attributes:
        programs: A folder to put first on PATH.
    """

    def __init__(self, folder: Path) -> None:
        self.programs = folder
        address = folder / "door"
        shim = folder / "bedside"
        shim.write_text(SHIM.format(python=sys.executable, address=str(address)))
        shim.chmod(0o755)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.preloaded", str(address)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *problem: object) -> None:
        assert self._process.stdout is not None
        self._process.terminate()
        self._process.stdout.close()
        self._process.wait(30)


def main(address: str) -> None:
    """Import what commands need, then answer until somebody ends this process."""
    import boto3  # type: ignore[import-untyped]  # noqa: F401, PLC0415 - for the forks
    import onnxruntime  # noqa: F401, PLC0415
    import typer  # noqa: F401, PLC0415

    from bedside import __main__ as program  # noqa: PLC0415
    from bedside.cli import app  # noqa: F401, PLC0415
    from bedside.site import site  # noqa: F401, PLC0415

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            caller, _ = door.accept()
            with caller:
                if os.fork() == 0:
                    door.close()
                    _answer(caller, program.main)


def _answer(caller: socket.socket, bedside: Callable[[list[str]], None]) -> None:
    """Become the command that somebody called, and tell them how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code: object = 70
    try:
        _, streams, _, _ = socket.recv_fds(caller, 1, 3)
        words, folder, environment = json.loads(b"".join(iter(lambda: caller.recv(65536), b"")))
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        sys.stdin, sys.stdout, sys.stderr = (
            open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 - till the end
            for number, mode in enumerate("rww")
        )
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv[:] = ["bedside", *words]
        bedside(words)
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:  # noqa: BLE001 - told as Python would
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        caller.sendall(str(code).encode())
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
