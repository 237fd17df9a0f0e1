"""From a training run to the package of brain extraction in the wheel, in one command.

python -m tools.ship_brain --run RUN --heads FOLDER [--masks FOLDER] --report NEW_FOLDER

The network is frozen, its overlap calibrated, a first package evaluated on the heads, and the package
frozen again with these figures on its card; signed with a key that nobody keeps; and put where the
wheel takes it from. Equal runs, heads and SOURCE_DATE_EPOCH give equal packages but for the signature.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bedside.freezing.circumstances import Circumstances
from bedside.keys.signing import SigningKey
from bedside.lab.brain.recipe import THRESHOLD, output
from bedside.lab.brain.run import TrainedRun, open_run
from bedside.lab.brain.shipping import VERSION, Said, frozen_brain, learned_likeness
from bedside.package.card.markdown import card_markdown
from tools.ship_brain.calibrating import calibrated
from tools.ship_brain.figures import for_the_card, measured
from tools.ship_brain.heads import evaluation_heads
from tools.shipped import place


def main(words: Sequence[str]) -> None:
    """Make the package, and say what it is."""
    options = _options(words)
    options.report.mkdir(parents=True)
    began = time.monotonic()

    def tell(step: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {step}", flush=True)

    run = open_run(options.run)
    tell("learning how heads look")
    likeness = learned_likeness(run)
    meant = output(options.threshold)
    if options.calibrate:
        tell(f"calibrating the predicted overlap on {options.calibrate} drawn heads")
        meant = calibrated(run, meant, options.calibrate, options.report / "overlap")
    said = Said(run.validation(), likeness, meant, options.version)
    said = _evaluated(run, said, options, Circumstances(tell=tell))
    key = SigningKey.new()  # in memory alone: nobody can sign another package with it
    made = frozen_brain(run, said, Circumstances(key, tell=tell))
    for language in ("en", "ja"):
        card = card_markdown(made.package.manifest, language)
        (options.report / f"card.{language}.md").write_text(card, encoding="utf-8")
    found = place(made.archive, made.package, key.public)
    tell(f"{found.ref}: {len(made.archive)} bytes, {made.package.digest}")
    print(f"signed by {found.fingerprint}, whose private half is gone; written to {found.path}")


def _evaluated(
    run: TrainedRun, said: Said, options: argparse.Namespace, circumstances: Circumstances
) -> Said:
    """Return what is said with the figures of a first package, that nobody gets."""
    first = frozen_brain(run, said, circumstances).package
    circumstances.tell("measuring on heads")
    heads = evaluation_heads(
        options.heads, options.masks, options.masks_of, options.report / "heads"
    )
    out = options.report / "evaluation"
    report = measured(first, heads, out, options.orientations)
    for result in report.results:
        told = ", ".join(f"{one.reference} {one.scores.dice:.4f}" for one in result.compared)
        print(f"  {result.case}: {told or result.refused} {' '.join(result.flags)}")
    return replace(said, evaluation=for_the_card(out))


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.ship_brain", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="a finished run's folder")
    parser.add_argument("--heads", type=Path, required=True, help="scans and their masks")
    parser.add_argument("--masks", type=Path, help="another program's masks, called like the scans")
    parser.add_argument("--masks-of", default="mindgrab", help="what that program is called")
    parser.add_argument("--report", type=Path, required=True, help="a new folder for all figures")
    parser.add_argument("--orientations", type=int, default=1, help="each scan is turned so often")
    parser.add_argument("--threshold", type=float, default=THRESHOLD, help="of the probability")
    parser.add_argument(
        "--calibrate", type=int, default=240, help="drawn heads for the predicted overlap; 0: none"
    )
    parser.add_argument("--version", default=VERSION, help="of the package")
    return parser.parse_args(words)


if __name__ == "__main__":
    main(sys.argv[1:])
