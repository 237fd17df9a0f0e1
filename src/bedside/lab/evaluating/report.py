"""An evaluation as a folder: JSON for machines, CSV for tables, Markdown and pictures for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bedside.canonical import canonical_bytes, digest
from bedside.imaging.views.chart import charts
from bedside.imaging.views.curves import Chart, Curve
from bedside.lab.datasets.manifest import Dataset
from bedside.lab.evaluating.analysed import Segmenter
from bedside.lab.evaluating.evaluating import CaseResult
from bedside.lab.evaluating.findings import Report
from bedside.lab.evaluating.masks import MEASURES
from bedside.lab.evaluating.page import page
from bedside.lab.evaluating.region_figures import region_metrics
from bedside.lab.evaluating.region_page import response_chart
from bedside.lab.evaluating.summary import summaries
from bedside.lab.evaluating.tables import csv_text
from bedside.package.manifest import Evaluation
from bedside.store.disk import replace_file

DOCUMENT: Final = "evaluation.json"
TABLE: Final = "cases.csv"
PAGE: Final = "report.md"
CHART: Final = "charts.png"
MODE: Final = 0o644


def make_report(
    segmenter: Segmenter,
    dataset: Dataset,
    results: Sequence[CaseResult],
    others: Sequence[Segmenter] = (),
    *,
    seed: int = 0,
) -> Report:
    """Return the report of an evaluation.

    Args:
        segmenter: The package.
        dataset: What it was measured on.
        results: Case by case.
        others: Packages whose masks were references.
        seed: Of the bootstrap.
    """
    means = summaries(results, seed)
    metrics = (*(one.metric(seed) for one in means), *region_metrics(results, seed))
    data = dataset.described(dataset.cases)
    return Report(
        ref=segmenter.manifest.ref,
        package=segmenter.package.digest,
        labels=segmenter.labels,
        evaluation=Evaluation(data=data, metrics=metrics) if metrics else None,
        results=tuple(results),
        summaries=means,
        against={one.manifest.ref: one.package.digest for one in others},
    )


def write_report(report: Report, folder: Path, pictures: Sequence[Path] = ()) -> str:
    """Write the report into a folder; return the digest of its JSON.

    Raises:
        OSError: it cannot be written.
    """
    document = canonical_bytes(report.told())
    replace_file(folder / DOCUMENT, document, MODE)
    replace_file(folder / TABLE, _table(report).encode("utf-8"), MODE)
    if any(one.compared for one in report.results):
        plots = [_dice_chart(report), *_free_response_chart(report)]
        replace_file(folder / CHART, charts(plots, columns=2), MODE)
    shown = {path.stem: path.relative_to(folder).as_posix() for path in pictures}
    replace_file(folder / PAGE, page(report, shown).encode("utf-8"), MODE)
    return digest(document)


def _dice_chart(report: Report) -> Chart:
    """Return every case's Dice, from the worst to the best, a colour for each reference."""
    curves = []
    for reference in dict.fromkeys(one.reference for one in report.summaries):
        values = sorted(
            one.scores.dice
            for result in report.results
            for one in result.compared
            if one.reference == reference
        )
        curves.append(Curve(reference, list(range(1, len(values) + 1)), values, drawn="points"))
    most = max(len(one.x) for one in curves)
    return Chart(
        report.ref, "cases from the worst to the best", "Dice", tuple(curves), (0.5, most + 0.5)
    )


def _free_response_chart(report: Report) -> list[Chart]:
    """Return the free-response curves, where regions were counted."""
    curves = []
    for reference in dict.fromkeys(one.reference for one in report.summaries):
        points = report.free_response(reference)
        if points:
            false, found = (
                [one.false_per_scan for one in points],
                [one.sensitivity for one in points],
            )
            curves += [Curve(reference, false, found), Curve("", false, found, drawn="points")]
    words = ("free response", "false regions a scan", "sensitivity for regions")
    made = [Chart(*words, tuple(curves), y_range=(0.0, 1.02))] if curves else []
    references = dict.fromkeys(one.reference for one in report.summaries)
    return made + [
        response_chart(scans, one) for one in references if (scans := report.responses(one))
    ]


def _table(report: Report) -> str:
    facts = sorted({name for result in report.results for name in result.facts})
    about = ("case", "patient", "contrast", *facts)
    after_all = ("seconds", "out_of_domain", "flags", "refused")
    rows: list[Sequence[object]] = [(*about, "reference", "resampled", *MEASURES, *after_all)]
    for one in report.results:
        known = (one.case, one.patient, one.contrast, *(one.facts.get(fact, "") for fact in facts))
        after = (one.seconds, one.out_of_domain, " ".join(one.flags), one.refused)
        for compared in one.compared:
            scores = [getattr(compared.scores, name) for name in MEASURES]
            rows.append((*known, compared.reference, compared.moved, *scores, *after))
        if not one.compared:
            rows.append((*known, "", "", *[""] * len(MEASURES), *after))
    return csv_text(rows)
