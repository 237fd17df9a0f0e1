"""A package measured on heads, and which of the figures its card shows."""

from __future__ import annotations

from pathlib import Path

from bedside.canonical import canonical_bytes, read_json
from bedside.lab.datasets.manifest import MASK, Dataset
from bedside.lab.evaluating.analysed import Segmenter
from bedside.lab.evaluating.evaluating import Wish, evaluate
from bedside.lab.evaluating.findings import Report
from bedside.lab.evaluating.masks import TITLES
from bedside.lab.evaluating.pictures import WorstPictures
from bedside.lab.evaluating.report import DOCUMENT, make_report, write_report
from bedside.package.manifest import Evaluation, Metric
from bedside.package.package import Package
from tools.ship_brain.heads import REFERENCES

SHOWN = tuple(TITLES[name] for name in ("dice", "hausdorff_95", "volume_error"))
PICTURES = 20


def measured(package: Package, heads: Dataset, out: Path, orientations: int) -> Report:
    """Evaluate a package as `bedside lab evaluate` does, and write its report into a folder.

    Args:
        package: Opened.
        heads: What it is measured on.
        out: A folder of its own, new.
        orientations: In how many other ways each scan is stored and analysed again.
    """
    worst = WorstPictures(out / "pictures", PICTURES)
    segmenter = Segmenter(package)
    try:
        wish = Wish(orientations=orientations)
        results = evaluate(segmenter, heads, wish, (_told, worst.keep))
    finally:
        segmenter.close()
    report = make_report(segmenter, heads, results)
    write_report(report, out, worst.paths)
    return report


def _told(name: str, place: int, count: int) -> None:
    print(f"  {place + 1} of {count}: {name}", flush=True)


def for_the_card(out: Path) -> Evaluation:
    """Return the figures of a report's JSON that the card shows: overlap, distance, volume.

    For each reference; where a reference has several contrasts, the overlap of each.
    """
    told = read_json((out / DOCUMENT).read_bytes())["evaluation"]
    whole = Evaluation.model_validate_json(canonical_bytes(told))
    metrics = (worded(one) for one in whole.metrics if _shown(one))
    return whole.model_copy(update={"metrics": tuple(metrics)})


def worded(metric: Metric) -> Metric:
    """Return a figure that says in words what it was measured against."""
    measure, _, role = metric.name.rpartition(", ")
    name = role.removeprefix(f"{MASK}.")
    against = REFERENCES.get(name, f"the mask by {name}")
    return metric.model_copy(update={"name": f"{measure}, against {against}"})


def _shown(metric: Metric) -> bool:
    measure = metric.name.rpartition(", ")[0]
    if metric.subgroup is not None:
        return measure == SHOWN[0] and metric.subgroup.startswith("contrast ")
    return measure in SHOWN
