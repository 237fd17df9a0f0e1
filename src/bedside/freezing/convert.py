"""The final estimator as an ONNX graph: converted by skl2onnx, stripped to what decides the answer."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import onnx
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs
from sklearn.base import BaseEstimator, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from bedside.freezing.histogram import boosting_to_onnx
from bedside.freezing.isotonic import interpolate
from bedside.freezing.sklearn.columns import Step
from bedside.freezing.sklearn.estimators import HISTOGRAM, Precision, precision

OPSET = {"": 17, "ai.onnx.ml": 3}
"""Operator sets of what skl2onnx converts; ONNX Runtime has carried them out since 1.12."""

INPUT = "columns"
"""Name of the graph's one input."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A converted estimator.

    Attributes:
        onnx: The serialised graph; equal estimators give equal bytes.
        element: Type of the input matrix and of every weight.
        output: Name of the tensor of probabilities (rows × classes) or values (rows × 1).
        opset: Version of each operator domain, the default domain written `ai.onnx`.
    """

    onnx: bytes
    element: Precision
    output: str
    opset: dict[str, int]


def convert(step: Step, width: int) -> Converted:
    """Return the final estimator of `step`, which reads `width` columns, as ONNX.

    Raises:
        FreezeRefused: the estimator is not supported, has several outputs, or the converter
            fails on it; names the estimator.
    """
    element = precision(step)
    estimator = step.estimator
    assert isinstance(estimator, BaseEstimator)  # noqa: S101 - `precision` knows no other kind
    _refuse_several_outputs(step)
    output = "probabilities" if is_classifier(estimator) else "variable"
    if isinstance(estimator, HISTOGRAM):
        graph = boosting_to_onnx(estimator, (INPUT, output), step)
    else:
        graph = _to_onnx(_convertible(estimator), width, element, step)
        if _is_isotonic(estimator):
            graph = interpolate(graph)
        graph = select_model_inputs_outputs(graph, outputs=[output])
    columns = len(estimator.classes_) if is_classifier(estimator) else 1
    return _stripped(graph, (output, columns), element)


def _to_onnx(
    estimator: BaseEstimator, width: int, element: Precision, step: Step
) -> onnx.ModelProto:
    kind = DoubleTensorType if element == "float64" else FloatTensorType
    try:
        graph: onnx.ModelProto = to_onnx(
            estimator,
            name="model",
            initial_types=[(INPUT, kind([None, width]))],
            options={id(estimator): {"zipmap": False}} if is_classifier(estimator) else None,
            target_opset=OPSET,
        )
    except (
        RuntimeError,  # skl2onnx's own errors, NotImplementedError among them
        ArithmeticError,
        AttributeError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
    ) as problem:
        raise step.refuse(
            f"skl2onnx cannot convert it: {type(problem).__name__}: {str(problem)[:300]}.",
            "Use another estimator or parameters; docs/how-to/freeze-scikit-learn.md lists those "
            "that work.",
        ) from problem
    return graph


def _convertible(estimator: BaseEstimator) -> BaseEstimator:
    """Return `estimator`, or one with the same answers that skl2onnx converts correctly."""
    if isinstance(estimator, LinearDiscriminantAnalysis) and len(estimator.classes_) == 2:
        return _as_logistic(estimator)
    if isinstance(estimator, CalibratedClassifierCV):
        return _without_frozen_wrappers(estimator)
    return estimator


def _as_logistic(fitted: LinearDiscriminantAnalysis) -> LogisticRegression:
    """Return the logistic regression with the same line: both answer `expit(coef · x + b)`.

    skl2onnx 1.20 converts two-class discriminant analysis with another link, measured up to
    0.15 off.
    """
    twin = LogisticRegression()
    twin.coef_, twin.intercept_ = fitted.coef_, fitted.intercept_
    twin.classes_, twin.n_features_in_ = fitted.classes_, fitted.n_features_in_
    return twin


def _without_frozen_wrappers(fitted: CalibratedClassifierCV) -> CalibratedClassifierCV:
    changed = copy.copy(fitted)
    changed.calibrated_classifiers_ = [copy.copy(c) for c in fitted.calibrated_classifiers_]
    for calibrated in changed.calibrated_classifiers_:
        if isinstance(calibrated.estimator, FrozenEstimator):
            calibrated.estimator = calibrated.estimator.estimator
    return changed


def _is_isotonic(estimator: BaseEstimator) -> bool:
    return isinstance(estimator, CalibratedClassifierCV) and estimator.method == "isotonic"


def _refuse_several_outputs(step: Step) -> None:
    coefficients = getattr(step.estimator, "coef_", None)
    many = getattr(step.estimator, "n_outputs_", 1)
    if not is_classifier(step.estimator) and coefficients is not None and coefficients.ndim > 1:
        many = coefficients.shape[0]
    if many > 1:
        raise step.refuse(
            f"it predicts {many} outputs at once.", "Fit and freeze one model for each output."
        )


def _stripped(graph: onnx.ModelProto, output: tuple[str, int], element: Precision) -> Converted:
    """Return `graph` without what does not decide an answer: producer, notes, repeated opsets."""
    opset: dict[str, int] = {}
    for item in graph.opset_import:
        opset[item.domain] = max(item.version, opset.get(item.domain, 0))
    used = {node.domain for node in graph.graph.node}
    opset = {domain: opset[domain] for domain in sorted(opset) if domain in used or not domain}
    read = {read for node in graph.graph.node for read in node.input}
    name, columns = output
    kind = TensorProto.DOUBLE if element == "float64" else TensorProto.FLOAT
    clean = helper.make_model(
        helper.make_graph(
            graph.graph.node,
            "model",
            list(graph.graph.input),
            [helper.make_tensor_value_info(name, kind, [None, columns])],
            [weight for weight in graph.graph.initializer if weight.name in read],
        ),
        opset_imports=[helper.make_opsetid(domain, opset[domain]) for domain in opset],
        ir_version=graph.ir_version,
    )
    onnx.checker.check_model(clean, full_check=True)
    return Converted(
        onnx=clean.SerializeToString(deterministic=True),
        element=element,
        output=name,
        opset={domain or "ai.onnx": version for domain, version in opset.items()},
    )
