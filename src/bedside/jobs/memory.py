"""How much memory this machine, or this container, has: of that all jobs together get a share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

CGROUP: Final = Path("/sys/fs/cgroup/memory.max")
"""The limit of a container (Linux, control group version 2); `max` is none."""

SHARE: Final = 0.5
"""Of all memory, unless a site says otherwise: the other half is for the service and the disk's cache."""


def machine_memory(limit: Path = CGROUP) -> int:
    """Return the bytes that this machine, or the container that we are in, may use."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        told = limit.read_text(encoding="ascii").strip()
    except OSError:
        return physical
    return min(physical, int(told)) if told.isdecimal() else physical


def jobs_memory(chosen: int | None) -> int:
    """Return the bytes that all jobs of this machine together may take."""
    return chosen if chosen is not None else int(machine_memory() * SHARE)
