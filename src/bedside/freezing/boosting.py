"""Gradient boosting: a baseline, the sum of the trees, and the link to the answer.

Sources: scikit-learn `ensemble/_gb.py`, `ensemble/_hist_gradient_boosting/_predictor.pyx` (nodes)
and `_loss/loss.py` (links).
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from sklearn.base import is_classifier
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from bedside.freezing.forest import tree_of
from bedside.freezing.graph import Graph
from bedside.freezing.sklearn.columns import Step
from bedside.freezing.trees import Doubles, Tree, Trees

Histogram: TypeAlias = HistGradientBoostingClassifier | HistGradientBoostingRegressor
Gradient: TypeAlias = GradientBoostingClassifier | GradientBoostingRegressor
Boosting: TypeAlias = Histogram | Gradient

IDENTITY = ("squared_error", "absolute_error", "huber", "quantile")
LOGARITHM = ("poisson", "gamma")


def boosting_scores(graph: Graph, step: Step, estimator: Boosting, given: str) -> str:
    """Return the probabilities (rows × classes) or values (rows × 1).

    Raises:
        FreezeRefused: a loss whose link is not known here, or a baseline that depends on the row.
    """
    raw = raw_scores(graph, step, estimator, given)
    if is_classifier(estimator):
        if len(estimator.classes_) > 2:
            return graph.op("Softmax", raw, axis=1)
        if estimator.loss == "exponential":
            raw = graph.op("Mul", raw, graph.constant(2.0))
        return two_columns(graph, graph.op("Sigmoid", raw))
    if estimator.loss in IDENTITY:
        return raw
    if estimator.loss in LOGARITHM:
        return graph.op("Exp", raw)
    raise step.refuse(
        f"its loss {estimator.loss!r} is not known here.",
        f"Use one of: {', '.join((*IDENTITY, *LOGARITHM))}.",
    )


def raw_scores(graph: Graph, step: Step, estimator: Boosting, given: str) -> str:
    """Return what `decision_function` gives, as columns: one, or one for each of many classes.

    Raises:
        FreezeRefused: the baseline is an estimator of its own.
    """
    trees = Trees()
    if isinstance(estimator, Histogram):
        for iteration in estimator._predictors:
            for target, predictor in enumerate(iteration):
                trees.add(_tree_of(predictor.nodes), predictor.nodes["value"], target)
        baseline = np.asarray(estimator._baseline_prediction, dtype=np.float64).reshape(1, -1)
    else:
        baseline = _baseline(estimator, step)
        for iteration in estimator.estimators_:
            for target, member in enumerate(iteration):
                values: Doubles = estimator.learning_rate * member.tree_.value[:, 0, 0]
                trees.add(tree_of(member), values, target)
    summed = trees.summed(graph, given, baseline.size)
    return graph.op("Add", summed, graph.constant(baseline))


def two_columns(graph: Graph, second: str) -> str:
    """Return the probabilities of both classes from that of the second."""
    first = graph.op("Sub", graph.constant(1.0), second)
    return graph.op("Concat", first, second, axis=1)


def _tree_of(nodes: np.ndarray) -> Tree:
    """Return the shape of a TreePredictor of histogram boosting."""
    return Tree(
        leaf=nodes["is_leaf"].astype(bool),
        left=nodes["left"].astype(np.int64),
        right=nodes["right"].astype(np.int64),
        feature=nodes["feature_idx"].astype(np.int64),
        split=nodes["num_threshold"],
        missing_left=nodes["missing_go_to_left"].astype(bool),
    )


def _baseline(estimator: Gradient, step: Step) -> Doubles:
    init = estimator.init_
    if not isinstance(init, str | DummyClassifier | DummyRegressor):
        raise step.refuse(
            f"it starts from a {type(init).__name__} (init), which is not converted.",
            "Leave `init` unset, or set init='zero', and fit again.",
        )
    anywhere = np.zeros((1, estimator.n_features_in_))
    return np.asarray(estimator._raw_predict_init(anywhere), dtype=np.float64)
