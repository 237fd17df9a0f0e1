"""CalibratedClassifierCV: every fold's scores, calibrated class by class, and their mean.

Written here because skl2onnx 1.20 answers an isotonic calibration with the knot nearest to the
score, where scikit-learn interpolates (up to 0.7 apart), and calibrates forests in single
precision. The line between two knots is found and followed in the order of `numpy.interp`, so
that a score on a knot gives exactly that knot's probability.

Sources: scikit-learn `calibration.py` (`_CalibratedClassifier.predict_proba`), `isotonic.py`.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.isotonic import IsotonicRegression

from bedside.freezing.boosting import raw_scores, two_columns
from bedside.freezing.forest import forest_scores
from bedside.freezing.graph import Graph
from bedside.freezing.sklearn.columns import Step
from bedside.freezing.sklearn.estimators import BOOSTING, FORESTS, calibrated_parts


def calibrated_scores(
    graph: Graph, step: Step, estimator: CalibratedClassifierCV, given: str
) -> str:
    """Return the probabilities (rows × classes).

    Raises:
        FreezeRefused: a fold never saw one of the classes, or an inner model is not converted.
    """
    folds = []
    inner = calibrated_parts(estimator)
    for fold, part in zip(estimator.calibrated_classifiers_, inner, strict=True):
        if list(part.classes_) != list(estimator.classes_):
            raise step.refuse(
                f"one of its folds saw only the classes {list(part.classes_)} of "
                f"{list(estimator.classes_)}.",
                "Use fewer folds (cv), or bring more rows of the rare classes.",
            )
        folds.append(_fold(graph, fold.calibrators, _responses(graph, step, part, given)))
    total = folds[0]
    for more in folds[1:]:
        total = graph.op("Add", total, more)
    return graph.op("Div", total, graph.constant(float(len(folds))))


def _responses(graph: Graph, step: Step, part: BaseEstimator, given: str) -> list[str]:
    """Return what is calibrated, a column for each class, or one for the second of two."""
    if isinstance(part, FORESTS):
        scores = forest_scores(graph, part, given)
        first = 1 if len(part.classes_) == 2 else 0
    elif isinstance(part, BOOSTING):
        scores, first = raw_scores(graph, step, part, given), 0
    else:
        weights = graph.constant(np.asarray(part.coef_, dtype=np.float64).T.copy())
        product = graph.op("MatMul", given, weights)
        intercept = np.asarray(part.intercept_, dtype=np.float64).reshape(1, -1)
        scores, first = graph.op("Add", product, graph.constant(intercept)), 0
    count = 1 if len(part.classes_) == 2 else len(part.classes_)
    return [
        graph.op("Gather", scores, graph.constant(np.array([first + i])), axis=1)
        for i in range(count)
    ]


def _fold(graph: Graph, calibrators: list[BaseEstimator], responses: list[str]) -> str:
    columns = [
        (_isotonic if isinstance(calibrator, IsotonicRegression) else _sigmoid)(
            graph, calibrator, response
        )
        for calibrator, response in zip(calibrators, responses, strict=True)
    ]
    if len(columns) == 1:
        return two_columns(graph, columns[0])
    each = graph.op("Concat", *columns, axis=1)
    total = graph.op("ReduceSum", each, graph.constant(np.array([1])), keepdims=1)
    nothing = graph.op("Equal", total, graph.constant(0.0))
    uniform = graph.constant(1 / len(columns))
    return graph.op("Where", nothing, uniform, graph.op("Div", each, total))


def _sigmoid(graph: Graph, calibrator: BaseEstimator, response: str) -> str:
    """Return `expit(-(a × score + b))`."""
    product = graph.op("Mul", response, graph.constant(float(calibrator.a_)))
    shifted = graph.op("Add", product, graph.constant(float(calibrator.b_)))
    return graph.op("Sigmoid", graph.op("Neg", shifted))


def _isotonic(graph: Graph, calibrator: IsotonicRegression, response: str) -> str:
    """Return `slope[k] × (score - x[k]) + y[k]`, with k the last knot at or below the score."""
    x = np.asarray(calibrator.X_thresholds_, dtype=np.float64)
    y = np.asarray(calibrator.y_thresholds_, dtype=np.float64)
    slope = np.append(np.diff(y) / np.diff(x), 0.0)
    low, high = graph.constant(x[:1]), graph.constant(x[-1:])
    score = graph.op("Min", graph.op("Max", response, low), high)
    reached = graph.op("GreaterOrEqual", score, graph.constant(x.reshape(1, -1)))
    counted = graph.op("Cast", reached, to=int(TensorProto.INT64))
    knots = graph.op("ReduceSum", counted, graph.constant(np.array([1])), keepdims=1)
    knot = graph.op("Sub", knots, graph.constant(np.array([1])))
    x_k, y_k, slope_k = (graph.op("Gather", graph.constant(v), knot) for v in (x, y, slope))
    rise = graph.op("Mul", slope_k, graph.op("Sub", score, x_k))
    return graph.op("Add", rise, y_k)
