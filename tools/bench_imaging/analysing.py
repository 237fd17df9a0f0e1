"""Analyses in one process, step by step: read, gate, prepare, infer, restore, refine, measure, write.

Run as `python -m tools.bench_imaging.analysing PACKAGE VOLUME OUT TURNS [PYTHON WEIGHTS]`; prints its
figures. PYTHON is an interpreter that has ANTsPyNet, WEIGHTS the folder with its weights.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bedside.imaging.files import files_at
from bedside.imaging.volume_reading import read_volume
from bedside.package.package import Package, open_package
from bedside.runtime.analysis import Stated
from bedside.runtime.analysis_files import files_of
from bedside.runtime.engines.engine import ONNX_ONLY, Engines
from bedside.runtime.progress import Progress
from bedside.runtime.runner import Runner
from bedside.runtime.volume_gate import volume_limits
from tools.bench_imaging.meter import Meter


def main(words: list[str]) -> None:
    """Analyse, and print what each step of each turn cost."""
    package_file, volume_file, out = map(Path, words[:3])
    engines = Engines(python=Path(words[4]), weights=Path(words[5])) if words[4:] else ONNX_ONLY
    meter = Meter()
    meter.begin("load the package")
    package = open_package(package_file)
    runner = Runner(package, engines)  # what lives in a process of its own starts when asked first
    turns = [_turn(package, runner, (volume_file, out), meter) for _ in range(int(words[3]))]
    runner.close()
    print(json.dumps({**turns[-1], "turns": [one["costs"] for one in turns]}))


def _turn(
    package: Package, runner: Runner, files: tuple[Path, Path], meter: Meter
) -> dict[str, Any]:
    declared = package.manifest.input
    assert declared.kind == "volume"
    meter.begin("read")
    limits = volume_limits(declared)
    volume = read_volume(files_at(files[0], limits), limits)

    def report(progress: Progress) -> None:
        meter.begin(progress.stage)

    analysis = runner.analyse(volume, Stated("MR", "HEAD"), report)
    meter.begin("write")
    for name, data in files_of(analysis, package.manifest, volume).items():
        (files[1] / name).write_bytes(data)
    return {
        "costs": meter.told(),
        "voxels": volume.values.size,
        "values": dict(analysis.values),
        "flags": [flag.code for flag in analysis.flags],
    }


if __name__ == "__main__":
    main(sys.argv[1:])
