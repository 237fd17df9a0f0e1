"""What is asked of all volumes of a folder, and by which package: settled before the first begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Self

from bedside.canonical import Json
from bedside.errors import BedsideError, UsageError
from bedside.imaging.folders import Found
from bedside.imaging.volume import VolumeLimits
from bedside.imaging.volume_size import most_voxels
from bedside.jobs.frames import spell_file
from bedside.jobs.memory import jobs_memory
from bedside.jobs.task import Task
from bedside.package.manifest import Manifest
from bedside.package.volumes import VolumeInput
from bedside.runtime.engines.engine import ONNX_ONLY, Engines
from bedside.runtime.volume_gate import volume_limits
from bedside.runtime.volume_memory import bytes_for
from bedside.serving.analysis_errand import PACKAGE, engines_told
from bedside.serving.analysis_words import Order

UNASKED: Final = Order()
"""Nothing is said beside the files."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One package, and what is said of every volume.

    Attributes:
        manifest: Of the package.
        digest: That names the package.
        archive: Its bytes; empty where a site has it.
        order: Modality, body part and which series; nobody's subject.
        engines: What this machine has beside ONNX Runtime.
        prove: Whether each process replays the golden cases itself: on other machines.
        voxels: Of the largest volume; None for the most that the package allows.
    """

    manifest: Manifest
    digest: str
    archive: bytes = b""
    order: Order = UNASKED
    engines: Engines = ONNX_ONLY
    prove: bool = False
    voxels: int | None = None

    def of(self, found: Iterable[Found]) -> Self:
        """Return the plan for these volumes, whose headers say how large they are."""
        limits = self.limits
        most = max((_voxels(one, limits) for one in found), default=limits.voxels)
        return replace(self, voxels=most)

    @property
    def limits(self) -> VolumeLimits:
        """Under which limits volumes are read.

        Raises:
            UsageError: the package takes no volumes.
        """
        declared = self.manifest.input
        if not isinstance(declared, VolumeInput):
            raise UsageError(
                f"{self.manifest.ref} takes no volumes.", advice="Use `bedside predict`."
            )
        return volume_limits(declared)

    @property
    def memory(self) -> int:
        """Bytes that one analysis may take, of the largest volume."""
        voxels = self.limits.voxels if self.voxels is None else self.voxels
        return bytes_for(self.manifest, voxels)

    def common(self) -> tuple[bytes, ...]:
        """Return the frames of the package, which every task begins with."""
        return tuple(spell_file({"name": PACKAGE}, self.archive))

    def asked(self) -> dict[str, Json]:
        """Return what a child is told in words."""
        return {
            "stated": self.order.stated(),
            "choice": self.order.choice(),
            "style": self.order.style(),
            **engines_told(self.engines),
            "recorded": False,
            "prove": self.prove,
        }

    def task(self, found: Found) -> Task:
        """Return the task of one volume."""
        limits = self.limits

        def files() -> Iterator[tuple[str, bytes]]:
            for file in found.files(limits).files:
                yield file.name, file.read()

        return Task(found.name, self.asked(), files)


def at_once(plan: Plan, wanted: int | None, cores: int, memory: int | None = None) -> int:
    """Return how many analyses run at once: as wanted, and no more than fit into the memory.

    Args:
        plan: What each of them does.
        wanted: How many; None for as many as there are cores for.
        cores: Of this machine.
        memory: Bytes for all together; None for the share of jobs.

    Raises:
        UsageError: fewer than one is wanted.
    """
    if wanted is not None and wanted < 1:
        raise UsageError(f"{wanted} analyses at once get nothing done.", advice="Say --jobs 1.")
    threads = plan.manifest.conditions.threads
    fitting = max(jobs_memory(memory) // plan.memory, 1)
    return min(wanted or max(cores // threads, 1), fitting)


def _voxels(found: Found, limits: VolumeLimits) -> int:
    """Return how many voxels a volume has at most; 0 where its files cannot be opened."""
    try:
        return most_voxels(found.files(limits), limits)
    except (BedsideError, OSError):  # it will be told of as one that cannot be read
        return 0
