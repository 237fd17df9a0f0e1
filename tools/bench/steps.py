"""Where the processor time of a prediction goes: the service, with a clock around each of its steps.

Started as `python -m tools.bench.steps FILE serve …`, it is `bedside serve …`, and writes what was
counted since the last time to FILE at each SIGUSR1. A step's time is that of its thread, without the
steps within it. The clocks cost something themselves, so shares are told, and not a sum.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bedside.__main__ import main
from bedside.api import direct, lane, protocol, request_lines
from bedside.keys import subjects
from bedside.ledger import appending, checkpoint, group
from bedside.runtime import session, tabular_path
from bedside.serving import spelling, together
from bedside.store import wire
from tools.bench.load import drive
from tools.bench.servers import Server, running

STEPS: tuple[tuple[str, Sequence[tuple[Any, str]]], ...] = (
    ("HTTP: read, bounded, checked", [(protocol.BoundedProtocol, "data_received")]),
    ("who asks, how often, which model", [(direct.Direct, "hold")]),
    ("the row, strictly from JSON", [(lane, "plain_row")]),
    ("gate, preprocessing, threshold", [(tabular_path.TabularPath, "plain")]),
    ("network (ONNX Runtime)", [(session.Session, "__call__")]),
    (
        "event spelled, patient's part sealed",
        [(spelling.PredictionSpelling, "event"), (together, "prepare_spelled")],
    ),
    ("keys made ahead", [(subjects.SubjectKeys, "_make_unnamed")]),
    (
        "groups, and two hand-overs between threads",
        [
            (together.Together, "_begin"),
            (together.Together, "_settle"),
            (group.GroupCommit, "_commit"),
        ],
    ),
    ("ledger: leaves, tree, head", [(appending.Appender, "append")]),
    ("ledger: signature of the head", [(checkpoint.CheckpointSigner, "sign")]),
    ("SQLite: statements and durable commit", [(wire.Wire, "change"), (wire.Wire, "rows")]),
    ("answer spelled, written, counted", [(protocol.BoundedProtocol, "_answer")]),
    ("lines of the log", [(request_lines.RequestLines, "write")]),
)


@dataclass(frozen=True, slots=True)
class Profile:
    """One number of clients.

    Attributes:
        clients: How many.
        shares: Of each step, microseconds of processor time for one answer.
        processor: Of the whole process, the same, clocks included.
    """

    clients: int
    shares: dict[str, float]
    processor: float


def profile(server: Server, file: Path, clients: Sequence[int], seconds: float) -> list[Profile]:
    """Run a service of ours with its clocks, and return where its time goes."""
    arguments = server.command[server.command.index("bedside") + 1 :]
    command = (sys.executable, "-m", "tools.bench.steps", str(file), *arguments)
    clocked = Server(server.name, command, server.port, server.request, server.expected)
    found = []
    with running(clocked) as started:
        for count in clients:
            drive(server.port, server.request, clients=count, seconds=1.0)
            _counted(started.pid, file)
            before = started.cpu_seconds()
            tally = drive(server.port, server.request, clients=count, seconds=seconds)
            spent, each = started.cpu_seconds() - before, 1e6 / len(tally.latencies)
            shares = {step: took * each for step, took in _counted(started.pid, file).items()}
            found.append(Profile(count, shares, spent * each))
    return found


def _counted(pid: int, file: Path) -> dict[str, float]:
    """Return the seconds of each step since the last time."""
    file.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR1)
    until = time.monotonic() + 10
    while not file.exists():
        if time.monotonic() > until:
            raise RuntimeError("the service with clocks does not answer")
        time.sleep(0.01)
    counted: dict[str, float] = json.loads(file.read_text())
    return counted


class _Clocks(threading.local):
    """The steps that a thread is within: for each, the seconds of those within it."""

    def __init__(self) -> None:
        self.within: list[float] = []


def _clocked(
    work: Callable[..., Any], step: str, counted: dict[str, float], clocks: _Clocks
) -> Any:
    def timed(*given: Any, **named: Any) -> Any:
        clocks.within.append(0.0)
        begun = time.thread_time()
        try:
            return work(*given, **named)
        finally:
            took = time.thread_time() - begun
            counted[step] += took - clocks.within.pop()
            if clocks.within:
                clocks.within[-1] += took

    return timed


def _serve(file: Path, arguments: Sequence[str]) -> None:
    counted: dict[str, float] = defaultdict(float)
    clocks = _Clocks()
    for step, places in STEPS:
        counted[step] = 0.0
        for owner, name in places:
            setattr(owner, name, _clocked(getattr(owner, name), step, counted, clocks))

    def tell(*_: object) -> None:
        part = file.with_suffix(".part")
        part.write_text(json.dumps(counted))
        part.rename(file)
        for step in counted:
            counted[step] = 0.0

    signal.signal(signal.SIGUSR1, tell)
    main(list(arguments))


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), sys.argv[2:])
