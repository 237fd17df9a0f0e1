"""The shipped brain extraction, from a file on disk to its results on disk: cold, warm, and the floor."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from bedside.package.shipped.catalogue import shipped
from tools.bench_imaging.children import ROOT, THREADS, run_child

NAME = "brain-extraction"
COLD_TURNS = 3
WARM_TURNS = "4"
"""In one process; the first brings the memory that the next ones find."""


def brain_of(head: Path, folder: Path) -> dict[str, Any]:
    """Return what the shipped package costs on a head, or why it was not measured."""
    found = shipped(NAME)
    if found is None or not found.path.is_file():
        return {"absent": f"no package {NAME!r} comes with this version"}
    out = folder / "brain"
    out.mkdir()
    words = ("analyse", head, "-o", out, "--again", "--modality", "MR", "--body-part", "HEAD")
    _command(folder, *words)  # writes the bytecode, as an installation has it
    cold = [_command(folder, *words) for _ in range(COLD_TURNS)]
    warm = run_child("tools.bench_imaging.analysing", found.path, head, out, WARM_TURNS)
    floor = run_child("tools.bench_imaging.floor", found.path, head, out)
    middle = {name: statistics.median(one[name] for one in cold) for name in cold[0]}
    return {**warm, "ref": found.ref, "cold": middle, "floor": floor}


def _command(folder: Path, *words: str | Path) -> dict[str, float]:
    """Return processor seconds, seconds and the largest memory (MiB) of one `bedside` from its start.

    Raises:
        RuntimeError: it failed; with its last words.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "OMP_NUM_THREADS": THREADS,
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }
    said = folder / "said.json"
    command = [sys.executable, "-m", "bedside", *map(str, words), "--json"]
    with said.open("wb") as target:
        begun = time.perf_counter()
        child = os.posix_spawn(
            sys.executable,
            command,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, target.fileno(), descriptor) for descriptor in (1, 2)
            ],
        )
        _, status, used = os.wait4(child, 0)
        clock = time.perf_counter() - begun
    text = said.read_text(encoding="utf-8")
    if os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError(f"{command}: {text[-2_000:]}")
    json.loads(text[text.index("{") :])
    return {
        "processor": used.ru_utime + used.ru_stime,
        "clock": clock,
        "peak": used.ru_maxrss / 1024,
    }
