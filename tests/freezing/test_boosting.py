from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from bedside.errors import FreezeRefused
from bedside.freezing.boosting import Boosting
from bedside.freezing.convert import convert
from bedside.freezing.sklearn.columns import Step
from tests.freezing.test_convert import frozen_scores

Matrix = NDArray[np.float64]


def hundredths(rows: int, seed: int, *, step: int = 1, gaps: bool = False) -> Matrix:
    """Return values of two decimals, every `step`-th hundredth of 0 to 4."""
    random = np.random.default_rng(seed)
    values: Matrix = random.choice(np.arange(0, 400, step) / 100, (rows, 2))
    if gaps:
        values[random.random(values.shape) < 0.2] = np.nan
    return values


def native_and_frozen(model: Boosting, rows: Matrix) -> tuple[Matrix, Matrix]:
    if isinstance(model, HistGradientBoostingRegressor):
        return model.predict(rows)[:, None], frozen_scores(model, rows, 1)
    return model.predict_proba(rows), frozen_scores(model, rows, len(model.classes_))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("gaps", [False, True])
def test_a_value_that_lies_on_a_split_goes_the_native_way(classes: int, gaps: bool) -> None:
    x = hundredths(2000, seed=0, step=2, gaps=gaps)
    y = np.digitize(np.nan_to_num(x).sum(axis=1), np.linspace(0, 8, classes + 1)[1:-1])
    model = HistGradientBoostingClassifier(max_iter=20).fit(x, y)
    native, found = native_and_frozen(model, hundredths(5000, seed=1, gaps=gaps))
    np.testing.assert_allclose(found, native, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    "loss", ["squared_error", "absolute_error", "quantile", "poisson", "gamma"]
)
def test_every_loss_has_its_link(loss: str) -> None:
    x = hundredths(500, seed=2, gaps=True)
    model = HistGradientBoostingRegressor(loss=loss, quantile=0.3, max_iter=10)
    model.fit(x, np.nan_to_num(x).sum(axis=1) + 0.1)
    native, found = native_and_frozen(model, hundredths(2000, seed=3, gaps=True))
    np.testing.assert_allclose(found, native, rtol=1e-13)


def test_a_tree_that_is_a_lone_leaf_and_a_split_on_missing_alone_are_kept() -> None:
    x = np.where(np.arange(400) % 2, np.nan, 1.0)[:, None].repeat(2, axis=1)
    lone = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=300)
    split = HistGradientBoostingClassifier(max_iter=2)
    for model in (lone, split):
        model.fit(x, np.isnan(x[:, 0]).astype(int))
        native, found = native_and_frozen(model, np.array([[1.0, 1.0], [np.nan, np.nan], [9, 9]]))
        np.testing.assert_allclose(found, native, rtol=0, atol=1e-15)


def test_an_unknown_loss_is_refused_by_name() -> None:
    x = hundredths(100, seed=4)
    model = HistGradientBoostingRegressor(max_iter=2).fit(x, x.sum(axis=1))
    model.loss = "a loss of tomorrow"
    with pytest.raises(FreezeRefused, match="'a loss of tomorrow' is not known"):
        convert(Step(model, ""), 2)
