"""What importing costs, in processes of their own: `import bedside`, and all that a server needs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass

TURNS = 5


def import_seconds(times: int = 15) -> float:
    """Return the median of what a process with `import bedside` takes beyond one without."""
    pairs = [(_run("import bedside"), _run("pass")) for _ in range(times)]
    return statistics.median(a - b for a, b in pairs)


def _run(code: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begun


@dataclass(frozen=True, slots=True)
class Imports:
    """What a server imports before it can answer.

    Attributes:
        modules: How many.
        milliseconds: By library, the dearest first; ours by its name `bedside`.
    """

    modules: int
    milliseconds: dict[str, float]

    @property
    def total(self) -> float:
        """Return the sum, in milliseconds."""
        return sum(self.milliseconds.values())


def imports(module: str) -> Imports:
    """Return what a fresh interpreter spends on importing `module` (or several), the least of `TURNS` turns.

    Python's own clock around each import costs something itself.
    """
    turns = [_imported(module) for _ in range(TURNS)]
    names = set.intersection(*(set(turn) for turn in turns))
    spent: Counter[str] = Counter()
    for name in names:
        spent[name.split(".")[0]] += min(turn[name] for turn in turns)
    return Imports(len(names), {name: each / 1000 for name, each in spent.most_common()})


def _imported(module: str) -> dict[str, int]:
    """Return the microseconds that each module took, without those that it imported."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", f"import {module}"],
        check=True,
        capture_output=True,
        text=True,
    )
    lines = [line.removeprefix("import time:").split("|") for line in run.stderr.splitlines()[1:]]
    return {name.strip(): int(own) for own, _, name in (line for line in lines if len(line) == 3)}
