"""An evaluation of masks as a page for people: Markdown, the worst cases first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bedside.lab.evaluating.evaluating import CaseResult, Compared
from bedside.lab.evaluating.findings import Report
from bedside.lab.evaluating.masks import MEASURES, TITLES
from bedside.lab.evaluating.orientations import LEAST
from bedside.lab.evaluating.region_figures import LARGE
from bedside.lab.evaluating.region_page import response_rows, size_rows
from bedside.lab.evaluating.summary import Summary, worst_first


def page(report: Report, pictures: Mapping[str, str]) -> str:
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
    lines += _regions(report)
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


def told_mean(one: Summary) -> str:
    """Return a mean with its interval, in words; of one patient there is none."""
    spread = f"{one.lower:.4f} to {one.upper:.4f}" if one.has_interval else "one patient"
    return f"{one.mean:.4f} ({spread})"


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
            mean = told_mean(one)
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


def _regions(report: Report) -> list[str]:
    """Return what was found of regions, such as lesions, case by case and in all."""
    rows = [
        (result.case, one) for result in report.results for one in result.compared if one.regions
    ]
    lines: list[str] = []
    for reference in dict.fromkeys(one.reference for _, one in rows):
        each = [(case, one.regions) for case, one in rows if one.reference == reference]
        known = [(case, one) for case, one in each if one is not None]
        least = known[0][1].least_ml
        lines += ["", f"## Regions of {reference}, from {least:g} mL", ""]
        lines += [
            _row(("case", "regions", "found", "called", "false", "largest missed mL")),
            _rule(6),
        ]
        for case, one in known:
            missed = f"{one.missed_ml[0]:.3f}" if one.missed_ml else "none"
            lines.append(_row((case, str(one.regions), str(one.found), str(one.called), str(one.false), missed)))  # fmt: skip
        regions, found = sum(one.regions for _, one in known), sum(one.found for _, one in known)
        false = sum(one.false for _, one in known) / len(known)
        share = f"{found / regions:.3f}" if regions else "none"
        lines += [
            "",
            f"Sensitivity {share} ({found} of {regions}); {false:.2f} false regions a scan.",
        ]
        lines += _table(
            ("size", "regions", "found", "share (95 % CI)"), size_rows([one for _, one in known])
        )
        lines += _table(
            ("false candidates a scan", "sensitivity, all", f"from {LARGE:g} mL"),
            response_rows(report.responses(reference)),
        )
    return lines


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return ["", _row(head), _rule(len(head)), *(_row(one) for one in rows)]


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


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |"


def _rule(columns: int) -> str:
    return "|" + "---|" * columns
