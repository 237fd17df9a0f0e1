"""Weights of the doubts: a logistic curve through overlaps, in which no doubt ever speaks for a mask.

Overlaps are shares, so that the curve is fitted by their cross-entropy (a fractional logit: Papke
and Wooldridge, Journal of Applied Econometrics 11, 1996), with weights of `LEAST` or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from bedside.errors import UsageError
from bedside.lab.brain.overlap.gathering import Answered
from bedside.package.predicted_overlap import Doubt, OverlapTerm

Numbers: TypeAlias = NDArray[np.float64]

DOUBTS: Final[tuple[Doubt, ...]] = get_args(Doubt)

_RIDGE: Final = 2e-4
"""Of the squared weights, against the mean cross-entropy."""

_LEAST_SCALE: Final = 1e-4

LEAST: Final = 0.1
"""Of a weight: every doubt lowers what is expected, whether or not the drawn cases needed it."""

LEAST_OF_CUTS: Final = 0.3
"""The same of what a cut shows: it takes away dents and a ragged base, which spoke against the mask."""

CUTS: Final[frozenset[Doubt]] = frozenset({"border", "blunt", "flat"})

_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Fit:
    """A curve.

    Attributes:
        intercept: The logit where nothing speaks against a mask.
        terms: What is taken from it.
    """

    intercept: float
    terms: tuple[OverlapTerm, ...]


def fitted(cases: Sequence[Answered]) -> Fit:
    """Return the curve through cases.

    A doubt's scale is its median over the cases in which there is any of it.
    """
    found = np.array([[one.doubts[name] for name in DOUBTS] for one in cases])
    scales = np.array([_scale(column) for column in found.T])
    bent = np.log1p(found / scales)
    solved = _solved(bent, np.array([one.overlap for one in cases]))
    terms = tuple(
        OverlapTerm(doubt=name, scale=float(scale), weight=round(float(weight), _DIGITS))
        for name, scale, weight in zip(DOUBTS, scales, solved[1:], strict=True)
    )
    return Fit(round(float(solved[0]), _DIGITS), terms)


def predicted(fit: Fit, cases: Sequence[Answered]) -> Numbers:
    """Return the overlaps that a curve predicts, as `runtime.overlap` does."""
    logits = np.full(len(cases), fit.intercept)
    for one in fit.terms:
        doubts = np.array([case.doubts[one.doubt] for case in cases])
        logits -= one.weight * np.log1p(doubts / one.scale)
    found: Numbers = expit(logits)
    return found


def left_out(cases: Sequence[Answered]) -> Numbers:
    """Return for each case what a curve predicts that was fitted to the other patients' cases.

    Raises:
        UsageError: all are of one patient.
    """
    patients = sorted({one.patient for one in cases})
    if len(patients) < 2:
        raise UsageError(
            f"All {len(cases)} cases are of one patient; nobody can be left out.",
            advice="Name the label maps of at least two patients.",
        )
    out = np.zeros(len(cases))
    for patient in patients:
        own = np.array([one.patient == patient for one in cases])
        others = [one for one in cases if one.patient != patient]
        out[own] = predicted(fitted(others), [one for one in cases if one.patient == patient])
    return out


def _scale(found: Numbers) -> float:
    some = found[found > 0]
    typical = float(np.median(some)) if len(some) else 0.0
    return float(f"{max(typical, _LEAST_SCALE):.{_DIGITS}g}")


def _solved(bent: Numbers, overlaps: Numbers) -> Numbers:
    """Return intercept and weights: cases × doubts, and as many overlaps."""
    design = np.hstack([np.ones((len(bent), 1)), -bent])

    def cost(weights: Numbers) -> tuple[float, Numbers]:
        logits = design @ weights
        entropy = float(np.mean(np.logaddexp(0, logits) - overlaps * logits))
        slope = design.T @ (expit(logits) - overlaps) / len(overlaps)
        penalty = _RIDGE * np.concatenate([[0.0], weights[1:]])
        return entropy + float(penalty @ weights) / 2, slope + penalty

    start = np.concatenate([[3.0], np.full(bent.shape[1], LEAST_OF_CUTS)])
    least = [LEAST_OF_CUTS if name in CUTS else LEAST for name in DOUBTS]
    bounds = [(None, None), *((one, None) for one in least)]
    found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds)
    solved: Numbers = found.x
    return solved
