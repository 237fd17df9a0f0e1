"""The page: tables from figures, ratios where two are compared."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bedside.runtime.session import this_processor

STAGES = ("read", "gate", "prepare", "infer", "restore", "refine", "measure", "write")
MEANING = {
    "load the package": "open, digests, network into ONNX Runtime; no golden case replayed",
    "read": "NIfTI-1, gzip, 16 bits, digest of the bytes",
    "gate": "geometry, spacing, values, the head found",
    "prepare": "the declared operations",
    "infer": "ONNX Runtime",
    "restore": "softmax, probabilities back to the volume's own grid, labels",
    "refine": "largest region",
    "measure": "volume, extents, centre, regions",
    "write": "mask, probability, measurements, picture with a mosaic",
}

HEAD = [
    "# Benchmarks of volumes",
    "",
    "Written by `make bench-imaging`; do not edit. *Processor* is user and system time of all threads. Other work on the",
    "machine disturbs it less than the clock, which only says something where the load beside it is low. *Peak* is the",
    "largest resident memory of the process while the step ran, libraries included. Each analysis is a process of its",
    "own. The heads are drawn (`bedside.imaging.phantoms`), 16 bits, gzip.",
]


def section(step: str, told: Mapping[str, Any]) -> list[str]:
    """Return the section of one step, with the machine that it was measured on."""
    title, write = SECTIONS[step]
    if "absent" in told:
        return [f"## {title}", "", f"Not measured: {told['absent']}."]
    return [f"## {title}", "", *write(told), "", told["machine"]]


def _analysis(told: Mapping[str, Any]) -> list[str]:
    costs = told["costs"]
    lines = [
        f"The trained network of brainchop ({told['trained']:,} weights, dilated convolutions, 256³ at 1 mm at once), in",
        "ONNX Runtime on two threads. A step has the libraries and the volume in its peak too.",
        "",
        "| step | processor, s | clock, s | peak, MiB | what |",
        "|---|---|---|---|---|",
    ]
    for name, meaning in MEANING.items():
        if name in costs:
            lines.append(f"| {name} | {_figures(costs[name])} | {meaning} |")
    whole = {
        "processor": sum(one["processor"] for one in costs.values()),
        "clock": sum(one["clock"] for one in costs.values()),
        "peak": max(one["peak"] for one in costs.values()),
    }
    lines.append(f"| **all** | {_figures(whole)} | |")
    return lines


def _sizes(told: Mapping[str, Any]) -> list[str]:
    lines = [
        "Processor seconds of each step. The package has a small network (three convolutions) in windows of 96³ at",
        "2 mm, so that the network's part stays the same and the rest is seen to grow: what is read, judged, taken",
        "back to the volume's own grid, measured and written is all of the volume.",
        "",
        f"| million voxels | {' | '.join(STAGES)} | all | all but the network | peak, MiB | bytes a voxel |",
        f"|{'---|' * (len(STAGES) + 5)}",
    ]
    for one in told["sizes"]:
        voxels, costs = one["voxels"], one["costs"]
        each = [costs.get(name, {"processor": 0.0})["processor"] for name in STAGES]
        peak = max(cost["peak"] for cost in costs.values())
        base = costs["load the package"]["peak"]
        inner = sum(each) - costs["infer"]["processor"]
        a_voxel = (peak - base) * 2**20 / voxels
        lines.append(
            f"| {voxels / 1e6:.1f} | {' | '.join(f'{cost:.2f}' for cost in each)} | {sum(each):.2f} | "
            f"{inner:.2f} | {peak:.0f} | {a_voxel:.0f} |"
        )
    return [*lines, "", "*Bytes a voxel* is the peak above that of the loaded package."]


def _readers(told: Mapping[str, Any]) -> list[str]:
    lines = [
        "From a path to float32 values and an affine. Ours also bounds what it reads before it takes memory, looks for",
        "NaN and infinity, computes a digest of the bytes and judges the geometry; the others do none of that. Each",
        f"library in a process of its own, in {told['turns']} turns of {told['rounds']} readings; medians, of the ratios to ours within a turn",
        "too (lowest and highest in brackets). What a library does once is not counted. All give the same values.",
        "",
        "| file | library | × ours | processor, s | clock, s | peak, MiB |",
        "|---|---|---|---|---|---|",
    ]
    for name, libraries in told["files"].items():
        for library, cost in libraries.items():
            ratio, low, high = cost["ratio"]
            words = f"**{ratio:.2f}** ({low:.2f}–{high:.2f})"
            lines.append(f"| {name} | {library} | {words} | {_figures(cost)} |")
    return lines


def _antspynet(told: Mapping[str, Any]) -> list[str]:
    meaning = {
        "first": "the child starts, TensorFlow is imported, the network built and loaded",
        "second": "the network stays loaded",
    }
    lines = [
        "The true architecture (modality T1) in its process of its own, behind our engine, with weights that nobody",
        f"trained, on a head of {told['voxels'] / 1e6:.1f} million voxels. Processor and peak are those of that process.",
        "",
        "| answer | processor, s | clock, s | peak, MiB | what |",
        "|---|---|---|---|---|",
    ]
    costs = told["costs"]
    return [*lines, *(f"| {one} | {_figures(costs[one])} | {meaning[one]} |" for one in meaning)]


def machine() -> str:
    """Return what it was measured on."""
    names = ("numpy", "scipy", "onnxruntime", "nibabel", "pydicom")
    libraries = ", ".join(f"{name} {version(name)}" for name in names)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"Measured on {_model()} ({this_processor()}), {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}, {libraries}; load {os.getloadavg()[0]:.1f} when it was done."
    )


def _figures(cost: Mapping[str, float]) -> str:
    return f"{cost['processor']:.2f} | {cost['clock']:.2f} | {cost['peak']:.0f}"


def _model() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return found[0] if found else platform.machine()


SECTIONS: dict[str, tuple[str, Callable[[Mapping[str, Any]], list[str]]]] = {
    "mindgrab": ("A whole brain of a 256³ T1 by MindGrab", _analysis),
    "sizes": ("From 1 to 64 million voxels", _sizes),
    "readers": ("Our readers beside others alone", _readers),
    "antspynet": ("ANTsPyNet's brain extraction", _antspynet),
}
"""The title of each step, and what writes it."""
