"""What a target of the fuzzer is, and the files that it starts from."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bedside.errors import BedsideError

Repair: TypeAlias = Callable[[bytes, random.Random], bytes]

MAX_SEED_BYTES = 20_000
"""Larger files of the corpus are bombs; the fuzzer makes its own."""


@dataclass(frozen=True)
class Target:
    """One parser under the fuzzer.

    Attributes:
        read: Takes any bytes; raises only our own errors.
        readers: The hostile corpus' readers whose files are seeds.
        seeds: Good files to start from.
        repair: Makes a changed input plausible again (checksums, sizes), so that the fuzzer gets
            past the first check; None where bytes are enough.
    """

    read: Callable[[bytes], object]
    readers: tuple[str, ...]
    seeds: Callable[[], list[bytes]]
    repair: Repair | None = None


def run(target: Target, data: bytes) -> None:
    """Give `data` to a target; only our own errors are expected."""
    try:
        target.read(data)
    except BedsideError:
        return


def write_seeds(target: Target, folder: Path) -> None:
    """Write the files that a target starts from into `folder`."""
    found: list[bytes] = []
    if target.readers:
        from tests.hostile.corpus import corpus  # noqa: PLC0415 - takes seconds

        found = [one.data for one in corpus() if one.reader in target.readers]
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate([*target.seeds(), *found]):
        if len(data) <= MAX_SEED_BYTES:
            (folder / f"seed-{number:03}").write_bytes(data)
