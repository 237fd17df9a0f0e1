"""The page: tables from the figures of one run, and what it was measured under."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tools.bench_imaging.brain_page import brain
from tools.bench_imaging.circumstances import MOST_OF_OTHERS, QUIET

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
FIRST = "the first answer"
AGAIN = "the second"

HEAD = [
    "# Benchmarks of volumes",
    "",
    "Written by one run of `make bench-imaging`; do not edit. *Processor* is user and system time of all threads. Other",
    "work on the machine disturbs it less than the clock, which only says something where little else is at work.",
    "*Peak* is the largest resident memory while the step ran, libraries and the volume included; where a library works",
    "in a process of its own, the largest of that process is added. Each analysis is a process of its own. The heads are",
    "drawn (`bedside.imaging.phantoms`), 16 bits, gzip.",
]
PART = [
    "# A part of the benchmarks of volumes",
    "",
    "**Not the page**: `--only` measured some of the steps. The page is written by a whole run alone.",
]


def written(run: Mapping[str, Any]) -> str:
    """Return the page of a run: its sections in order, and what they were measured under."""
    head = HEAD if run["whole"] else PART
    sections = [_section(name, told) for name, told in run["sections"].items()]
    blocks = [head, *_warning(run), *sections, _circumstances(run)]
    return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def _warning(run: Mapping[str, Any]) -> list[list[str]]:
    """Return what must stand in front: that others worked on the machine."""
    under = [told["under"] for told in run["sections"].values()]
    most, load = max(one["others"] for one in under), under[0]["before"]
    if load <= QUIET and most <= MOST_OF_OTHERS:
        return []
    return [
        [
            f"**Measured on a busy machine**: a load of {load:.1f} when it began, and in one section others took",
            f"{most:.0%} of the processors. Take the clock for nothing, and the rest with care.",
        ]
    ]


def _section(step: str, told: Mapping[str, Any]) -> list[str]:
    title, write = SECTIONS[step]
    lines = [f"Not measured: {told['absent']}."] if "absent" in told else write(told)
    return [f"## {title}", "", *lines]


def _circumstances(run: Mapping[str, Any]) -> list[str]:
    lines = [
        "## What it was measured under",
        "",
        f"{run['machine']}.",
        "",
        f"One run, {run['begun']} to {run['ended']}, {run['commit']}:",
        "",
        "```sh",
        run["command"],
        "```",
        "",
        "| section | begun | minutes | load before | load after | processors taken by others |",
        "|---|---|---|---|---|---|",
    ]
    for name, told in run["sections"].items():
        under = told["under"]
        lines.append(
            f"| {SECTIONS[name][0]} | {under['begun'][11:]} | {under['seconds'] / 60:.1f} | "
            f"{under['before']:.1f} | {under['after']:.1f} | {under['others']:.0%} |"
        )
    return [
        *lines,
        "",
        "The load after a section is mostly its own: the networks work on two threads. Without SimpleITK, ANTsPyNet or",
        "the samples, `make bench-imaging` alone measures the rest and says what is missing.",
    ]


def _mindgrab(told: Mapping[str, Any]) -> list[str]:
    lines = [
        f"A drawn head of {_million(told)} million voxels. The trained network of brainchop ({told['trained']:,} weights, dilated",
        "convolutions, 256³ at 1 mm at once), in ONNX Runtime on two threads; one turn.",
        "",
        "| step | processor, s | clock, s | peak, MiB | what |",
        "|---|---|---|---|---|",
    ]
    [costs] = told["turns"]
    for name, meaning in MEANING.items():
        if name in costs:
            lines.append(f"| {name} | {_figures(costs[name])} | {meaning} |")
    return [*lines, f"| **all** | {_figures(_whole(costs))} | |"]


def _antspynet(told: Mapping[str, Any]) -> list[str]:
    lines = [
        f"The same file as above, {_million(told)} million voxels, through the same path. The true architecture (`brain_extraction`,",
        "modality T1) in its process of its own, with weights that nobody trained, on two threads. Two turns in one process:",
        "at the first the child starts, TensorFlow is imported, the network built and loaded; then it stays loaded.",
        "",
        f"| step | {_columns(FIRST)} | {_columns(AGAIN)} |",
        f"|{'---|' * 7}",
    ]
    first, again = told["turns"]
    for name in MEANING:
        if name in first:
            second = _figures(again[name]) if name in again else "– | – | –"
            lines.append(f"| {name} | {_figures(first[name])} | {second} |")
    return [*lines, f"| **all** | {_figures(_whole(first))} | {_figures(_whole(again))} |"]


def _columns(which: str) -> str:
    return " | ".join(f"{which}: {one}" for one in ("processor, s", "clock, s", "peak, MiB"))


def _whole(costs: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {
        "processor": sum(one["processor"] for one in costs.values()),
        "clock": sum(one["clock"] for one in costs.values()),
        "peak": max(one["peak"] for one in costs.values()),
    }


def _sizes(told: Mapping[str, Any]) -> list[str]:
    lines = [
        "Processor seconds of each step, one turn. The package has a small network (three convolutions) in windows of 96³",
        "at 2 mm, so that the network's part stays the same and the rest is seen to grow: what is read, judged, taken",
        "back to the volume's own grid, measured and written is all of the volume.",
        "",
        f"| million voxels | {' | '.join(STAGES)} | all | all but the network | peak, MiB | bytes a voxel |",
        f"|{'---|' * (len(STAGES) + 5)}",
    ]
    for one in told["sizes"]:
        [costs] = one["turns"]
        each = [costs.get(name, {"processor": 0.0})["processor"] for name in STAGES]
        peak = max(cost["peak"] for cost in costs.values())
        base = costs["load the package"]["peak"]
        inner = sum(each) - costs["infer"]["processor"]
        a_voxel = (peak - base) * 2**20 / one["voxels"]
        lines.append(
            f"| {_million(one)} | {' | '.join(f'{cost:.2f}' for cost in each)} | {sum(each):.2f} | "
            f"{inner:.2f} | {peak:.0f} | {a_voxel:.0f} |"
        )
    return [*lines, "", "*Bytes a voxel* is the peak above that of the loaded package."]


def _readers(told: Mapping[str, Any]) -> list[str]:
    lines = [
        "From a path to float32 values and an affine. Ours also bounds what it reads before it takes memory, looks for",
        "NaN and infinity, computes a digest of the bytes and judges the geometry; the others do none of that. Each",
        f"library in a process of its own, in {told['turns']} turns of {told['rounds']} readings; medians, of the ratios to ours within a turn",
        "too (lowest and highest in brackets). What a library does once is not counted. All give the same values, and",
        "the corners of the volume at the same places.",
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


def _million(told: Mapping[str, Any]) -> str:
    return f"{told['voxels'] / 1e6:.1f}"


def _figures(cost: Mapping[str, float]) -> str:
    return f"{cost['processor']:.2f} | {cost['clock']:.2f} | {cost['peak']:.0f}"


def _brain(told: Mapping[str, Any]) -> list[str]:
    return brain(told, MEANING)


SECTIONS: dict[str, tuple[str, Callable[[Mapping[str, Any]], list[str]]]] = {
    "brain": ("A whole brain by the package that comes with Bedside", _brain),
    "mindgrab": ("A whole brain by a MeshNet", _mindgrab),
    "antspynet": ("A brain of the same head by ANTsPyNet", _antspynet),
    "sizes": ("From 1 to 64 million voxels", _sizes),
    "readers": ("Our readers beside others alone", _readers),
}
"""The title of each step, and what writes it."""
