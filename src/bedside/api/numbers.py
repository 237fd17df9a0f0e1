"""The numbers that a service counts, as values that several processes can add up.

Counts are plain integers in a dictionary, because each request pays for them. They are changed on
the event loop alone, and copied whole by whoever tells them.
"""

from __future__ import annotations

import json
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Upper bounds of the latency histogram, in seconds."""

FRESH_SECONDS: Final = 10.0
"""Numbers written longer ago are those of a process that ended or hangs: what it counted stays
counted, and what it was doing then is not told."""

Name: TypeAlias = tuple[str, ...]
"""A counter's name and the values of its labels, in their order."""

Kinds: TypeAlias = dict[str, tuple[str, tuple[str, ...]]]
"""What each counter means, in a line, and the names of its labels."""


@dataclass(slots=True)
class Numbers:
    """What one process counted, and where it stands.

    Attributes:
        kinds: The counters that there are.
        counts: Counters.
        seconds: For each route how many answers fell into each bucket of `SECONDS` and above,
            and last the sum of all in seconds.
        in_flight: Requests being answered.
        ready: For each model and version whether it answers (1) or not (0).
        at: When this was written, in seconds since 1970.
    """

    kinds: Kinds = field(default_factory=dict)
    counts: dict[Name, float] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    in_flight: int = 0
    ready: dict[Name, int] = field(default_factory=dict)
    at: float = 0.0

    def add(self, name: Name, amount: float = 1) -> None:
        """Add to a counter."""
        counts = self.counts
        counts[name] = counts.get(name, 0) + amount

    def took(self, route: str, seconds: float) -> None:
        """Add one answer of a route to the histogram."""
        buckets = self.seconds.get(route)
        if buckets is None:
            buckets = self.seconds[route] = [0.0] * (len(SECONDS) + 2)
        buckets[bisect_left(SECONDS, seconds)] += 1
        buckets[-1] += seconds

    def copied(self) -> Numbers:
        """Return a copy, for another thread than the one that counts."""
        # dict() copies in one step, so that nobody adds a counter meanwhile
        seconds = {route: list(found) for route, found in dict(self.seconds).items()}
        return Numbers(dict(self.kinds), dict(self.counts), seconds)

    def written(self) -> bytes:
        """Return this as JSON."""
        value = {
            "kinds": self.kinds,
            "counts": [[list(name), count] for name, count in self.counts.items()],
            "seconds": self.seconds,
            "in_flight": self.in_flight,
            "ready": [[list(name), one] for name, one in self.ready.items()],
            "at": self.at,
        }
        return json.dumps(value).encode("ascii")


def read_numbers(data: bytes) -> Numbers:
    """Return what `Numbers.written` wrote."""
    value = json.loads(data)
    return Numbers(
        kinds={
            name: (meaning, tuple(labels)) for name, (meaning, labels) in value["kinds"].items()
        },
        counts={tuple(name): count for name, count in value["counts"]},
        seconds=value["seconds"],
        in_flight=value["in_flight"],
        ready={tuple(name): one for name, one in value["ready"]},
        at=value["at"],
    )


def added_up(all_of_them: Iterable[Numbers], now: float) -> Numbers:
    """Return the numbers of several processes as one.

    Counts are added. Of a process that wrote nothing for `FRESH_SECONDS` the counts are kept, and
    where it stood is left out. A version is ready where it is ready in every process.
    """
    total = Numbers(at=now)
    for one in all_of_them:
        total.kinds |= one.kinds
        for name, count in one.counts.items():
            total.add(name, count)
        for route, found in one.seconds.items():
            known = total.seconds.get(route, [0.0] * len(found))
            total.seconds[route] = [a + b for a, b in zip(known, found, strict=True)]
        if now - one.at <= FRESH_SECONDS:
            total.in_flight += one.in_flight
            for name, is_ready in one.ready.items():
                total.ready[name] = min(is_ready, total.ready.get(name, 1))
    return total


class SharedNumbers:
    """The numbers of the workers of one service: a small file each, in a folder of theirs alone.

    A worker that is started again goes on from the file of the one before it, so that no counter
    ever falls; what it counted in the second before it died is lost. Whoever tells the numbers
    writes its own first, and then reads all.
    """

    def __init__(self, folder: Path, worker: int) -> None:
        self._folder = folder
        self._path = folder / f"{worker}.json"
        self._writing = threading.Lock()

    def inherited(self) -> Numbers:
        """Return what the worker before this one counted; where it stood is forgotten."""
        try:
            before = read_numbers(self._path.read_bytes())
        except (OSError, ValueError, LookupError, TypeError):
            return Numbers()
        return Numbers(before.kinds, before.counts, before.seconds)

    def write(self, numbers: Numbers) -> None:
        """Write the numbers of this worker; whoever reads meanwhile sees the old ones whole.

        Raises:
            OSError: the folder takes no file now.
        """
        fresh = self._path.with_suffix(".new")
        with self._writing:
            fresh.write_bytes(numbers.written())
            fresh.replace(self._path)

    def all(self, own: Numbers) -> Numbers:
        """Return the numbers of all workers, those of this one as they are given."""
        others = (path for path in self._folder.glob("*.json") if path != self._path)
        return added_up([own, *_readable(others)], time.time())


def _readable(paths: Iterable[Path]) -> Iterable[Numbers]:
    for path in paths:
        try:
            yield read_numbers(path.read_bytes())
        except (OSError, ValueError, LookupError, TypeError):
            continue  # one whose disk failed: the others are still to be told


def cumulative(buckets: list[float]) -> tuple[list[tuple[str, float]], float]:
    """Return a route's buckets as Prometheus counts them, each with all below it, and the sum."""
    total = 0.0
    told: list[tuple[str, float]] = []
    bounds: tuple[float, ...] = (*SECONDS, float("inf"))
    for bound, count in zip(bounds, buckets[:-1], strict=True):
        total += count
        told.append(("+Inf" if bound == float("inf") else str(bound), total))
    return told, buckets[-1]
