"""One analysis, step by step: read, gate, prepare, infer, restore, refine, measure, write.

Run as `python -m tools.bench_imaging.analysing PACKAGE VOLUME OUT`; prints its figures.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bedside.imaging.files import files_at
from bedside.imaging.volume_reading import read_volume
from bedside.package.package import open_package
from bedside.runtime.analysis import Stated
from bedside.runtime.analysis_files import files_of
from bedside.runtime.progress import Progress
from bedside.runtime.runner import Runner
from bedside.runtime.volume_gate import volume_limits
from tools.bench_imaging.meter import Meter


def main(words: list[str]) -> None:
    """Analyse, and print what each step cost."""
    package_file, volume_file, out = map(Path, words)
    meter = Meter()
    meter.begin("load the package")
    package = open_package(package_file)
    runner = Runner(package)
    declared = package.manifest.input
    assert declared.kind == "volume"
    meter.begin("read")
    volume = read_volume(files_at(volume_file, volume_limits(declared)), volume_limits(declared))

    def report(progress: Progress) -> None:
        meter.begin(progress.stage)

    analysis = runner.analyse(volume, Stated("MR", "HEAD"), report)
    meter.begin("write")
    for name, data in files_of(analysis, package.manifest, volume).items():
        (out / name).write_bytes(data)
    meter.end()
    told = {
        "costs": meter.told(),
        "voxels": volume.values.size,
        "values": dict(analysis.values),
        "flags": [flag.code for flag in analysis.flags],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
