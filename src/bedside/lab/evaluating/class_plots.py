"""The three plots of a class against the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bedside.imaging.views.curves import Chart, Curve
from bedside.lab.evaluating.curves import Bin, Line

_ENDS: Final = (0.0, 1.0)
_SIZE: Final = (520, 560)


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """One class against the rest.

    Attributes:
        name: Of the class.
        roc: Sensitivity over 1 - specificity.
        precision_recall: Precision over recall.
        bins: Observed share over score.
        share: Of positives among all.
    """

    name: str
    roc: Line
    precision_recall: Line
    bins: tuple[Bin, ...]
    share: float


def plots_of(one: Curves) -> tuple[Chart, Chart, Chart]:
    """Return ROC, precision over recall, and calibration, each with its band."""
    chance = Curve("", _ENDS, _ENDS, drawn="dashes", faint=True)
    share = Curve("", _ENDS, (one.share, one.share), drawn="dashes", faint=True)
    bins = one.bins
    means, observed = [each.mean for each in bins], [each.observed for each in bins]
    limits = ([each.lower for each in bins], [each.upper for each in bins])
    calibrated = (
        Curve("", means, observed, lower=limits[0], upper=limits[1]),
        Curve("", means, observed, drawn="points"),
        chance,
    )
    return (
        _square(
            (f"{one.name}: ROC", "1 - specificity", "sensitivity"), (*_banded(one.roc), chance)
        ),
        _square(
            (f"{one.name}: precision and recall", "sensitivity (recall)", "precision"),
            (*_banded(one.precision_recall), share),
        ),
        _square((f"{one.name}: calibration", "score", "observed share"), calibrated),
    )


def _banded(line: Line) -> tuple[Curve, Curve]:
    band = Curve("", line.grid, line.lower, lower=line.lower, upper=line.upper, faint=True)
    return band, Curve("", line.x, line.y)


def _square(words: tuple[str, str, str], curves: tuple[Curve, ...]) -> Chart:
    return Chart(*words, curves, _ENDS, _ENDS, size=_SIZE)
