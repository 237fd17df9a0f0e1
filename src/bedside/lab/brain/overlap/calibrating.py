"""From a trained network and held-out label maps to the weights by which it says how sure it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bedside.canonical import Json, canonical_bytes, digest
from bedside.errors import UsageError
from bedside.imaging.views.chart import charts
from bedside.imaging.views.curves import Chart, Curve
from bedside.lab.brain.overlap.cases import HARDSHIPS, HardCases
from bedside.lab.brain.overlap.fitting import Fit, Numbers, fitted, left_out
from bedside.lab.brain.overlap.gathering import Answered, Infer, Recipe, answered
from bedside.lab.brain.overlap.settings import CalibrationSettings
from bedside.package.predicted_overlap import OverlapCalibration, PredictedOverlap

METHOD: Final = (
    "Heads drawn from held-out label maps, as in training and with cut fields of view, holes, noise, "
    "odd grey values, careless stripping, blur, or no head at all; answered as they are served. "
    "Dice with the whole brain, also where it was cut away. Logistic curve with weights of 0.1 or more; "
    "errors of each patient by a curve fitted to the others."
)

_LEAST: Final = 0.4
"""Where the axes of the picture begin; what is below lies on the edge."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What a calibration found.

    Attributes:
        predicted: What the package declares.
        report: All of it as JSON: each case, and how good the prediction is by what was done.
        picture: A PNG: predicted over true.
    """

    predicted: PredictedOverlap
    report: dict[str, Json]
    picture: bytes


def calibrate(
    infer: Infer,
    recipe: Recipe,
    heads: Sequence[Path],
    settings: CalibrationSettings,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Calibrated:
    """Return how a network's doubts are to be weighed.

    Args:
        infer: The network.
        recipe: How it is served.
        heads: Label maps of at least two patients who were held out in training.
        settings: Of the calibration.
        report: Told how many cases of how many are done.

    Raises:
        UsageError: one patient alone, or too few cases in which anything was found.
    """
    cases = list[Answered]()
    for done, one in enumerate(answered(HardCases(heads, settings), recipe, infer), start=1):
        if one is not None:
            cases.append(one)
        report(done, settings.cases)
    if len(cases) < settings.cases // 2:
        raise UsageError(
            f"Of {settings.cases} heads the network found something in {len(cases)} only.",
            advice="Calibrate a network that was trained to its end, with its own recipe.",
        )
    expected = left_out(cases)
    return _calibrated(cases, expected, fitted(cases), heads, settings)


def _calibrated(
    cases: Sequence[Answered],
    expected: Numbers,
    fit: Fit,
    heads: Sequence[Path],
    settings: CalibrationSettings,
) -> Calibrated:
    true = np.array([one.overlap for one in cases])
    data: dict[str, Json] = {
        "heads": {one.name: _digest_of(one) for one in heads},
        "settings": settings.model_dump(mode="json", exclude={"keep"}),
        "cases": [one.told() for one in cases],
    }
    predicted = PredictedOverlap(
        intercept=fit.intercept,
        terms=fit.terms,
        flag_below=settings.flag_below,
        calibration=OverlapCalibration(
            data=digest(canonical_bytes(data)),
            patients=len({one.patient for one in cases}),
            cases=len(cases),
            mean_absolute_error=round(float(np.abs(expected - true).mean()), 4),
            rank_correlation=round(_rank_correlation(expected, true), 4),
            method=METHOD,
        ),
    )
    told: dict[str, Json] = {
        "format_version": 1,
        "predicted_overlap": predicted.model_dump(mode="json"),
        "by_hardship": _by_hardship(cases, expected, settings.flag_below),
        "flags": _flags(true, expected, settings.flag_below),
        "left_out": [round(float(one), 4) for one in expected],
        "data": data,
    }
    return Calibrated(predicted, told, _picture(cases, expected))


def _by_hardship(
    cases: Sequence[Answered], expected: Numbers, flag_below: float
) -> dict[str, Json]:
    told = dict[str, Json]()
    for name in HARDSHIPS:
        own = np.array([one.hardship == name for one in cases])
        if not own.any():
            continue
        true = np.array([one.overlap for one in cases])[own]
        told[name] = {
            "cases": int(own.sum()),
            "true": round(float(true.mean()), 4),
            "predicted": round(float(expected[own].mean()), 4),
            "mean_absolute_error": round(float(np.abs(expected[own] - true).mean()), 4),
            "flagged": int((expected[own] < flag_below).sum()),
        }
    return told


def _flags(true: Numbers, expected: Numbers, flag_below: float) -> dict[str, Json]:
    """Return how many masks below and above the limit were flagged."""
    bad, flagged = true < flag_below, expected < flag_below
    return {
        "below": flag_below,
        "bad": int(bad.sum()),
        "bad_flagged": int((bad & flagged).sum()),
        "good": int((~bad).sum()),
        "good_flagged": int((~bad & flagged).sum()),
    }


def _rank_correlation(one: Numbers, other: Numbers) -> float:
    """Return Spearman's correlation; of equals each has a rank of its own, in their order."""
    ranks = np.stack([np.argsort(np.argsort(each, kind="stable")) for each in (one, other)])
    first, second = ranks - (len(one) - 1) / 2
    return float(first @ second / (first @ first))


def _picture(cases: Sequence[Answered], expected: Numbers) -> bytes:
    curves = [Curve("", (_LEAST, 1.0), (_LEAST, 1.0), drawn="dashes", faint=True)]
    for name in HARDSHIPS:
        own = [place for place, one in enumerate(cases) if one.hardship == name]
        if own:
            across = [max(float(expected[place]), _LEAST) for place in own]
            up = [max(cases[place].overlap, _LEAST) for place in own]
            curves.append(Curve(name, across, up, drawn="points"))
    ends = (_LEAST, 1.0)
    words = ("Dice, patient left out", "predicted", "true")
    return charts([Chart(*words, tuple(curves), ends, ends, size=(620, 680))])


def _digest_of(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
