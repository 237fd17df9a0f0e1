"""The chest-film example, run once for all of its tests, whatever the number of test processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "chest-film"
SECONDS = 800.0
"""Far more than it takes: two minutes of one core, on a machine that may be busy."""


@dataclass(frozen=True)
class Journey:
    """What `freeze_and_serve.sh` left, and what it printed."""

    folder: Path
    told: str


@pytest.fixture(scope="session")
def journey(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Journey:
    """The whole way, with few films: enough to see that the network learns, not to be good."""
    root = tmp_path_factory.getbasetemp()
    shared = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    folder, lock = shared / "chest-film", shared / "chest-film.lock"
    done = shared / "chest-film.done"
    with suppress(FileExistsError):
        lock.touch(exist_ok=False)
        code, told = run_through(folder, samples / "dicom" / "files" / "RG3_J2KR.dcm")
        (folder / "told.txt").write_text(told, encoding="utf-8")
        done.write_text(str(code))
    until = time.monotonic() + SECONDS
    while not done.exists() and time.monotonic() < until:
        time.sleep(0.2)
    told = (folder / "told.txt").read_text("utf-8")
    assert done.read_text() == "0", told[-4000:]
    return Journey(folder, told)


def run_through(folder: Path, tibia: Path) -> tuple[int, str]:
    """Run the script with few films; return its exit code and all that it printed."""
    folder.mkdir()
    told = folder.with_suffix(".txt")
    with told.open("w", encoding="utf-8") as sink:
        run = subprocess.run(
            [
                "sh",
                EXAMPLE / "freeze_and_serve.sh",
                folder,
                "--films",
                "400",
                "--epochs",
                "10",
                "--workers",
                "1",
            ],
            env=environment(tibia),
            stdout=sink,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
        )
    return run.returncode, told.read_text("utf-8")


def environment(tibia: Path) -> Mapping[str, str]:
    """Return what the script sees: our programs, a free port, nothing of this machine's user."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "PORT": str(port),
        "TIBIA": str(tibia),
        "BEDSIDE_ALLOW_TMPFS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_WAIT_POLICY": "passive",  # the other core is another test's
    }
