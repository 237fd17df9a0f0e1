"""What a stretch of work costs: processor time, time by the clock, and the largest memory in it.

A child that works beside this process (a library in a process of its own) is counted with it.
"""

from __future__ import annotations

import os
import resource
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

PROC = Path("/proc")
PEAK = "VmHWM:"
"""The largest resident memory of a process since it was last forgotten, in /proc/self/status."""

FORGET = "5"
"""Written to /proc/self/clear_refs, it sets that to what is resident now (Linux, proc(5))."""

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What one stretch took.

    Attributes:
        processor: Seconds of all threads, children's too.
        clock: Seconds.
        peak: Largest resident memory in MiB: of the whole process, and of each child added to it.
    """

    processor: float
    clock: float
    peak: float


@dataclass
class Meter:
    """Stretches one after the other, each ended by the next; all together in `costs`."""

    costs: dict[str, Cost] = field(default_factory=dict)
    _name: str | None = None
    _begun: tuple[float, float] = (0.0, 0.0)

    def begin(self, name: str) -> None:
        """End the stretch at work, and begin another; the same name goes on."""
        if name == self._name:
            return
        self.end()
        forget_peak()
        self._name, self._begun = name, (processor(), time.perf_counter())

    def end(self) -> None:
        """End the stretch at work, if there is one."""
        if self._name is None:
            return
        clock, spent = time.perf_counter() - self._begun[1], processor() - self._begun[0]
        before = self.costs.get(self._name, Cost(0.0, 0.0, 0.0))
        self.costs[self._name] = Cost(
            before.processor + spent, before.clock + clock, max(before.peak, peak())
        )
        self._name = None

    def told(self) -> dict[str, dict[str, float]]:
        """Return all costs, as JSON, and begin with none again."""
        self.end()
        costs, self.costs = self.costs, {}
        return {name: asdict(cost) for name, cost in costs.items()}


def processor() -> float:
    """Return the processor seconds of this process and of its children, ended or at work."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + sum(_children().values())


def peak() -> float:
    """Return the largest resident memory since it was forgotten, in MiB, children's added."""
    return sum(_largest(pid) for pid in (os.getpid(), *_children())) / 1024


def forget_peak() -> None:
    """Begin anew with the largest resident memory."""
    for pid in (os.getpid(), *_children()):
        (PROC / str(pid) / "clear_refs").write_text(FORGET, encoding="ascii")


def _children() -> dict[int, float]:
    """Return the children that are at work, and the processor seconds of each."""
    found = {}
    for folder in PROC.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            after = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(after[1]) == os.getpid() and after[0] != "Z":
            found[int(folder.name)] = (int(after[11]) + int(after[12])) / TICKS
    return found


def _largest(pid: int) -> int:
    lines = (PROC / str(pid) / "status").read_text(encoding="utf-8").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(PEAK))
