"""What was found of regions, such as lesions, as tables and a chart for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bedside.imaging.views.curves import Chart, Curve
from bedside.lab.evaluating.detecting import (
    FLOOR,
    Responses,
    candidate_response,
    sensitivity_at,
)
from bedside.lab.evaluating.region_figures import LARGE, SizeClass, by_size
from bedside.lab.evaluating.regions import RegionScores

ALLOWED: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""False regions a scan at which sensitivity is told."""


def size_rows(scans: Sequence[RegionScores]) -> list[tuple[str, ...]]:
    """Return a row for each class of sizes that has regions: size, regions, found, share."""
    return [
        (_told_size(one), str(one.regions), str(one.found), _told_share(one))
        for one in by_size(scans)
        if one.regions
    ]


def response_rows(scans: Sequence[Responses]) -> list[tuple[str, ...]]:
    """Return sensitivity at so many false regions a scan: for all regions, and for large ones."""
    curves = [candidate_response(scans), candidate_response(scans, LARGE)]
    return [
        (f"{allowed:g}", *(f"{sensitivity_at(one, allowed):.3f}" for one in curves))
        for allowed in ALLOWED
    ]


def response_chart(scans: Sequence[Responses], name: str) -> Chart:
    """Return the free-response curve by candidate: for all regions, and for large ones."""
    curves = []
    for least, words in ((0.0, "all"), (LARGE, f"from {LARGE:g} mL")):
        points = candidate_response(scans, least)
        false = [one.false_per_scan for one in points]
        found = [one.sensitivity for one in points]
        curves.append(Curve(words, [0.0, *false], [0.0, *found]))
    title = f"free response by candidate from {FLOOR:g}, {name}"
    across, up = "false candidates a scan", "sensitivity for regions"
    return Chart(title, across, up, tuple(curves), x_range=(0.0, ALLOWED[-1]), y_range=(0.0, 1.02))


def _told_size(one: SizeClass) -> str:
    if one.below_ml == float("inf"):
        return f"{one.least_ml:g} mL and more"
    return f"{one.least_ml:g} to {one.below_ml:g} mL"


def _told_share(one: SizeClass) -> str:
    lower, upper = one.interval
    return f"{one.found / one.regions:.3f} ({lower:.3f} to {upper:.3f})"
