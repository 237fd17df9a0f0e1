"""A fitted scikit-learn model as a source: its steps become declared operations, its end a graph."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_classifier, is_regressor

from bedside.canonical import Json
from bedside.errors import FreezeRefused, UsageError
from bedside.freezing.convert import INPUT, convert
from bedside.freezing.data import AuthorData
from bedside.freezing.frames import NativeTable
from bedside.freezing.libraries import check_libraries
from bedside.freezing.lineage import plain, public_name
from bedside.freezing.native import NativeAnswers, native_answers
from bedside.freezing.rows import RawRow
from bedside.freezing.sklearn.columns import Step
from bedside.freezing.sklearn.preprocessing import Translated, native_names, translate_model
from bedside.freezing.sources.source import FrozenNetwork
from bedside.freezing.spec import NativeClass, Spec
from bedside.freezing.tables import TableData
from bedside.package.outputs import NumberOutput, Output
from bedside.runtime.session import Session


class EstimatorSource:
    """A fitted estimator or Pipeline; a `Source`."""

    def __init__(self, model: BaseEstimator, spec: Spec) -> None:
        """Translate `model`.

        Raises:
            FreezeRefused: not fitted, a step without a declared operation, or another output
                than the spec declares.
            UsageError: the spec has answers that are only for networks.
        """
        _refuse_a_networks_answers(spec)
        self._model = model
        self._translated: Translated = translate_model(model, spec.fields)
        self._step = Step(self._translated.estimator, self._translated.path)
        check_output(self._step, spec.output, spec.native_classes)
        self.libraries: Mapping[str, str] = check_libraries()
        self.notes: tuple[str, ...] = ()

    @property
    def algorithm(self) -> str:
        """The final estimator's public name, such as `sklearn.linear_model.LogisticRegression`."""
        return public_name(type(self._translated.estimator))

    @property
    def parameters(self) -> Mapping[str, Json]:
        """The final estimator's own parameters."""
        return {"estimator": plain(self._translated.estimator.get_params(deep=False))}

    def network(self, data: AuthorData, spec: Spec) -> FrozenNetwork:
        """Return the translated steps, and the final estimator as a graph."""
        converted = convert(self._step, self._translated.width)
        return FrozenNetwork(
            operations=self._translated.operations,
            onnx=converted.onnx,
            opset=converted.opset,
            input=INPUT,
            element=converted.element,
            output=converted.output,
            shape=(self._translated.width,),
        )

    def native(self, data: AuthorData, spec: Spec) -> NativeModel:
        """Return the fitted model, fed with rows laid out as its author lays them out."""
        assert isinstance(data, TableData)  # noqa: S101 - a spec of fields gives a table
        table = NativeTable.like(data.frame, data.declared.fields, native_names(self._model))
        return NativeModel(self._model, table, spec.output, self._step)

    def compare_inside(self, session: Session, spec: Spec) -> None:
        """Compare nothing more: rows reach every part of an estimator."""


def _refuse_a_networks_answers(spec: Spec) -> None:
    if spec.image is not None:
        raise UsageError(
            "The spec declares pictures, and a scikit-learn model reads a table.",
            advice="Declare [[fields]], or freeze the network that reads the pictures.",
        )
    for name in ("network", "preprocessing"):
        if getattr(spec, name):
            raise UsageError(
                f"The spec has `{name}`, which is for networks.",
                advice="Leave it out: the steps of a scikit-learn pipeline are read from itself.",
            )


@dataclass(frozen=True, slots=True)
class NativeModel:
    """A fitted model, the layout of its table, and the meaning of its output; a `Native`."""

    model: BaseEstimator
    table: NativeTable
    output: Output
    step: Step

    @property
    def name(self) -> str:
        """Class name of the final estimator."""
        return self.step.name

    @property
    def way_out(self) -> str:
        """What to do where the conversion is not exact."""
        return (
            f"The conversion of {self.name} with these parameters is not exact: use another "
            "estimator or calibration method."
        )

    def refuse(self, problem: str, advice: str) -> FreezeRefused:
        """Return the refusal of the final estimator, by name."""
        return self.step.refuse(problem, advice)

    def __call__(self, rows: Sequence[RawRow], what: str) -> NativeAnswers:
        """Return the native answers to `rows`.

        Raises:
            FreezeRefused: the model itself fails on rows that the spec allows; `what` says which.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # unknown categories encoded as zeros
            try:
                scores = self._scores(rows)
            except (ValueError, TypeError) as problem:
                raise self.step.refuse(
                    f"the native model itself fails on {what}, which the spec allows: "
                    f"{str(problem).splitlines()[0]}",
                    self._advice(what),
                ) from problem
        return native_answers(scores, self.output)

    def _scores(self, rows: Sequence[RawRow]) -> NDArray[np.float64]:
        table = self.table(rows)
        found = (
            self.model.predict(table)
            if isinstance(self.output, NumberOutput)
            else self.model.predict_proba(table)
        )
        return np.asarray(found, dtype=np.float64).reshape(len(rows), -1)

    def _advice(self, what: str) -> str:
        if "missing" in what:
            return (
                f"{self.step.name} gets missing values; put a SimpleImputer before it, or declare "
                'missing = "refuse".'
            )
        return "Narrow the declared domain, or change the model so that it answers there."


def check_output(step: Step, output: Output, native_classes: tuple[NativeClass, ...]) -> None:
    """Check that the declared output is what the fitted estimator gives, class by class.

    Raises:
        FreezeRefused: another kind of output, another number of classes, another order, or
            classes whose meaning is not stated.
    """
    if isinstance(output, NumberOutput):
        if not is_regressor(step.estimator):
            raise step.refuse(
                "the spec declares a number, and this is no regressor.",
                "Declare the output as binary or multiclass.",
            )
        return
    if not is_classifier(step.estimator):
        raise step.refuse(
            f"the spec declares {output.kind} classes, and this is no classifier.",
            'Declare the output as kind = "number".',
        )
    learnt = _plain_classes(step)
    labels = tuple(one.label for one in output.classes)
    if len(learnt) != len(labels):
        raise step.refuse(
            f"it has {len(learnt)} classes {list(learnt)}, and the spec declares {list(labels)}.",
            "Declare one class for each, in the order of classes_.",
        )
    if not native_classes and learnt != labels:
        raise step.refuse(
            f"its classes_ are {list(learnt)}, and the spec's labels are {list(labels)}.",
            f"State which is which: native_classes = {list(learnt)}, in the order of the labels.",
        )
    if native_classes and learnt != native_classes:
        raise step.refuse(
            f"its classes_ are {list(learnt)}, and the spec states {list(native_classes)}.",
            "List output.classes and native_classes in the order of the estimator's classes_.",
        )


def _plain_classes(step: Step) -> tuple[NativeClass, ...]:
    classes = getattr(step.estimator, "classes_", np.array([]))
    if not isinstance(classes, np.ndarray):
        raise FreezeRefused(
            f"{step.name} predicts several outputs at once.",
            advice="Fit and freeze one model for each output.",
        )
    return tuple(classes.tolist())
