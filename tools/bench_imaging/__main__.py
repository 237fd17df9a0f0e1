"""Measure volumes in one run, and write docs/benchmarks-imaging.md; see `--help`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.bench_imaging import circumstances, page
from tools.bench_imaging.children import ROOT
from tools.bench_imaging.steps import SIDES, STEPS

PAGE = ROOT / "docs" / "benchmarks-imaging.md"
WORK = ROOT / "build" / "bench-imaging"
SAMPLES = ROOT.parent / "shared" / "samples"


def main(words: Sequence[str]) -> None:
    """Measure, and write the page; of a part of the steps, a page of its own beside the others."""
    options = _options(words)
    whole = set(options.only) == set(STEPS)
    target = options.page or (PAGE if whole else WORK / "part.md")
    if not whole and target.resolve() == PAGE.resolve():
        raise SystemExit(f"{PAGE.name} is written by a whole run alone: leave out --only.")
    circumstances.refuse_busy(busy=options.busy)
    WORK.mkdir(parents=True, exist_ok=True)
    begun, commit, sections = circumstances.moment(), circumstances.commit(), {}
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        for step in (one for one in STEPS if one in options.only):
            print(step, flush=True)
            stretch = circumstances.Stretch.begun()
            figures = STEPS[step](Path(name), options)
            sections[step] = {**figures, "under": stretch.ended()}
    run = {
        "begun": begun,
        "ended": circumstances.moment(),
        "commit": commit,
        "command": circumstances.command(words),
        "machine": circumstances.machine(
            {"SimpleITK": options.simpleitk, "antspynet": options.antspynet}
        ),
        "whole": whole,
        "sections": sections,
    }
    target.write_text(page.written(run), encoding="utf-8")
    (WORK / "figures.json").write_text(json.dumps(run), encoding="utf-8")
    print(f"wrote {target}")


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, default=SAMPLES, help="real heads and weights")
    parser.add_argument("--side", type=int, default=256, help="of the head of the two brains")
    parser.add_argument("--turns", type=int, default=5, help="of all readers, one after the other")
    parser.add_argument("--rounds", type=int, default=5, help="of each reader in a turn")
    parser.add_argument("--largest", type=int, default=SIDES[-1], help="side of the largest head")
    parser.add_argument("--simpleitk", type=Path, help="an interpreter that has SimpleITK")
    parser.add_argument("--antspynet", type=Path, help="an interpreter that has antspynet")
    parser.add_argument("--busy", action="store_true", help="measure while others work, and say so")
    parser.add_argument("--page", type=Path, help="where the page goes, if not into docs")
    parser.add_argument(
        "--only", nargs="+", choices=list(STEPS), default=list(STEPS), help="a part, never in docs"
    )
    return parser.parse_args(words)


if __name__ == "__main__":
    main(sys.argv[1:])
