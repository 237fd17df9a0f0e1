"""Many hands: a long ledger is checked by several processes, a short one by whoever asks.

The interpreter does one thing at a time, so the work is split over processes of their own; they are
small, have no key, and end with whoever started them.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from bedside.ledger.stretch import Doubt, Stretch, check_stretch
from bedside.store.statement import Asks

SPAN: Final = 1 << 14
"""Entries that one process checks before it asks for more."""

ENTRIES_FOR_HANDS: Final = 100_000
"""Fewer are checked sooner than processes would be started."""

MOST_HANDS: Final = 8
SECONDS: Final = 300.0
"""A process that checks one span for longer than this hangs."""


@dataclass(frozen=True, slots=True)
class Walked:
    """What is known of a stretch that was checked; see `Stretch`."""

    start: int
    size: int
    frontier: tuple[bytes, ...]
    hashes: tuple[bytes, ...]
    first_at: str
    at: str
    roots: Mapping[int, bytes]
    nodes: int
    ids: bytes

    @classmethod
    def of(cls, found: Stretch) -> Walked:
        """Return what is known of a stretch that was checked here."""
        ends = (tuple(found.frontier), tuple(found.hashes), found.first_at, found.at)
        roots, nodes, ids = dict(found.roots), len(found.nodes), bytes(found.ids)
        return cls(found.start, found.size, *ends, roots, nodes, ids)

    @classmethod
    def read(cls, line: str) -> Walked:
        """Read what another process says."""
        told: dict[str, Any] = json.loads(line)
        return cls(
            told["start"],
            told["size"],
            tuple(map(bytes.fromhex, told["frontier"])),
            tuple(map(bytes.fromhex, told["hashes"])),
            told["first_at"],
            told["at"],
            {size: bytes.fromhex(root) for size, root in told["roots"]},
            told["nodes"],
            base64.b64decode(told["ids"]),
        )


def hands_for(size: int) -> int:
    """Return how many processes are worth starting for a ledger of this size; 0 for a short one."""
    if size < ENTRIES_FOR_HANDS:
        return 0
    return min(len(os.sched_getaffinity(0)), MOST_HANDS)


def walk(asked: Asks, size: int, wanted: Collection[int]) -> list[Walked]:
    """Return the whole ledger, checked here.

    Raises:
        Doubt: something is not at once as it must be.
    """
    return [Walked.of(check_stretch(asked, 0, size, frozenset(wanted)))]


def walk_by_many(
    address: Mapping[str, Any], size: int, wanted: Collection[int], hands: int
) -> list[Walked]:
    """Return the whole ledger, checked by several processes, in the ledger's order.

    Raises:
        Doubt: something is not at once as it must be, or a process failed.
    """
    spans = _Spans(size, sorted(wanted))
    try:
        with ThreadPoolExecutor(hands, thread_name_prefix="ledger-verify") as threads:
            parts = list(threads.map(lambda _: _one_hand(address, spans), range(hands)))
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise Doubt from problem
    return sorted([one for part in parts for one in part], key=lambda one: one.start)


class _Spans:
    """Gives out spans of a ledger, each once; safe to use from many threads."""

    def __init__(self, size: int, wanted: Sequence[int]) -> None:
        self._spans = self._each(size, wanted)
        self._guard = threading.Lock()

    def next(self) -> str | None:
        """Return the next span, as a process is asked for it."""
        with self._guard:
            return next(self._spans, None)

    def stop(self) -> None:
        """Give out no more."""
        with self._guard:
            self._spans = iter(())

    @staticmethod
    def _each(size: int, wanted: Sequence[int]) -> Iterator[str]:
        coming = iter(wanted)
        next_one = next(coming, None)
        for start in range(0, size, SPAN):
            stop, here = min(start + SPAN, size), []
            while next_one is not None and next_one <= stop:
                here.append(next_one)
                next_one = next(coming, None)
            yield json.dumps([start, stop, here])


def _one_hand(address: Mapping[str, Any], spans: _Spans) -> list[Walked]:
    found: list[Walked] = []
    with _started() as process:
        try:
            _say(process, json.dumps(address))
            while (span := spans.next()) is not None:
                found.append(_answer(process, span))
        except BaseException:
            spans.stop()
            process.kill()
            raise
    return found


def _answer(process: subprocess.Popen[str], span: str) -> Walked:
    assert process.stdout is not None  # noqa: S101 - a pipe
    hanging = threading.Timer(SECONDS, process.kill)
    hanging.start()
    try:
        _say(process, span)
        line = process.stdout.readline()
    finally:
        hanging.cancel()
    if not line.endswith("\n"):
        raise Doubt  # it did, and ended
    return Walked.read(line)


def _started() -> subprocess.Popen[str]:
    secret = "BEDSIDE_"  # noqa: S105 - how the names of our own variables begin
    own = {name: value for name, value in os.environ.items() if not name.startswith(secret)}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "bedside.ledger.verifying"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**own, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        text=True,
    )


def _say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None  # noqa: S101 - a pipe
    process.stdin.write(line + "\n")
    process.stdin.flush()
