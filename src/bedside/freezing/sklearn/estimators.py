"""The final estimators that can be frozen, each with the precision in which it is converted.

The rule (docs/decisions/0003): the precision in which scikit-learn itself compares. Trees, forests
and gradient boosting compare in single precision, and ONNX Runtime has their operator in it;
everything else is double, where single was measured to differ by up to 4e-5 (lines) and 0.5
(histogram boosting).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from sklearn import calibration, discriminant_analysis, ensemble, frozen, linear_model, svm, tree
from sklearn.base import BaseEstimator, is_classifier

from bedside.freezing.sklearn.columns import Step

Precision: TypeAlias = Literal["float32", "float64"]

TREES: tuple[type[BaseEstimator], ...] = (
    tree.DecisionTreeClassifier,
    tree.DecisionTreeRegressor,
    tree.ExtraTreeClassifier,
    tree.ExtraTreeRegressor,
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
    ensemble.ExtraTreesClassifier,
    ensemble.ExtraTreesRegressor,
    ensemble.GradientBoostingClassifier,
    ensemble.GradientBoostingRegressor,
)

HISTOGRAM = (
    ensemble.HistGradientBoostingClassifier,
    ensemble.HistGradientBoostingRegressor,
)
"""Trees that compare in double precision; converted by `freezing.histogram`."""

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

INSIDE_CALIBRATION: tuple[type[BaseEstimator], ...] = (*LINEAR, *TREES, svm.LinearSVC)
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
    """Return the precision in which the final estimator is converted.

    Raises:
        FreezeRefused: an estimator that is not frozen; names it and says what to do instead.
    """
    estimator = step.estimator
    if type(estimator) in TREES:
        return "float32"
    if type(estimator) in HISTOGRAM:
        _refuse_native_categories(step)
        return "float64"
    if type(estimator) in LINEAR:
        _refuse_without_probabilities(step)
        return "float64"
    if type(estimator) is calibration.CalibratedClassifierCV:
        inner = list(calibrated_parts(estimator))
        for part in inner:
            if type(part) not in INSIDE_CALIBRATION:
                raise step.refuse(
                    f"it calibrates a {type(part).__name__}.",
                    "Calibrate one of: "
                    + ", ".join(sorted({kind.__name__ for kind in INSIDE_CALIBRATION}))
                    + "; put preprocessing before the CalibratedClassifierCV. A binary model may "
                    "state a Platt or isotonic calibration in the spec instead.",
                )
        return "float32" if any(type(part) in TREES for part in inner) else "float64"
    raise step.refuse("this estimator is not frozen.", _instead(step.name))


def calibrated_parts(fitted: calibration.CalibratedClassifierCV) -> Iterator[object]:
    """Yield the fitted estimators inside, a FrozenEstimator unwrapped."""
    for calibrated in fitted.calibrated_classifiers_:
        part = calibrated.estimator
        yield part.estimator if isinstance(part, frozen.FrozenEstimator) else part


def _instead(name: str) -> str:
    known = ", ".join(sorted({kind.__name__ for kind in (*LINEAR, *TREES, *HISTOGRAM)}))
    return WRAPPERS.get(name, f"Use one of: {known}; or CalibratedClassifierCV around one of them.")


def _refuse_without_probabilities(step: Step) -> None:
    if is_classifier(step.estimator) and not hasattr(step.estimator, "predict_proba"):
        loss = getattr(step.estimator, "loss", "?")
        raise step.refuse(
            f"it gives no probabilities (loss={loss!r}).",
            "Fit with loss='log_loss' or 'modified_huber', or wrap it in CalibratedClassifierCV.",
        )


def _refuse_native_categories(step: Step) -> None:
    marks = getattr(step.estimator, "is_categorical_", None)
    if marks is not None and any(marks):
        raise step.refuse(
            "it splits on categories itself (categorical_features), which is not converted.",
            "Encode the categories with OneHotEncoder or OrdinalEncoder, and set "
            "categorical_features=None.",
        )
