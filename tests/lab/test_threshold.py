from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.errors import UsageError
from bedside.lab.threshold import threshold_for_sensitivity

TRUTH = np.array([True] * 4 + [False] * 4)
SCORES = np.array([0.91, 0.83, 0.7123, 0.2, 0.6987, 0.5, 0.1, 0.05])


@pytest.mark.parametrize(
    ("target", "value", "sensitivity"), [(0.75, 0.7, 0.75), (0.5, 0.8, 0.5), (1.0, 0.2, 1.0)]
)
def test_it_is_the_plainest_number_that_draws_the_highest_line(
    target: float, value: float, sensitivity: float
) -> None:
    choice = threshold_for_sensitivity(TRUTH, SCORES, target)
    assert choice.value == value
    assert choice.sensitivity == sensitivity
    assert choice.positives == 4
    assert choice.interval[0] < sensitivity


scores = st.lists(st.floats(0.001, 0.999), min_size=2, max_size=40)


@given(scores, scores, st.floats(0.05, 1.0))
def test_it_reaches_the_target_and_no_higher_line_would(
    positive: list[float], negative: list[float], target: float
) -> None:
    truth = np.array([True] * len(positive) + [False] * len(negative))
    choice = threshold_for_sensitivity(truth, np.array(positive + negative), target)
    assert choice.sensitivity >= target - 1e-9
    lowest_found = min(score for score in positive if score >= choice.value)
    assert np.mean(np.array(positive) > lowest_found) < target


@pytest.mark.parametrize(
    ("truth", "values", "target", "words"),
    [
        ([False, False], [0.1, 0.2], 0.9, "No positive patient"),
        ([True, False], [0.0, 0.2], 0.9, "must lie between 0 and 1"),
        ([True, False], [0.5, 0.2], 1.5, r"1\.5 is not above 0"),
    ],
)
def test_it_says_when_it_cannot(
    truth: list[bool], values: list[float], target: float, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        threshold_for_sensitivity(np.array(truth), np.array(values), target)
