"""Measure volumes, and write docs/benchmarks-imaging.md; see `--help`."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from tools.bench_imaging import page
from tools.bench_imaging.children import ROOT
from tools.bench_imaging.steps import SIDES, STEPS, Figures

PAGE = ROOT / "docs" / "benchmarks-imaging.md"
WORK = ROOT / "build" / "bench-imaging"
KEPT = WORK / "figures.json"
SAMPLES = ROOT.parent / "shared" / "samples"


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, default=SAMPLES, help="real heads and weights")
    parser.add_argument("--turns", type=int, default=5, help="of all readers, one after the other")
    parser.add_argument("--rounds", type=int, default=5, help="of each reader in a turn")
    parser.add_argument("--largest", type=int, default=SIDES[-1], help="side of the largest head")
    parser.add_argument("--simpleitk", type=Path, help="an interpreter that has SimpleITK")
    parser.add_argument("--antspynet", type=Path, help="an interpreter that has antspynet")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=list(STEPS),
        default=list(STEPS),
        help="measure these; the figures of the others are those of the last run",
    )
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    figures = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        for step in options.only:
            print(step, flush=True)
            figures[step] = {**STEPS[step](Path(name), options), "machine": page.machine()}
            KEPT.write_text(json.dumps(figures), encoding="utf-8")
    PAGE.write_text(_page(figures), encoding="utf-8")
    print(f"wrote {PAGE}")


def _page(figures: dict[str, Figures]) -> str:
    """Return the page, the steps in their order."""
    absent = {"absent": "it was left out of this run"}
    sections = [page.section(step, figures.get(step, absent)) for step in STEPS]
    return "\n\n".join("\n".join(lines) for lines in [page.HEAD, *sections]) + "\n"


if __name__ == "__main__":
    main()
