"""The final estimator as an ONNX graph: trees and calibrations written here, lines by skl2onnx."""

from __future__ import annotations

from dataclasses import dataclass

import onnx
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType
from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs
from sklearn.base import BaseEstimator, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from bedside.freezing.boosting import boosting_scores
from bedside.freezing.calibrated import calibrated_scores
from bedside.freezing.forest import forest_scores
from bedside.freezing.graph import Graph, Precision
from bedside.freezing.sklearn.columns import Step
from bedside.freezing.sklearn.estimators import BOOSTING, FORESTS, precision

OPSET = {"": 17, "ai.onnx.ml": 3}
"""Operator sets of what skl2onnx converts; ONNX Runtime has carried them out since 1.12."""

INPUT = "columns"
"""Name of the graph's one input."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A converted estimator.

    Attributes:
        onnx: The serialised graph; equal estimators give equal bytes.
        element: Type of the input matrix; everything after it is double.
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
    answer = "probabilities" if is_classifier(estimator) else "variable"
    columns = len(estimator.classes_) if is_classifier(estimator) else 1
    graph = Graph()
    given = graph.doubled(INPUT, element)
    if isinstance(estimator, FORESTS):
        made = forest_scores(graph, estimator, given)
    elif isinstance(estimator, BOOSTING):
        made = boosting_scores(graph, step, estimator, given)
    elif isinstance(estimator, CalibratedClassifierCV):
        made = calibrated_scores(graph, step, estimator, given)
    else:
        line = select_model_inputs_outputs(_line(estimator, width, step), outputs=[answer])
        return _stripped(line, (answer, columns), element)
    whole = graph.model((INPUT, width, element), made, (answer, columns))
    return _stripped(whole, (answer, columns), element)


def _line(estimator: BaseEstimator, width: int, step: Step) -> onnx.ModelProto:
    convertible = _convertible(estimator)
    zipmap = {id(convertible): {"zipmap": False}} if is_classifier(estimator) else None
    try:
        graph: onnx.ModelProto = to_onnx(
            convertible,
            name="model",
            initial_types=[(INPUT, DoubleTensorType([None, width]))],
            options=zipmap,
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


def _convertible(fitted: BaseEstimator) -> BaseEstimator:
    """Return `fitted`, or the logistic regression with the line of a two-class discriminant.

    Both answer `expit(coef · x + b)`; skl2onnx 1.20 converts two-class discriminant analysis with
    another link, measured up to 0.15 off.
    """
    if not isinstance(fitted, LinearDiscriminantAnalysis) or len(fitted.classes_) > 2:
        return fitted
    twin = LogisticRegression()
    twin.coef_, twin.intercept_ = fitted.coef_, fitted.intercept_
    twin.classes_, twin.n_features_in_ = fitted.classes_, fitted.n_features_in_
    return twin


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
    clean = helper.make_model(
        helper.make_graph(
            graph.graph.node,
            "model",
            list(graph.graph.input),
            [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, columns])],
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
