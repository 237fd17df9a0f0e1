"""ANTsPyNet's brain extraction behind our engine: the true architecture, weights that nobody trained.

Run as `python -m tools.bench_imaging.antspynet PYTHON FOLDER VOLUME HEAD`; prints its figures. PYTHON
has the library; FOLDER gets the weights, made by the script of `tests/antspynet` out of HEAD.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from bedside.imaging.files import files_at
from bedside.imaging.volume_reading import read_volume
from bedside.package.antspynet import AntspynetModel
from bedside.runtime.engines.antspynet.engine import AntspynetEngine, needed
from bedside.runtime.engines.antspynet.weights import WeightFile, digest_of, write_record
from bedside.runtime.engines.engine import Engines, Prepared
from bedside.runtime.progress import silent
from tools.bench_imaging.children import ROOT
from tools.bench_imaging.meter import PEAK

FUNCTION, MODALITY = "brain_extraction", "t1"
SCRIPT = ROOT / "tests" / "antspynet" / "made_weights.py"
TICKS = os.sysconf("SC_CLK_TCK")


def main(words: list[str]) -> None:
    """Analyse twice, and print what each cost."""
    python, folder, volume_file, head = map(Path, words)
    model = _model(python, folder, head)
    volume = read_volume(files_at(volume_file))
    engine = AntspynetEngine(model, Engines(weights=folder, python=python), threads=2)
    prepared = Prepared(np.ascontiguousarray(volume.values)[np.newaxis], volume.affine)
    told, before = {}, 0.0
    for name in ("first", "second"):
        begun = time.perf_counter()
        engine(prepared, silent)
        clock, (processor, largest) = time.perf_counter() - begun, _of_children()
        told[name] = {"processor": processor - before, "clock": clock, "peak": largest}
        before = processor
    engine.close()
    print(json.dumps({"costs": told, "voxels": volume.values.size}))


def _model(python: Path, folder: Path, head: Path) -> AntspynetModel:
    parameters = {"modality": MODALITY}
    names = needed(FUNCTION, parameters, 1, upright=False).names
    if not all((folder / name).exists() for name in names):
        case = {"function": FUNCTION, "images": [str(head)], "parameters": parameters}
        subprocess.run(
            [python, SCRIPT, folder, head],
            input=json.dumps([case]),
            text=True,
            check=True,
            capture_output=True,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "CUDA_VISIBLE_DEVICES": ""},
        )
    files = [
        WeightFile(name, (folder / name).stat().st_size, digest_of(folder / name), "made here")
        for name in names
    ]
    write_record(folder, files)
    weights = {
        one.name: {"size": one.size, "digest": one.digest, "origin": one.origin} for one in files
    }
    return AntspynetModel.model_validate(
        {
            "function": FUNCTION,
            "parameters": parameters,
            "library": ">=0.3.2,<0.4",
            "weights": weights,
        }
    )


def _of_children() -> tuple[float, float]:
    """Return the processor seconds of this process' children, and their largest memory in MiB."""
    seconds = largest = 0.0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            after = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            status = (folder / "status").read_text(encoding="utf-8").splitlines()
        except OSError:
            continue  # it ended meanwhile
        if int(after[1]) == os.getpid():
            seconds += (int(after[11]) + int(after[12])) / TICKS
            found = [int(line.split()[1]) for line in status if line.startswith(PEAK)]
            largest = max(largest, *(kib / 1024 for kib in found))
    return seconds, largest


if __name__ == "__main__":
    main(sys.argv[1:])
