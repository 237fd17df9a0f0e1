from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bedside.errors import UsageError
from bedside.lab.intervals import (
    area_under_curve,
    bootstrap_groups,
    bootstrap_mean,
    delong,
    newcombe,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "n", "lower", "upper"),
    [  # Newcombe 1998, table I, method 3 (score, without continuity correction)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_newcombes_published_figures(
    successes: int, n: int, lower: float, upper: float
) -> None:
    assert wilson(successes, n) == pytest.approx((lower, upper), abs=5e-5)


def test_a_proportion_of_nobody_is_refused() -> None:
    with pytest.raises(UsageError, match="3 of 0"):
        wilson(3, 0)


def test_the_area_is_scikit_learns_with_ties() -> None:
    random = np.random.default_rng(0)
    truth = random.random(200) < 0.3
    scores = np.round(random.random(200) + 0.2 * truth, 1).astype(np.float64)
    expected = roc_auc_score(truth, scores)
    assert area_under_curve(scores[truth], scores[~truth]) == pytest.approx(expected, abs=1e-12)


def test_delong_equals_the_formula_written_out() -> None:
    random = np.random.default_rng(1)
    positive, negative = random.normal(1, 1, 23).round(1), random.normal(0, 1, 31).round(1)
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    deviation = np.sqrt(wins.mean(1).var(ddof=1) / 23 + wins.mean(0).var(ddof=1) / 31)
    area = wins.mean()
    expected = (area - 1.959964 * deviation, min(1.0, area + 1.959964 * deviation))
    assert delong(positive, negative) == pytest.approx(expected, abs=1e-6)


def test_groups_that_do_not_overlap_still_get_an_interval() -> None:
    lower, upper = delong(np.array([0.8, 0.9, 0.95]), np.array([0.1, 0.2, 0.3, 0.4]))
    assert upper == 1.0
    assert 0.3 < lower < 0.9


def test_newcombes_limits_solve_his_equation() -> None:
    m, n, area = 20, 30, 0.85
    for theta in newcombe(area, m, n):
        extra = (m + n) / 2 - 1
        spread = 1 + extra * (1 - theta) / (2 - theta) + extra * theta / (1 + theta)
        variance = theta * (1 - theta) * spread / (m * n)
        assert abs(area - theta) == pytest.approx(1.959964 * np.sqrt(variance), abs=1e-6)


def test_the_interval_of_an_area_needs_two_of_each() -> None:
    with pytest.raises(UsageError, match="at least two"):
        delong(np.array([0.8]), np.array([0.1, 0.2]))


def test_the_bootstrap_comes_near_the_normal_interval_and_obeys_its_seed() -> None:
    values = np.random.default_rng(2).normal(0, 1, 400)
    lower, upper = bootstrap_mean(values, seed=3)
    half = 1.96 * values.std(ddof=1) / 20
    assert (lower, upper) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.015)
    assert bootstrap_mean(values, seed=3) == (lower, upper)
    assert bootstrap_mean(values, seed=4) != (lower, upper)


def test_scans_of_one_patient_are_no_new_observations() -> None:
    random = np.random.default_rng(2)
    patients = random.normal(size=30)
    names = [f"p{number}" for number in range(30)]
    once = bootstrap_groups(patients, names, seed=1)
    assert once == pytest.approx(bootstrap_mean(patients, seed=1), abs=0.05)
    often = bootstrap_groups(
        np.repeat(patients, 8), [name for name in names for _ in range(8)], seed=1
    )
    assert often == pytest.approx(once, abs=0.05)
    naive = bootstrap_mean(np.repeat(patients, 8), seed=1)
    assert naive[1] - naive[0] < 0.6 * (often[1] - often[0])
