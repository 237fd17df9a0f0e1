from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import calibration, ensemble, frozen, linear_model, svm, tree
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.datasets import load_diabetes, load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bedside.errors import FreezeRefused
from bedside.freezing.convert import INPUT, convert
from bedside.freezing.sklearn.columns import Step
from bedside.package.manifest import Conditions
from bedside.package.networks import Model
from bedside.runtime.session import Session

Matrix = NDArray[np.float64]

CLASSIFIERS = [
    linear_model.LogisticRegression(max_iter=2000),
    linear_model.LogisticRegression(C=1e6, max_iter=5000),
    linear_model.SGDClassifier(loss="log_loss", random_state=0),
    linear_model.SGDClassifier(loss="modified_huber", random_state=0),
    LinearDiscriminantAnalysis(),
    tree.DecisionTreeClassifier(random_state=0),
    tree.ExtraTreeClassifier(random_state=0),
    ensemble.RandomForestClassifier(15, random_state=0),
    ensemble.ExtraTreesClassifier(15, random_state=0),
    ensemble.GradientBoostingClassifier(n_estimators=15, random_state=0),
    ensemble.HistGradientBoostingClassifier(max_iter=15, random_state=0),
    calibration.CalibratedClassifierCV(linear_model.LogisticRegression(max_iter=2000), cv=3),
    calibration.CalibratedClassifierCV(
        linear_model.LogisticRegression(max_iter=2000), method="isotonic", cv=3
    ),
    calibration.CalibratedClassifierCV(
        ensemble.RandomForestClassifier(10, random_state=0), method="isotonic", ensemble=False, cv=3
    ),
    calibration.CalibratedClassifierCV(svm.LinearSVC(random_state=0), cv=3),
    calibration.CalibratedClassifierCV(
        ensemble.GradientBoostingClassifier(n_estimators=5, random_state=0),
        method="isotonic",
        cv=3,
    ),
    calibration.CalibratedClassifierCV(
        ensemble.HistGradientBoostingClassifier(max_iter=5, random_state=0), ensemble=False, cv=3
    ),
]
REGRESSORS = [
    linear_model.LinearRegression(),
    linear_model.Ridge(),
    linear_model.Lasso(alpha=0.1),
    linear_model.ElasticNet(alpha=0.1),
    linear_model.HuberRegressor(max_iter=2000),
    linear_model.PoissonRegressor(),
    linear_model.GammaRegressor(),
    tree.DecisionTreeRegressor(random_state=0),
    ensemble.RandomForestRegressor(15, random_state=0),
    ensemble.ExtraTreesRegressor(15, random_state=0),
    ensemble.GradientBoostingRegressor(n_estimators=15, random_state=0),
    ensemble.HistGradientBoostingRegressor(max_iter=15, random_state=0),
]


def probes(x: Matrix) -> Matrix:
    """Return the rows of `x` and random ones within their ranges."""
    random = np.random.default_rng(0)
    return np.vstack([x, random.uniform(x.min(axis=0), x.max(axis=0), (500, x.shape[1]))])


def frozen_scores(model: BaseEstimator, rows: Matrix, columns: int) -> Matrix:
    """Return the converted model's scores, by the runtime's own session."""
    converted = convert(Step(model, "'last'"), rows.shape[1])
    session = Session(
        converted.onnx,
        Model(
            entry="model.onnx",
            opset=converted.opset,
            input=INPUT,
            element=converted.element,
            width=rows.shape[1],
            output=converted.output,
        ),
        Conditions(runtime=">=1.22", verified_with={}, graph_optimisation="basic", processor="any"),
        columns,
    )
    return session(rows)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda model: repr(model)[:60])
def test_a_classifiers_probabilities_are_exact(model: BaseEstimator, classes: int) -> None:
    x, y = load_iris(return_X_y=True)
    x, y = x[y < classes], y[y < classes]
    if classes == 2:
        y = np.random.default_rng(2).permutation(y)  # or the line separates them perfectly
    fitted = clone(model).fit(x, y)
    rows = probes(x)
    found = frozen_scores(fitted, rows, classes)
    np.testing.assert_allclose(found, fitted.predict_proba(rows), rtol=0, atol=1e-12)


@pytest.mark.parametrize("model", REGRESSORS, ids=lambda model: repr(model)[:60])
def test_a_regressors_numbers_are_exact(model: BaseEstimator) -> None:
    x, y = load_diabetes(return_X_y=True)
    fitted = clone(model).fit(x, y)
    rows = probes(x)
    found = frozen_scores(fitted, rows, 1)[:, 0]
    np.testing.assert_allclose(found, fitted.predict(rows), rtol=1e-12)


def iris() -> tuple[Matrix, NDArray[np.int_]]:
    x, y = load_iris(return_X_y=True)
    return x, y


def test_the_same_model_gives_the_same_bytes() -> None:
    x, y = iris()
    model = ensemble.RandomForestClassifier(5, random_state=0).fit(x, y)
    again = ensemble.RandomForestClassifier(5, random_state=0).fit(x, y)
    assert convert(Step(model, ""), 4) == convert(Step(again, ""), 4)


