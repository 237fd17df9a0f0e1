"""What a run is measured under: the machine, the moment, the commit, the command, and who else worked.

A page is worth what can be repeated of it, so a run does not begin on a busy machine without a word.
"""

from __future__ import annotations

import os
import platform
import resource
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bedside.runtime.session import this_processor
from tools.bench_imaging.children import ROOT
from tools.bench_imaging.meter import PROC, TICKS

QUIET = 1.0
"""Largest load (mean of a minute) at which a run begins; half of two cores."""

MOST_OF_OTHERS = 0.1
"""Largest share of the processors that others may take before the page says so in front."""

LIBRARIES = ("numpy", "scipy", "onnxruntime", "nibabel", "pydicom")
_IDLE = slice(3, 5)
"""Where /proc/stat keeps the time that nobody used: idle, and waiting for a disk. proc(5)."""


def refuse_busy(*, busy: bool) -> None:
    """End the program where others work on this machine and nobody said that it may be.

    Raises:
        SystemExit: the load is too high; says what to do.
    """
    if (load := now()) > QUIET and not busy:
        raise SystemExit(
            f"The load is {load:.1f}, above {QUIET:g}: what is measured now, nobody could repeat. Wait "
            "until the machine is quiet, or say --busy, and the page will say it too."
        )


def now() -> float:
    """Return the load, the mean of a minute."""
    return os.getloadavg()[0]


def moment() -> str:
    """Return the time, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@dataclass(frozen=True)
class Stretch:
    """The beginning of a section, to be held against its end.

    Attributes:
        moment: When it began.
        load: The load then.
        clock: By the monotonic clock, in seconds.
        all_of_it: Processor seconds that the machine had spent by then.
        ours: Those of this program's children among them.
    """

    moment: str
    load: float
    clock: float
    all_of_it: float
    ours: float

    @classmethod
    def begun(cls) -> Stretch:
        """Return the beginning that is now."""
        return cls(moment(), now(), time.monotonic(), _spent(), _ours())

    def ended(self) -> dict[str, str | float]:
        """Return what the section was measured under, as JSON; `others` is a share of all cores."""
        seconds = time.monotonic() - self.clock
        others = _spent() - self.all_of_it - (_ours() - self.ours)
        return {
            "begun": self.moment,
            "seconds": seconds,
            "before": self.load,
            "after": now(),
            "others": max(others, 0.0) / (seconds * (os.cpu_count() or 1)),
        }


def _spent() -> float:
    """Return the seconds that all processors of this machine have worked."""
    line = (PROC / "stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]
    ticks = [int(one) for one in line]
    return (sum(ticks) - sum(ticks[_IDLE])) / TICKS


def _ours() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def commit() -> str:
    """Return what is measured: the commit, and whether anything was changed since."""
    git = shutil.which("git") or "git"
    told = [
        subprocess.run([git, *words], cwd=ROOT, capture_output=True, text=True, check=False)
        for words in (
            ("rev-parse", "--short=12", "HEAD"),
            ("status", "--porcelain", "src", "tools"),
        )
    ]
    if any(one.returncode for one in told):
        return "no commit (not in a repository)"
    name, changed = (one.stdout.strip() for one in told)
    return f"commit {name}{', with changes that were not committed' if changed else ''}"


def command(words: Sequence[str]) -> str:
    """Return how the run is begun again; of a path outside of this folder its end is enough."""
    told = " ".join(_short(one) for one in words)
    return f'make bench-imaging BENCH_IMAGING="{told}"' if told else "make bench-imaging"


def _short(word: str) -> str:
    path = Path(word)
    if not path.is_absolute():
        return word
    if path.is_relative_to(ROOT):
        return str(path.relative_to(ROOT))
    return "/".join(("…", *path.parts[2:][-3:]))


def machine(others: dict[str, Path | None]) -> str:
    """Return the machine and the versions of the libraries, those of other interpreters too."""
    libraries = [f"{name} {version(name)}" for name in LIBRARIES]
    libraries += [
        f"{name} {_version_in(python, name)}" for name, python in others.items() if python
    ]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"{_model()} ({this_processor()}), {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}, {', '.join(libraries)}"
    )


def _version_in(python: Path, library: str) -> str:
    asks = f"from importlib.metadata import version; print(version({library!r}))"
    done = subprocess.run([python, "-c", asks], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _model() -> str:
    lines = (PROC / "cpuinfo").read_text(encoding="utf-8").splitlines()
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return found[0] if found else platform.machine()
