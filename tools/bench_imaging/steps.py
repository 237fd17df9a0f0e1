"""The measurements, one after the other; each gives its figures as JSON, or why there are none."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tools.bench_imaging.antspynet import antspynet_package
from tools.bench_imaging.brain import brain_of
from tools.bench_imaging.children import run_child
from tools.bench_imaging.drawing import head_of
from tools.bench_imaging.models import mindgrab_package, small_package

Figures = dict[str, Any]
Step = Callable[[Path, argparse.Namespace], Figures]

SIDES = (100, 128, 160, 200, 256, 320, 400)
"""Of drawn heads, in voxels: 1, 2, 4, 8, 17, 33 and 64 million."""

HEAD = "heads/MNI152_T1_2mm.nii.gz"
REAL = "heads/colin27_T1.nii.gz"
SERIES = "dicom/ct-j2k-series"
NEAR = 0.01
"""Millimetres between the corners of a volume by two libraries."""


def brain(folder: Path, options: argparse.Namespace) -> Figures:
    """Measure the shipped brain extraction of a 256³ T1, cold and warm, and what bounds it."""
    return brain_of(head_of(options.side, folder), folder)


def mindgrab(folder: Path, options: argparse.Namespace) -> Figures:
    """Measure a whole brain of a 256³ T1 by a MeshNet, step by step, once."""
    weights = options.samples / "meshnet" / "mindgrab"
    if not weights.is_dir():
        return {"absent": "no weights of MindGrab among the samples"}
    package, trained = mindgrab_package(weights, folder)
    return {**_analysed(package, head_of(options.side, folder), folder), "trained": trained}


def antspynet(folder: Path, options: argparse.Namespace) -> Figures:
    """Measure a brain of the same head by ANTsPyNet, step by step, twice in one process."""
    head = options.samples / HEAD
    if options.antspynet is None:
        return {"absent": "`--antspynet` names no interpreter that has it"}
    if not head.exists():
        return {"absent": "no heads among the samples"}
    weights = folder / "antspynet"
    weights.mkdir()
    package = antspynet_package(options.antspynet, weights, head, folder)
    volume = head_of(options.side, folder)
    return _analysed(package, volume, folder, "2", options.antspynet, weights)


def sizes(folder: Path, options: argparse.Namespace) -> Figures:
    """Measure a small network on heads from 1 to 64 million voxels."""
    package = small_package(folder)
    return {
        "sizes": [
            _analysed(package, head_of(side, folder), folder)
            for side in SIDES
            if side <= options.largest
        ]
    }


def readers(folder: Path, options: argparse.Namespace) -> Figures:
    """Measure our readers beside others alone."""
    side = options.side
    files: dict[str, tuple[Path, tuple[str, ...]]] = {
        f"{side}³ NIfTI, gzip": (head_of(side, folder), ("nibabel", "SimpleITK")),
        f"{side}³ NIfTI": (head_of(side, folder, compressed=False), ("nibabel", "SimpleITK")),
    }
    if (real := options.samples / REAL).exists():
        files["a real head, gzip"] = (real, ("nibabel", "SimpleITK"))
    if (series := options.samples / SERIES).is_dir():
        files["20 CT slices, JPEG 2000"] = (series, ("pydicom", "SimpleITK"))
    found = {name: _read(path, others, options) for name, (path, others) in files.items()}
    return {"files": found, "rounds": options.rounds, "turns": options.turns}


STEPS: dict[str, Step] = {
    "brain": brain,
    "mindgrab": mindgrab,
    "antspynet": antspynet,
    "sizes": sizes,
    "readers": readers,
}


def _analysed(package: Path, volume: Path, folder: Path, *words: str | Path) -> Figures:
    """Return what analysing `volume` cost; `words` are its turns, and what an engine needs."""
    out = folder / "out"
    out.mkdir(exist_ok=True)
    return run_child("tools.bench_imaging.analysing", package, volume, out, *(words or ("1",)))


def _read(path: Path, others: tuple[str, ...], options: argparse.Namespace) -> dict[str, Figures]:
    """Return what each library took, ours first, in turns.

    All must have read the same values, and put the same corners at the same places.
    """
    libraries = [
        one for one in ("bedside", *others) if one != "SimpleITK" or options.simpleitk is not None
    ]
    turns = [
        {one: _read_once(path, one, options) for one in libraries} for _ in range(options.turns)
    ]
    wanted = turns[0]["bedside"]
    for turn in turns:
        for library, told in turn.items():
            near = abs(told["sum"] - wanted["sum"]) <= 1e-6 * abs(wanted["sum"])
            assert near, (library, told["sum"], wanted["sum"])
            assert np.allclose(told["box"], wanted["box"], rtol=0, atol=NEAR), (
                library,
                told,
                wanted,
            )
    return {one: _middle(one, turns) for one in libraries}


def _read_once(path: Path, library: str, options: argparse.Namespace) -> Figures:
    python = options.simpleitk if library == "SimpleITK" else None
    module = "tools.bench_imaging.reading"
    return run_child(module, library, path, str(options.rounds), python=python)


def _middle(library: str, turns: list[dict[str, Figures]]) -> Figures:
    """Return the medians over all turns; of the ratio to ours within each turn, too."""
    ratios = sorted(one[library]["processor"] / one["bedside"]["processor"] for one in turns)
    middle = {
        name: statistics.median(one[library][name] for one in turns)
        for name in ("processor", "clock", "peak")
    }
    return {**middle, "ratio": [statistics.median(ratios), ratios[0], ratios[-1]]}
