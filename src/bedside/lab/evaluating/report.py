"""An evaluation as a folder: JSON for machines, CSV for tables, Markdown and pictures for people."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bedside.canonical import Json, canonical_bytes, digest
from bedside.imaging.views.chart import charts
from bedside.imaging.views.curves import Chart, Curve
from bedside.lab.datasets.manifest import Dataset
from bedside.lab.evaluating.analysed import Segmenter
from bedside.lab.evaluating.evaluating import CaseResult, Compared
from bedside.lab.evaluating.masks import MEASURES, TITLES
from bedside.lab.evaluating.orientations import LEAST
from bedside.lab.evaluating.summary import Summary, summaries, worst_first
from bedside.package.manifest import Evaluation
from bedside.store.disk import replace_file

DOCUMENT: Final = "evaluation.json"
TABLE: Final = "cases.csv"
PAGE: Final = "report.md"
CHART: Final = "dice.png"
MODE: Final = 0o644
FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Report:
    """What an evaluation found.

    Attributes:
        ref: Of the package.
        package: Its digest.
        labels: The classes that make the mask.
        evaluation: As a package states it: the data, and the means with their intervals.
        results: Case by case, in the data set's order.
        summaries: The means.
        against: Refs and digests of the packages that were references.
    """

    ref: str
    package: str
    labels: tuple[str, ...]
    evaluation: Evaluation | None
    results: tuple[CaseResult, ...]
    summaries: tuple[Summary, ...]
    against: dict[str, str]

    def told(self) -> dict[str, Json]:
        """Return it as JSON."""
        evaluation = self.evaluation
        return {
            "format_version": FORMAT_VERSION,
            "ref": self.ref,
            "package": self.package,
            "labels": list(self.labels),
            "against": dict(self.against),
            "evaluation": None if evaluation is None else evaluation.model_dump(mode="json"),
            "summaries": [asdict(one) for one in self.summaries],
            "cases": [_told_case(one) for one in self.results],
        }


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
    metrics = tuple(one.metric(seed) for one in means)
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
        replace_file(folder / CHART, charts([_dice_chart(report)]), MODE)
    shown = {path.stem: path.relative_to(folder).as_posix() for path in pictures}
    replace_file(folder / PAGE, page(report, shown).encode("utf-8"), MODE)
    return digest(document)


def page(report: Report, pictures: dict[str, str]) -> str:
    """Return the report in Markdown, the worst cases first.

    Args:
        report: What was found.
        pictures: Where they are, by their names.
    """
    lines = [f"# {report.ref}, evaluated", ""]
    if report.evaluation is not None:
        data = report.evaluation.data
        lines += [
            f"{data.rows} cases of {data.name} (`{data.digest}`); package `{report.package}`.",
            "",
        ]
    lines += [f"Mask: {', '.join(report.labels)}. Intervals: 95 %, bootstrap of patients.", ""]
    lines += _means(report)
    lines += [
        "## Cases, the worst first",
        "",
        _row(("case", "contrast", "against", *_SHORT)),
        _rule(3 + len(_SHORT)),
    ]
    for result in worst_first(report.results):
        lines += _case_rows(result)
    lines += _turned(report)
    if pictures:
        lines += ["", "## Pictures, the worst first", ""]
        lines += ["Found and right, found wrongly, missed: the legend names the colours.", ""]
        lines += [f"![{name}]({path})" for name, path in sorted(pictures.items())]
    return "\n".join(lines) + "\n"


_SHORT: Final = (
    *("Dice", "HD95 mm", "mean dist. mm", "sensitivity", "specificity", "precision"),
    *("mL", "reference mL", "error"),
)


def _means(report: Report) -> list[str]:
    lines = []
    for reference in dict.fromkeys(one.reference for one in report.summaries):
        lines += [
            f"## Against {reference}",
            "",
            _row(("measure", "of", "mean (95 % CI)", "worst", "cases")),
        ]
        lines.append(_rule(5))
        for one in report.summaries:
            if one.reference != reference:
                continue
            mean = f"{one.mean:.4f} ({one.lower:.4f} to {one.upper:.4f})"
            cases = f"{one.cases}" + (f", {one.missing} without" if one.missing else "")
            worst = f"{one.worst:.4f}, {one.worst_case}"
            lines.append(_row((TITLES[one.measure], one.subgroup or "all", mean, worst, cases)))
        lines.append("")
    return lines


def _case_rows(result: CaseResult) -> list[str]:
    if result.refused:
        gaps = ("",) * (len(_SHORT) - 1)
        return [_row((result.case, result.contrast, "refused", result.refused, *gaps))]
    return [
        _row((result.case, result.contrast, _against(one), *_numbers(one)))
        for one in result.compared
    ]


def _against(one: Compared) -> str:
    return f"{one.reference} (resampled)" if one.moved else one.reference


def _numbers(one: Compared) -> list[str]:
    found = []
    for name in MEASURES:
        value = getattr(one.scores, name)
        digits = 1 if name.endswith("_ml") else 4
        found.append("none" if value is None else f"{value:.{digits}f}")
    return found


def _turned(report: Report) -> list[str]:
    rows = [(result, one) for result in report.results for one in result.turned]
    if not rows:
        return []
    apart = [(result.case, one) for result, one in rows if not one.alike]
    lines = ["", "## In other orientations", ""]
    lines.append(
        f"{len(rows)} images stored along other axes: {len(rows) - len(apart)} give the same mask "
        f"(Dice ≥ {LEAST:g})."
    )
    for case, one in apart:
        told = "refused" if one.dice is None else f"Dice {one.dice:.4f}"
        lines.append(f"- {case} as {one.code}: {told}")
    return lines


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


def _table(report: Report) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    facts = sorted({name for result in report.results for name in result.facts})
    about = ("case", "patient", "contrast", *facts)
    writer.writerow(
        (
            *about,
            "reference",
            "resampled",
            *MEASURES,
            "seconds",
            "out_of_domain",
            "flags",
            "refused",
        )
    )
    for one in report.results:
        known = (one.case, one.patient, one.contrast, *(one.facts.get(fact, "") for fact in facts))
        after = (one.seconds, one.out_of_domain, " ".join(one.flags), one.refused)
        for compared in one.compared:
            scores = [getattr(compared.scores, name) for name in MEASURES]
            writer.writerow((*known, compared.reference, compared.moved, *scores, *after))
        if not one.compared:
            writer.writerow((*known, "", "", *[""] * len(MEASURES), *after))
    return out.getvalue()


def _told_case(one: CaseResult) -> dict[str, Json]:
    told: dict[str, Json] = asdict(one)
    told["seconds"] = None if one.seconds is None else round(one.seconds, 3)
    return told | {
        "flags": list(one.flags),
        "compared": list(told["compared"]),
        "turned": list(told["turned"]),
    }


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |"


def _rule(columns: int) -> str:
    return "|" + "---|" * columns