def test_the_graph_names_no_producer_and_keeps_only_the_scores() -> None:
    x, y = iris()
    converted = convert(Step(linear_model.LogisticRegression(max_iter=2000).fit(x, y), ""), 4)
    assert b"skl2onnx" not in converted.onnx
    assert b"label" not in converted.onnx
    assert converted.output == "probabilities"


def test_precision_is_the_one_in_which_scikit_learn_compares() -> None:
    x, y = iris()
    line = linear_model.LogisticRegression(max_iter=2000).fit(x, y)
    leaf = tree.DecisionTreeClassifier().fit(x, y)
    bins = ensemble.HistGradientBoostingClassifier(max_iter=2).fit(x, y)
    calibrated = calibration.CalibratedClassifierCV(tree.DecisionTreeClassifier(), cv=2).fit(x, y)
    found = [convert(Step(model, ""), 4).element for model in (line, leaf, calibrated, bins)]
    assert found == ["float64", "float32", "float32", "float64"]


def test_a_prefitted_estimator_inside_a_calibration_is_unwrapped() -> None:
    x, y = iris()
    inner = frozen.FrozenEstimator(linear_model.LogisticRegression(max_iter=2000).fit(x, y))
    model = calibration.CalibratedClassifierCV(inner).fit(x, y)
    np.testing.assert_allclose(frozen_scores(model, x, 3), model.predict_proba(x), atol=1e-12)
    assert isinstance(model.calibrated_classifiers_[0].estimator, frozen.FrozenEstimator)


def refusal(model: BaseEstimator) -> str:
    with pytest.raises(FreezeRefused) as caught:
        convert(Step(model, "'last'"), 4)
    return str(caught.value)


def test_an_unknown_estimator_is_refused_by_name_with_those_that_work() -> None:
    message = refusal(KNeighborsClassifier().fit(*iris()))
    assert "KNeighborsClassifier (step 'last'): this estimator is not frozen" in message
    assert "LogisticRegression" in message


def test_a_search_is_refused_with_its_best_estimator_named() -> None:
    search = GridSearchCV(linear_model.LogisticRegression(max_iter=2000), {"C": [1.0]}, cv=2)
    assert "best_estimator_" in refusal(search.fit(*iris()))


def test_a_classifier_without_probabilities_is_refused() -> None:
    message = refusal(linear_model.SGDClassifier(loss="hinge").fit(*iris()))
    assert "no probabilities (loss='hinge')" in message


def test_a_calibrated_stranger_is_refused_by_name() -> None:
    model = calibration.CalibratedClassifierCV(KNeighborsClassifier(), cv=2).fit(*iris())
    assert "it calibrates a KNeighborsClassifier" in refusal(model)


def test_a_calibrated_pipeline_is_refused_with_the_way_to_write_it() -> None:
    inner = make_pipeline(StandardScaler(), linear_model.LogisticRegression())
    message = refusal(calibration.CalibratedClassifierCV(inner, cv=2).fit(*iris()))
    assert "it calibrates a whole Pipeline" in message
    assert "('classify', CalibratedClassifierCV(LogisticRegression()))" in message


def test_only_classifiers_are_proposed_for_a_calibration() -> None:
    model = calibration.CalibratedClassifierCV(KNeighborsClassifier(), cv=2).fit(*iris())
    assert "Regressor" not in refusal(model)


def test_a_calibration_by_temperature_is_refused_by_name() -> None:
    inner = linear_model.LogisticRegression(max_iter=2000)
    model = calibration.CalibratedClassifierCV(inner, method="temperature", cv=2).fit(*iris())
    assert "it calibrates with method='temperature'" in refusal(model)


def test_a_fold_that_never_saw_a_class_is_refused() -> None:
    x, y = iris()
    inner = frozen.FrozenEstimator(tree.DecisionTreeClassifier().fit(x[y < 2], y[y < 2]))
    model = calibration.CalibratedClassifierCV(inner).fit(x[y < 2], y[y < 2])
    model.classes_ = np.array([0, 1, 2])
    assert "saw only the classes" in refusal(model)


def test_boosting_that_starts_from_a_model_of_its_own_is_refused_by_name() -> None:
    model = ensemble.GradientBoostingClassifier(init=linear_model.LogisticRegression())
    assert "it starts from a LogisticRegression (init)" in refusal(model.fit(*iris()))


def test_several_outputs_at_once_are_refused() -> None:
    x, _ = iris()
    model = linear_model.LinearRegression().fit(x, x[:, :2])
    assert not is_classifier(model)
    assert "predicts 2 outputs at once" in refusal(model)


def test_categories_inside_gradient_boosting_are_refused() -> None:
    x, y = iris()
    coded = np.round(x)
    model = ensemble.HistGradientBoostingClassifier(max_iter=3, categorical_features=[0])
    assert "splits on categories itself" in refusal(model.fit(coded, y))
