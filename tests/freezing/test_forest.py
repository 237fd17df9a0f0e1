from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import ensemble, tree
from sklearn.base import BaseEstimator, clone

from tests.freezing.test_convert import frozen_scores

Matrix = NDArray[np.float64]

CLASSIFIERS = [
    tree.DecisionTreeClassifier(min_samples_leaf=3, random_state=0),
    tree.ExtraTreeClassifier(min_samples_leaf=3, random_state=0),
    ensemble.RandomForestClassifier(100, random_state=0),
    ensemble.ExtraTreesClassifier(70, min_samples_leaf=2, random_state=0),
]


def patients(rows: int, seed: int, *, decimals: int = 1) -> Matrix:
    values: Matrix = np.random.default_rng(seed).normal(50, 10, (rows, 2)).round(decimals)
    return values


def outcomes(x: Matrix, classes: int) -> NDArray[np.int64]:
    noise = np.random.default_rng(9).normal(0, 10, len(x))
    cuts = np.linspace(-12, 12, classes + 1)[1:-1]
    found: NDArray[np.int64] = np.digitize(np.nan_to_num(x, nan=50).sum(axis=1) - 100 + noise, cuts)
    return found


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda model: type(model).__name__)
def test_probabilities_are_equal_to_the_last_bit_alone_and_in_a_batch(
    model: BaseEstimator, classes: int
) -> None:
    x = patients(300, 1)
    fitted = clone(model).fit(x, outcomes(x, classes))
    rows = patients(5000, 2, decimals=3)
    native = fitted.predict_proba(rows)
    np.testing.assert_array_equal(frozen_scores(fitted, rows, classes), native)
    alone = np.vstack([frozen_scores(fitted, rows[i : i + 1], classes) for i in range(20)])
    np.testing.assert_array_equal(alone, native[:20])


@pytest.mark.parametrize("threshold", [0.07, 0.29, 0.57, 0.83])
def test_a_threshold_on_a_score_of_the_forest_shows_the_native_label(threshold: float) -> None:
    x = patients(60, 1)
    forest = ensemble.RandomForestClassifier(100, random_state=0).fit(x, outcomes(x, 2))
    rows = patients(5000, 3, decimals=3)
    native, found = forest.predict_proba(rows), frozen_scores(forest, rows, 2)
    assert (native[:, 1] == threshold).any(), "no row lies on the threshold: nothing is tried"
    np.testing.assert_array_equal(found >= threshold, native >= threshold)


@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda model: type(model).__name__)
def test_missing_values_go_the_native_way(model: BaseEstimator) -> None:
    x, rows = patients(300, 1), patients(2000, 4)
    for values in (x, rows):
        values[np.random.default_rng(5).random(values.shape) < 0.2] = np.nan
    fitted = clone(model).fit(x, outcomes(x, 2))
    np.testing.assert_array_equal(frozen_scores(fitted, rows, 2), fitted.predict_proba(rows))


def test_a_forest_of_a_thousand_trees_and_a_tree_of_one_leaf_are_exact() -> None:
    x, rows = patients(200, 1), patients(500, 6)
    many = ensemble.RandomForestRegressor(1000, max_depth=4, random_state=0)
    lone = tree.DecisionTreeRegressor(min_samples_leaf=150)
    for model in (many, lone):
        fitted = model.fit(x, x.sum(axis=1))
        np.testing.assert_array_equal(frozen_scores(fitted, rows, 1)[:, 0], fitted.predict(rows))
