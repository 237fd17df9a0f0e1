"""Measure volumes, and write docs/benchmarks-imaging.md; see `--help`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tools.bench_imaging import page
from tools.bench_imaging.children import ROOT, run_child
from tools.bench_imaging.drawing import head_of
from tools.bench_imaging.models import mindgrab_package, small_package

PAGE = ROOT / "docs" / "benchmarks-imaging.md"
WORK = ROOT / "build" / "bench-imaging"
SAMPLES = ROOT.parent / "shared" / "samples"
SIDES = (100, 128, 160, 200, 256, 320, 400)
"""Of drawn heads, in voxels: 1, 2, 4, 8, 17, 33 and 64 million."""

HEAD = "heads/MNI152_T1_2mm.nii.gz"
REAL = "heads/colin27_T1.nii.gz"
SERIES = "dicom/ct-j2k-series"


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, default=SAMPLES, help="real heads and weights")
    parser.add_argument("--rounds", type=int, default=5, help="of each reader")
    parser.add_argument("--largest", type=int, default=SIDES[-1], help="side of the largest head")
    parser.add_argument("--simpleitk", type=Path, help="an interpreter that has SimpleITK")
    parser.add_argument("--antspynet", type=Path, help="an interpreter that has antspynet")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        sections = _sections(Path(name), options)
    text = "\n\n".join("\n".join(lines) for lines in [page.HEAD, *sections, [page.machine()]])
    PAGE.write_text(text + "\n", encoding="utf-8")
    print(f"wrote {PAGE}")


def _sections(folder: Path, options: argparse.Namespace) -> list[list[str]]:
    steps: tuple[Callable[[Path, argparse.Namespace], list[str]], ...] = (
        _mindgrab,
        _sizes,
        _readers,
        _antspynet,
    )
    made = []
    for step in steps:
        print(step.__name__.strip("_"), flush=True)
        made.append(step(folder, options))
    return made


def _mindgrab(folder: Path, options: argparse.Namespace) -> list[str]:
    title = "A whole brain of a 256³ T1 by MindGrab"
    weights = options.samples / "meshnet" / "mindgrab"
    if not weights.is_dir():
        return page.skipped(title, f"no weights at {weights.name}, among the samples")
    words = [
        "The trained network of brainchop (147,475 weights or fewer, dilated convolutions, 256³ at 1 mm at once), in",
        "ONNX Runtime on two threads. Everything but the network is ours.",
    ]
    told = _analysed(mindgrab_package(weights, folder), head_of(256, folder), folder)
    return page.analysis_section(title, words, told)


def _sizes(folder: Path, options: argparse.Namespace) -> list[str]:
    package, found = small_package(folder), {}
    for side in SIDES:
        if side <= options.largest:
            told = _analysed(package, head_of(side, folder), folder)
            found[int(told["voxels"])] = told
    return page.sizes_section(found)


def _analysed(package: Path, volume: Path, folder: Path) -> dict[str, Any]:
    out = folder / "out"
    out.mkdir(exist_ok=True)
    return run_child("tools.bench_imaging.analysing", package, volume, out)


def _readers(folder: Path, options: argparse.Namespace) -> list[str]:
    files: dict[str, tuple[Path, tuple[str, ...]]] = {
        "256³ NIfTI, gzip": (head_of(256, folder), ("nibabel", "SimpleITK")),
        "256³ NIfTI": (head_of(256, folder, compressed=False), ("nibabel", "SimpleITK")),
    }
    if (real := options.samples / REAL).exists():
        files["a real head, gzip"] = (real, ("nibabel", "SimpleITK"))
    if (series := options.samples / SERIES).is_dir():
        files["20 CT slices, JPEG 2000"] = (series, ("pydicom", "SimpleITK"))
    found = {name: _read(path, others, options) for name, (path, others) in files.items()}
    return page.readers_section(found, options.rounds)


def _read(
    path: Path, others: tuple[str, ...], options: argparse.Namespace
) -> Mapping[str, Mapping[str, Any]]:
    """Return what each library took, ours first; all must have read the same values."""
    found: dict[str, dict[str, Any]] = {}
    for library in ("bedside", *others):
        python = options.simpleitk if library == "SimpleITK" else None
        if library == "SimpleITK" and python is None:
            continue
        module = "tools.bench_imaging.reading"
        found[library] = run_child(module, library, path, str(options.rounds), python=python)
    wanted = found["bedside"]["sum"]
    for library, told in found.items():
        assert abs(told["sum"] - wanted) <= 1e-6 * abs(wanted), (library, told["sum"], wanted)
    return found


def _antspynet(folder: Path, options: argparse.Namespace) -> list[str]:
    title = "ANTsPyNet's brain extraction"
    head, real = options.samples / HEAD, options.samples / REAL
    if options.antspynet is None:
        return page.skipped(title, "`--antspynet` names no interpreter that has it")
    if not (head.exists() and real.exists()):
        return page.skipped(title, "no head among the samples")
    weights = folder / "antspynet"
    weights.mkdir()
    module = "tools.bench_imaging.antspynet"
    return page.antspynet_section(run_child(module, options.antspynet, weights, real, head))


if __name__ == "__main__":
    main()
