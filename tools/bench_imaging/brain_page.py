"""The section of the page on the shipped brain extraction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_WARM, MOST_COLD, MOST_MEMORY = 3.0, 5.0, 1_536.0
"""What it must stay below: seconds by the clock, and MiB."""


def brain(told: Mapping[str, Any], meaning: Mapping[str, str]) -> list[str]:
    """Return the lines of the section.

    Args:
        told: What `bench_imaging.brain` measured.
        meaning: What each step is, by name.
    """
    cold, warm = told["cold"], {k: v for k, v in told["turns"][-1].items() if k in meaning}
    whole = {
        "processor": sum(one["processor"] for one in warm.values()),
        "clock": sum(one["clock"] for one in warm.values()),
        "peak": max(one["peak"] for one in warm.values()),
    }
    lines = [
        f"`{told['ref']}`, which comes with Bedside, on the same file as the two below, {told['voxels'] / 1e6:.1f} million voxels, two",
        "threads. *Cold* is `bedside analyse FILE -o OUT` from the start of its process to its end: imports (bytecode there,",
        "as in an installation), signature and digests, golden cases, everything read and written; the median of three. *Warm*",
        "is the fourth head in one process whose package is loaded.",
        "",
        "| | processor, s | clock, s | peak, MiB |",
        "|---|---|---|---|",
        f"| cold | {_figures(cold)} |",
        f"| warm | {_figures(whole)} |",
        f"| to reach | | {MOST_WARM:g} warm, {MOST_COLD:g} cold | {MOST_MEMORY:g} |",
        "",
        "Warm, step by step:",
        "",
        "| step | processor, s | clock, s | peak, MiB | what |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {_figures(warm[name])} | {meaning[name]} |" for name in meaning if name in warm
    ]
    return [*lines, "", *_floor(told["floor"], whole["clock"])]


def _floor(floor: Mapping[str, Any], warm: float) -> list[str]:
    moved = floor["inflating"] + floor["digesting"] + floor["deflating"]
    least = floor["arithmetic"] + moved
    sides = " × ".join(map(str, floor["sides"]))
    return [
        f"**How near that is to what the machine allows.** The network sees {sides} voxels, {floor['work'] / 1e9:.1f} GFLOP; a large matrix",
        f"product runs here at {floor['rate'] / 1e9:.0f} GFLOP/s, so its arithmetic alone takes {floor['arithmetic']:.2f} s. To inflate the {floor['read'] / 1e6:.1f} MB",
        f"that are read, to digest them and to deflate what is written ({floor['written'] / 1e6:.1f} MB) takes {moved:.2f} s on one core. Together",
        f"{least:.2f} s: the warm analysis takes {warm / least:.1f} times that.",
    ]


def _figures(cost: Mapping[str, float]) -> str:
    return f"{cost['processor']:.2f} | {cost['clock']:.2f} | {cost['peak']:.0f}"
