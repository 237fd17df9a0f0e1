"""From a training run to a package of lesion candidates and its figures, in one command.

python -m tools.ship_lesions --run RUN --data lesions.json --report NEW_FOLDER

The threshold is chosen on drawn heads that were held out; a first package is evaluated on the patients
of the data set; the package is frozen again with these figures on its card. Where it finds fewer than
half of the lesions from 0.1 mL, the figures are written, and no package. Equal runs, data and
SOURCE_DATE_EPOCH give equal packages but for the signature, whose key nobody keeps.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bedside.freezing.circumstances import Circumstances
from bedside.keys.signing import SigningKey
from bedside.lab.brain.golden_heads import MR_HEAD
from bedside.lab.datasets.manifest import open_dataset
from bedside.lab.evaluating.analysed import Segmenter
from bedside.lab.evaluating.evaluating import Wish, evaluate
from bedside.lab.evaluating.findings import Report
from bedside.lab.evaluating.maps import Exhibits
from bedside.lab.evaluating.region_figures import LARGE, by_size
from bedside.lab.evaluating.report import make_report, write_report
from bedside.lab.lesions.packaging import (
    NAME,
    TrainedLesions,
    best_threshold,
    frozen_lesions,
    lesion_spec,
    open_run,
    validation,
)
from bedside.package.card.markdown import card_markdown
from bedside.package.manifest import Evaluation, Metric
from bedside.package.package import Package
from tools.shipped import place

ENOUGH: Final = 0.5
"""Share of the lesions from `LARGE` that must be found before a package is made."""

_SHOWN: Final = ("Dice", "sensitivity for regions", "false regions")


def main(words: Sequence[str]) -> None:
    """Evaluate, and make the package if it is good enough; say what came of it."""
    options = _options(words)
    options.report.mkdir(parents=True)
    began = time.monotonic()

    def tell(step: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {step}", flush=True)

    run = open_run(options.run)
    tell("choosing the threshold on drawn heads")
    threshold = options.threshold or best_threshold(run)
    tell(f"threshold {threshold:g}")
    first = frozen_lesions(
        run, lesion_spec(run, threshold, validation(run), options.version), Circumstances(tell=tell)
    ).package
    tell("measuring on patients")
    report = _measured(first, options)
    regions = [one.regions for case in report.results for one in case.compared if one.regions]
    (large,) = by_size(regions, (LARGE, float("inf")))
    tell(f"{large.found} of {large.regions} lesions from {LARGE:g} mL found")
    assert report.evaluation is not None
    if not large.regions or large.found < ENOUGH * large.regions:
        print(f"Fewer than half: no package is made. The figures: {options.report}")
        return
    _written(run, threshold, _for_the_card(report.evaluation), (options, Circumstances(tell=tell)))


def _measured(package: Package, options: argparse.Namespace) -> Report:
    """Evaluate as `bedside lab evaluate --regions` does, and write the report."""
    out: Path = options.report / "evaluation"
    exhibits = Exhibits(out, pictures=20, mapped=True)
    dataset, segmenter = open_dataset(options.data), Segmenter(package)
    try:
        wish = Wish(stated=MR_HEAD, regions=options.least)
        results = evaluate(segmenter, dataset, wish, (_told, exhibits.keep))
    finally:
        segmenter.close()
    report = make_report(segmenter, dataset, results)
    write_report(report, out, exhibits.pictures)
    return report


def _written(
    run: TrainedLesions,
    threshold: float,
    figures: Evaluation,
    how: tuple[argparse.Namespace, Circumstances],
) -> None:
    """Freeze the package with its figures, and write it and its cards into the report's folder."""
    options, circumstances = how
    key = SigningKey.new()  # in memory alone: nobody can sign another package with it
    spec = lesion_spec(run, threshold, figures, options.version)
    made = frozen_lesions(run, spec, Circumstances(key, tell=circumstances.tell))
    path = options.report / f"{NAME}-{options.version}.bedside"
    path.write_bytes(made.archive)
    path.with_suffix(".pub").write_text(key.public.to_pem(), encoding="ascii")
    for language in ("en", "ja"):
        card = card_markdown(made.package.manifest, language)
        (options.report / f"card.{language}.md").write_text(card, encoding="utf-8")
    if options.place:
        place(made.archive, made.package, key.public)
    circumstances.tell(f"{path}: {len(made.archive)} bytes, {made.package.digest}")


def _for_the_card(whole: Evaluation) -> Evaluation:
    shown = tuple(one for one in whole.metrics if _is_shown(one))
    return whole.model_copy(update={"metrics": shown})


def _is_shown(metric: Metric) -> bool:
    return metric.subgroup is None and metric.name.startswith(_SHOWN)


def _told(name: str, place: int, count: int) -> None:
    print(f"  {place + 1} of {count}: {name}", flush=True)


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.ship_lesions", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="a finished run's folder")
    parser.add_argument("--data", type=Path, required=True, help="patients with marked lesions")
    parser.add_argument("--report", type=Path, required=True, help="a new folder for all figures")
    parser.add_argument("--threshold", type=float, help="else chosen on drawn heads")
    parser.add_argument("--least", type=float, default=0.003, help="smallest lesion counted, mL")
    parser.add_argument("--place", action="store_true", help="into the wheel, too")
    parser.add_argument("--version", default="0.1.0", help="of the package")
    return parser.parse_args(words)


if __name__ == "__main__":
    main(sys.argv[1:])
