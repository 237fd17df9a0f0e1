"""The library's process keeps the bounds that it was started under."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import resource
from bedside.runtime.engines.antspynet import child
kinds = (resource.RLIMIT_DATA, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)
resource.setrlimit(resource.RLIMIT_FSIZE, (2**30, 2**30))
child._limit(2**40)
print([resource.getrlimit(kind) for kind in kinds])
"""


def test_a_lower_bound_from_outside_stays_and_no_bound_is_left_open() -> None:
    """The process of an analysis may write 1 GiB, and its own processes no more."""
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True, text=True)
    data = 2**40 + 4 * 2**30
    assert run.stdout.strip() == str([(data, data), (2**30, 2**30), (0, 0)])
