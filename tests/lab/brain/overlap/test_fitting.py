from __future__ import annotations

import numpy as np
import pytest

from bedside.errors import UsageError
from bedside.lab.brain.overlap.fitting import DOUBTS, LEAST, fitted, left_out, predicted
from bedside.lab.brain.overlap.gathering import Answered
from bedside.package.predicted_overlap import PredictedOverlap
from bedside.runtime.overlap import weighed
from tests.package.overlaps import calibration


def cases(count: int = 120, seed: int = 0) -> list[Answered]:
    """Overlaps that follow from two doubts; the others mean nothing."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(count):
        found: dict[str, float] = {name: float(random.gamma(2.0, 0.05)) for name in DOUBTS}
        logit = 4.0 - 2.0 * np.log1p(found["expected-error"] / 0.1) - 9.0 * found["border"]
        overlap = float(1 / (1 + np.exp(-logit - random.normal(0, 0.1))))
        made.append(Answered(found, overlap, "cut", 0.5, f"patient-{number % 3}"))
    return made


def test_what_was_put_in_is_found() -> None:
    made = cases()
    fit = fitted(made)
    weights = {one.doubt: one.weight for one in fit.terms}
    assert set(weights) == set(DOUBTS)
    assert min(weights.values()) >= LEAST
    assert max(weights, key=lambda name: weights[name]) == "expected-error"
    overlaps = np.array([one.overlap for one in made])
    error = np.abs(predicted(fit, made) - overlaps).mean()
    assert error < 0.6 * np.abs(overlaps - np.median(overlaps)).mean()


def test_a_curve_predicts_what_a_package_with_its_weights_will() -> None:
    made = cases(40)
    fit = fitted(made)
    declared = PredictedOverlap(
        intercept=fit.intercept, terms=fit.terms, flag_below=0.9, calibration=calibration()
    )
    expected = [weighed(declared, one.doubts) for one in made]
    assert predicted(fit, made) == pytest.approx(expected, abs=1e-12)


def test_more_of_any_doubt_is_never_expected_to_fit_better() -> None:
    made = cases(60)
    fit = fitted(made)
    plain = predicted(fit, made)
    for name in DOUBTS:
        worse = [
            Answered({**one.doubts, name: one.doubts[name] + 0.1}, 0.0, "cut", 0.5, "")
            for one in made
        ]
        assert (predicted(fit, worse) < plain).all(), name


def test_who_is_left_out_has_no_part_in_the_curve() -> None:
    made = cases(60)
    one = left_out(made)
    changed = [
        Answered(each.doubts, 0.5, "cut", 0.5, each.patient)
        if each.patient == "patient-1"
        else each
        for each in made
    ]
    other = left_out(changed)
    own = np.array([each.patient == "patient-1" for each in made])
    assert one[own] == pytest.approx(other[own], abs=1e-12)
    assert not np.allclose(one[~own], other[~own])


def test_one_patient_alone_is_refused() -> None:
    made = [one for one in cases(60) if one.patient == "patient-0"]
    with pytest.raises(UsageError, match="of one patient"):
        left_out(made)


def test_a_doubt_that_nothing_ever_raised_has_a_scale_all_the_same() -> None:
    made = [
        Answered({**one.doubts, "filled": 0.0}, one.overlap, "cut", 0.5, one.patient)
        for one in cases(40)
    ]
    (term,) = (one for one in fitted(made).terms if one.doubt == "filled")
    assert term.scale > 0
