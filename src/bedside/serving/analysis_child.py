"""What a child does for an analysis: it reads the volume, runs the package, and hands over the files.

It is given the package's archive and the files of the volume over its pipe, and has nothing else: no
key, no database, no address. That the package is signed was proved by the process that started it; that
it gives its golden answers here is proved by a child like this one (`serving.proving`), before
anybody is answered. Nothing of it is written to a disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bedside.canonical import Json, digest
from bedside.errors import InputRefused, PackageRefused, UsageError, VolumeRefused
from bedside.imaging.choice import Choice
from bedside.imaging.files import files_of as named_files
from bedside.imaging.views.view import Style
from bedside.imaging.volume import Volume
from bedside.imaging.volume_reading import read_volume
from bedside.jobs.inside import Given, Made, Voice, refusal_told, serve
from bedside.package.package import open_package
from bedside.package.volumes import VolumeInput
from bedside.runtime.analysis import Analysis, Stated
from bedside.runtime.analysis_files import files_of
from bedside.runtime.engines.engine import Engines
from bedside.runtime.memory import asked_too_much
from bedside.runtime.progress import Progress
from bedside.runtime.runner import Runner, load
from bedside.runtime.session import check_conditions
from bedside.runtime.volume_gate import refusal_of, straightens, volume_limits
from bedside.serving.proof_board import found_told

READING: Final = "read"
WRITING: Final = "write"

TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {".nii.gz": "application/gzip", ".json": "application/json", ".png": "image/png"}
)
"""Media types by the end of a name. NIfTI has none of its own; it is compressed by gzip (RFC 6713)."""


class Bench:
    """What one child has loaded: the package of the last request, for the next one."""

    def __init__(self) -> None:
        self._loaded: tuple[str, Runner] | None = None

    def work(self, asked: dict[str, Json], files: Given, voice: Voice) -> dict[str, Json]:
        """Do one analysis; see `jobs.inside`."""
        _, archive = next(files)
        runner = self._runner(archive, asked)
        del archive
        if asked.get("proof"):
            check_conditions(runner.manifest.conditions)
            return {"proved": found_told(runner.replay_golden())}
        voice.stage(READING, 0, 1)
        try:
            volume = _read(list(files), runner, asked)
            stated = Stated(**asked["stated"])
            analysis = runner.analyse(volume, stated, lambda one: _tell(voice, one))
        except InputRefused as refused:
            return refused_told(refused)
        except PackageRefused as problem:
            cause = problem.__cause__
            if isinstance(cause, Exception) and asked_too_much(cause):
                raise MemoryError from problem  # this process may take less than a network may
            raise
        voice.stage(WRITING, 0, 1)
        style = Style(**asked.get("style", {}), recorded=asked.get("recorded", True) is True)
        made = files_of(analysis, runner.manifest, volume, style)
        for name, data in made.items():
            voice.file(Made(name, media_type(name), data))
        return {"answer": answer_told(analysis)}

    def _runner(self, archive: bytes, asked: dict[str, Json]) -> Runner:
        """Return the package ready; `prove` replays its golden cases, on a machine that has not yet."""
        name = digest(archive)
        if self._loaded is None or self._loaded[0] != name:
            if self._loaded is not None:
                self._loaded[1].close()
            self._loaded = None  # before the next one takes memory
            engines = Engines(_path(asked.get("weights")), _path(asked.get("python")))
            package = open_package(archive)
            made = load(package, engines) if asked.get("prove") else Runner(package, engines)
            self._loaded = (name, made)
        return self._loaded[1]


def _path(told: Json) -> Path | None:
    return None if told is None else Path(str(told))


def media_type(name: str) -> str:
    """Return the media type of a file that came of an analysis."""
    return next(
        (kind for end, kind in TYPES.items() if name.endswith(end)), "application/octet-stream"
    )


def answer_told(analysis: Analysis) -> dict[str, Json]:
    """Return what is recorded of an analysis beside its files, as JSON."""
    overlap = analysis.predicted_overlap
    told: dict[str, Json] = {} if overlap is None else {"predicted_overlap": overlap}
    return told | {
        "values": dict(analysis.values),
        "flags": [[one.code, one.detail] for one in analysis.flags],
        "out_of_domain": analysis.out_of_domain,
        "seconds": dict(analysis.seconds),
        "facts": {**asdict(analysis.facts), "notes": [list(one) for one in analysis.facts.notes]},
    }


def refused_told(refused: InputRefused) -> dict[str, Json]:
    """Return a refusal of the gate as JSON, every reason of it."""
    reasons: list[Json] = [
        {name: getattr(one, name) for name in one.__slots__} for one in refused.refusals
    ]
    return refusal_told(refused) | {"refusals": reasons}


def _read(files: list[tuple[str, bytes]], runner: Runner, asked: dict[str, Json]) -> Volume:
    declared = runner.manifest.input
    if not isinstance(declared, VolumeInput):
        raise UsageError(f"{runner.manifest.ref} analyses no volumes.")
    limits = volume_limits(declared)
    admitted = asked.get("voxels") or limits.voxels  # what its memory was declared for
    limits = replace(limits, voxels=min(limits.voxels, admitted))
    wanted = Choice(**(asked.get("choice") or {}), sheared=straightens(runner.manifest))
    try:
        return read_volume(named_files(files, limits), limits, wanted)
    except VolumeRefused as problem:
        raise refusal_of(problem) from problem


def _tell(voice: Voice, progress: Progress) -> None:
    voice.stage(progress.stage, progress.done, progress.total)


if __name__ == "__main__":
    serve(Bench().work)
