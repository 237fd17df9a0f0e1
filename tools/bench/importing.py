"""What `import bedside` costs, in a process of its own."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time


def import_seconds(times: int = 15) -> float:
    """Return the median of what a process with `import bedside` takes beyond one without."""
    pairs = [(_run("import bedside"), _run("pass")) for _ in range(times)]
    return statistics.median(a - b for a, b in pairs)


def _run(code: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begun
