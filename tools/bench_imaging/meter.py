"""What a stretch of work costs: processor time, time by the clock, and the largest memory in it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

PEAK = "VmHWM:"
"""The largest resident memory of a process since it was last forgotten, in /proc/self/status."""

FORGET = "5"
"""Written to /proc/self/clear_refs, it sets that to what is resident now (Linux, proc(5))."""


@dataclass(frozen=True)
class Cost:
    """What one stretch took.

    Attributes:
        processor: Seconds of all threads.
        clock: Seconds.
        peak: Largest resident memory in MiB, of the whole process.
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
        self._name, self._begun = name, (time.process_time(), time.perf_counter())

    def end(self) -> None:
        """End the stretch at work, if there is one."""
        if self._name is None:
            return
        processor, clock = self._begun
        before = self.costs.get(self._name, Cost(0.0, 0.0, 0.0))
        self.costs[self._name] = Cost(
            before.processor + time.process_time() - processor,
            before.clock + time.perf_counter() - clock,
            max(before.peak, peak()),
        )
        self._name = None

    def told(self) -> dict[str, dict[str, float]]:
        """Return all costs, as JSON."""
        return {name: asdict(cost) for name, cost in self.costs.items()}


def peak() -> float:
    """Return the largest resident memory since it was forgotten, in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    [line] = [one for one in lines if one.startswith(PEAK)]
    return int(line.split()[1]) / 1024


def forget_peak() -> None:
    """Begin anew with the largest resident memory."""
    Path("/proc/self/clear_refs").write_text(FORGET, encoding="ascii")
