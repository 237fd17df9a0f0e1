"""The final estimators that can be frozen, each with the precision of its input.

The rule (docs/decisions/0003): trees, forests and gradient boosting round their input to single
precision, so theirs is single; every other estimator reads doubles. All arithmetic after the
input is in double.
"""

from __future__ import annotations

from collections.abc import Iterator

from sklearn import calibration, discriminant_analysis, ensemble, frozen, linear_model, svm, tree
from sklearn.base import BaseEstimator, ClassifierMixin, is_classifier
from sklearn.pipeline import Pipeline

from bedside.freezing.graph import Precision
from bedside.freezing.sklearn.columns import Step

FORESTS: tuple[type[BaseEstimator], ...] = (
    tree.DecisionTreeClassifier,
    tree.DecisionTreeRegressor,
    tree.ExtraTreeClassifier,
    tree.ExtraTreeRegressor,
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
    ensemble.ExtraTreesClassifier,
    ensemble.ExtraTreesRegressor,
)
"""Single trees, and means of trees; converted by `freezing.forest`."""

GRADIENT: tuple[type[BaseEstimator], ...] = (
    ensemble.GradientBoostingClassifier,
    ensemble.GradientBoostingRegressor,
)
HISTOGRAM: tuple[type[BaseEstimator], ...] = (
    ensemble.HistGradientBoostingClassifier,
    ensemble.HistGradientBoostingRegressor,
)
"""Trees that compare in double precision."""

BOOSTING = (*GRADIENT, *HISTOGRAM)
"""Converted by `freezing.boosting`."""

SINGLE = (*FORESTS, *GRADIENT)
TREES = (*FORESTS, *BOOSTING)

LINEAR: tuple[type[BaseEstimator], ...] = (
    linear_model.LogisticRegression,
    linear_model.LogisticRegressionCV,
    linear_model.SGDClassifier,
    discriminant_analysis.LinearDiscriminantAnalysis,
    linear_model.LinearRegression,
    linear_model.Ridge,
    linear_model.RidgeCV,
    linear_model.Lasso,
    linear_model.LassoCV,
    linear_model.LassoLars,
    linear_model.Lars,
    linear_model.ElasticNet,
    linear_model.ElasticNetCV,
    linear_model.SGDRegressor,
    linear_model.HuberRegressor,
    linear_model.BayesianRidge,
    linear_model.ARDRegression,
    linear_model.PoissonRegressor,
    linear_model.GammaRegressor,
    linear_model.TweedieRegressor,
    linear_model.QuantileRegressor,
)

INSIDE_CALIBRATION: tuple[type[BaseEstimator], ...] = tuple(
    kind for kind in (*LINEAR, *TREES, svm.LinearSVC) if issubclass(kind, ClassifierMixin)
)
"""What CalibratedClassifierCV may calibrate; a LinearSVC has no probability of its own."""

WRAPPERS = {
    "GridSearchCV": "Freeze its .best_estimator_.",
    "RandomizedSearchCV": "Freeze its .best_estimator_.",
    "TunedThresholdClassifierCV": "Freeze its .estimator_, and state .best_threshold_ as the "
    "threshold in the spec.",
    "FixedThresholdClassifier": "Freeze its .estimator_, and state the threshold in the spec.",
    "TransformedTargetRegressor": "Fit on the transformed target, declare the output in its unit.",
    "SVC": "Wrap LinearSVC in CalibratedClassifierCV, or use another family.",
    "LinearSVC": "Wrap it in CalibratedClassifierCV, which gives probabilities.",
}
"""What to do instead, for estimators that people often bring and that are not frozen as they are."""


def precision(step: Step) -> Precision:
    """Return the precision of the final estimator's input.

    Raises:
        FreezeRefused: an estimator that is not frozen; names it and says what to do instead.
    """
    estimator = step.estimator
    if type(estimator) in TREES:
        _refuse_native_categories(estimator, step)
    elif type(estimator) in LINEAR:
        _refuse_without_probabilities(step)
    elif type(estimator) is calibration.CalibratedClassifierCV:
        inner = list(calibrated_parts(estimator))
        for part in inner:
            _refuse_uncalibratable(part, step)
        if getattr(estimator, "method", "") == "temperature":
            raise step.refuse(
                "it calibrates with method='temperature', which is not converted.",
                "Use method='sigmoid' or method='isotonic'.",
            )
        return _single_or_double(inner[0])
    else:
        raise step.refuse("this estimator is not frozen.", _instead(step.name))
    return _single_or_double(estimator)


def calibrated_parts(fitted: calibration.CalibratedClassifierCV) -> Iterator[BaseEstimator]:
    """Yield the fitted estimators inside, a FrozenEstimator unwrapped."""
    for calibrated in fitted.calibrated_classifiers_:
        part = calibrated.estimator
        yield part.estimator if isinstance(part, frozen.FrozenEstimator) else part


def _single_or_double(estimator: BaseEstimator) -> Precision:
    return "float32" if type(estimator) in SINGLE else "float64"


def _refuse_uncalibratable(part: BaseEstimator, step: Step) -> None:
    if isinstance(part, Pipeline):
        last = type(part.steps[-1][1]).__name__
        raise step.refuse(
            "it calibrates a whole Pipeline.",
            f"Write Pipeline([('prepare', …), ('classify', CalibratedClassifierCV({last}()))]) "
            "and fit again.",
        )
    if type(part) not in INSIDE_CALIBRATION:
        raise step.refuse(
            f"it calibrates a {type(part).__name__}.",
            "Calibrate one of: "
            + ", ".join(sorted({kind.__name__ for kind in INSIDE_CALIBRATION}))
            + ". A binary model may state a Platt or isotonic calibration in the spec instead.",
        )
    _refuse_native_categories(part, step)


def _instead(name: str) -> str:
    known = ", ".join(sorted({kind.__name__ for kind in (*LINEAR, *TREES)}))
    return WRAPPERS.get(name, f"Use one of: {known}; or CalibratedClassifierCV around one of them.")


def _refuse_without_probabilities(step: Step) -> None:
    if is_classifier(step.estimator) and not hasattr(step.estimator, "predict_proba"):
        loss = getattr(step.estimator, "loss", "?")
        raise step.refuse(
            f"it gives no probabilities (loss={loss!r}).",
            "Fit with loss='log_loss' or 'modified_huber', or wrap it in CalibratedClassifierCV.",
        )


def _refuse_native_categories(estimator: BaseEstimator, step: Step) -> None:
    marks = getattr(estimator, "is_categorical_", None)
    if marks is not None and any(marks):
        raise step.refuse(
            "it splits on categories itself (categorical_features), which is not converted.",
            "Encode the categories with OneHotEncoder or OrdinalEncoder, and set "
            "categorical_features=None.",
        )
