"""A measurement in a process of its own, so that its memory is its own; its figures come as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 3_600
THREADS = "2"


def run_child(module: str, *words: str | Path, python: Path | None = None) -> dict[str, Any]:
    """Return what `module` printed as the last line, in a process of its own on two cores.

    Raises:
        RuntimeError: it failed; with its last words.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": THREADS, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [str(python or sys.executable), "-m", module, *map(str, words)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{module} {words}: {done.stderr[-2_000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
