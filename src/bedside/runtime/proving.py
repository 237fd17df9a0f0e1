"""Who replays the golden cases of a package: this process, or one that it asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from bedside.package.package import Package
from bedside.runtime.engines.engine import ONNX_ONLY, Engines
from bedside.runtime.runner import GoldenReport, Runner
from bedside.runtime.session import check_conditions


class Prover(Protocol):
    """Replays golden cases on this machine."""

    @property
    def engines(self) -> Engines:
        """What this machine has beside ONNX Runtime."""
        ...

    def prove(self, package: Package) -> GoldenReport:
        """Return what the replay found.

        Raises:
            PackageRefused: the package is not for this machine, or gives another answer.
            Unavailable: it cannot be replayed now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Here:
    """Replays them in this process."""

    engines: Engines = ONNX_ONLY

    def prove(self, package: Package) -> GoldenReport:
        """Return what the replay found; see `Prover.prove`."""
        check_conditions(package.manifest.conditions)
        runner = Runner(package, self.engines)
        try:
            return runner.replay_golden()
        finally:
            runner.close()


HERE: Final = Here()
"""This process, which has nothing beside ONNX Runtime."""
