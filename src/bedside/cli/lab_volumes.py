"""`bedside lab evaluate` of a package that labels volumes: a data set's masks, a folder of findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bedside.canonical import Json
from bedside.cli.screen import Page, on_one_line, show
from bedside.cli.stages import bars
from bedside.errors import UsageError

if TYPE_CHECKING:
    from bedside.lab.evaluating.findings import Report
    from bedside.package.package import Package


@dataclass(frozen=True)
class Asked:
    """What is asked at the command line.

    Attributes:
        data: The data set's manifest.
        out: Where findings go, or None.
        labels: The classes that make the mask.
        values: The labels of a reference that are inside.
        orientations: In how many other ways each image is stored.
        pictures: How many of the worst cases are drawn.
        regions: The smallest region that counts, mL; None counts none.
    """

    data: Path
    out: Path | None
    labels: tuple[str, ...]
    values: tuple[int, ...]
    orientations: int
    pictures: int
    regions: float | None


def evaluate_volumes(
    opened: Package, asked: Asked, against: Sequence[Package], as_json: bool
) -> None:
    """Measure a package on the volumes of a data set.

    Raises:
        UsageError: the data set has no images and masks, or the folder holds something.
        PackageRefused: a package does not load here.
    """
    from bedside.lab.datasets.manifest import open_dataset
    from bedside.lab.evaluating.analysed import Segmenter
    from bedside.lab.evaluating.evaluating import Wish, evaluate
    from bedside.lab.evaluating.maps import Exhibits
    from bedside.lab.evaluating.report import make_report, write_report
    from bedside.runtime.analysis import UNSTATED

    dataset = open_dataset(asked.data)
    out = None if asked.out is None else _made(asked.out)
    exhibits = Exhibits(out, asked.pictures, mapped=asked.regions is not None)
    segmenter = Segmenter(opened, asked.labels)
    others = [Segmenter(one) for one in against]
    try:
        with bars() as shown:
            results = evaluate(
                segmenter,
                dataset,
                Wish(asked.values, UNSTATED, asked.orientations, asked.regions),
                (shown.whole, exhibits.keep),
                others,
            )
    finally:
        for one in (segmenter, *others):
            one.close()
    report = make_report(segmenter, dataset, results, others)
    told: dict[str, Json] = report.told()
    if out is not None:
        told |= {"digest": write_report(report, out, exhibits.pictures), "out": str(out)}
    show(told, lambda page: _tell(page, report, out), as_json=as_json)


def _made(out: Path) -> Path:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{on_one_line(str(out))} holds something.", advice="Name a new folder.")
    out.mkdir(parents=True, exist_ok=True)
    return out


def _tell(page: Page, report: Report, out: Path | None) -> None:
    from bedside.lab.evaluating.masks import TITLES
    from bedside.lab.evaluating.page import told_mean
    from bedside.lab.evaluating.summary import worst_first

    page.line(f"{report.ref} on {len(report.results)} cases", style="bold")
    rows = [
        (
            one.reference,
            TITLES[one.measure],
            one.subgroup or "all",
            told_mean(one),
            f"{one.worst:.4f} {one.worst_case}",
            str(one.cases),
        )
        for one in report.summaries
    ]
    page.table(("against", "measure", "of", "mean (95 % CI)", "worst", "cases"), rows)
    for result in worst_first(report.results):
        if result.refused:
            page.check(passed=False, text=f"{result.case}: refused: {result.refused}")
        else:
            dice = ", ".join(f"{one.scores.dice:.4f} {one.reference}" for one in result.compared)
            page.check(passed=True, text=f"{result.case}: Dice {dice}")
    turned = [one for result in report.results for one in result.turned]
    if turned:
        alike = sum(one.alike for one in turned)
        page.line(f"stored along other axes: {alike} of {len(turned)} give the same mask")
    if out is not None:
        page.line(f"tables, chart and pictures: {on_one_line(str(out))}")
