"""From a fitted pipeline to declared operations and the final estimator that is left over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.validation import NotFittedError, check_is_fitted

from bedside.errors import FreezeRefused
from bedside.freezing.sklearn.column_transformer import column_transformer, passes_through
from bedside.freezing.sklearn.columns import (
    Columns,
    FieldColumns,
    Operations,
    Step,
    check_width,
    numbers,
)
from bedside.freezing.sklearn.encoders import one_hot, ordinal
from bedside.freezing.sklearn.estimators import precision
from bedside.freezing.sklearn.imputer import imputer
from bedside.freezing.sklearn.scalers import max_abs, min_max, robust, standard
from bedside.package.fields import InputField
from bedside.package.operations import OneHot, Operation, Ordinal, SelectNumbers

StepTranslator: TypeAlias = Callable[..., Columns]

SUPPORTED_STEPS = (
    "StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, SimpleImputer, OneHotEncoder, "
    "OrdinalEncoder, ColumnTransformer, Pipeline, 'passthrough'"
)
MAX_NESTING = 16
"""Deeper than any pipeline that a person writes; bounds recursion."""


@dataclass(frozen=True, slots=True)
class Translated:
    """A pipeline in two parts.

    Attributes:
        operations: The declared preprocessing; the last one's block goes into the estimator.
        width: Number of columns of that block.
        estimator: The fitted final estimator.
        path: Where the estimator stands in the pipeline, for messages.
    """

    operations: tuple[Operation, ...]
    width: int
    estimator: BaseEstimator
    path: str


def translate_model(model: BaseEstimator, fields: tuple[InputField, ...]) -> Translated:
    """Return the declared operations of `model`'s preprocessing, and its final estimator.

    Raises:
        FreezeRefused: not fitted, a step that has no declared operation (by name), or fields
            that do not fit what the model was fitted on.
    """
    step = Step(model, "")
    _refuse_unfitted(step)
    operations = Operations()
    columns: Columns = _ordered(model, fields, step)
    step, columns = _down_to_the_estimator(step, columns, operations)
    if not isinstance(step.estimator, BaseEstimator):
        raise step.refuse("the pipeline ends without an estimator.", "Freeze a whole pipeline.")
    precision(step)  # a wrapper around a whole pipeline is named before the columns that it gets
    block = numbers(columns, step, operations)
    check_width(block, int(getattr(step.estimator, "n_features_in_", block.width)), step)
    written = tuple(operations.written)
    _refuse_unread(written, fields)
    return Translated(written, block.width, step.estimator, step.path)


def native_names(model: BaseEstimator) -> tuple[str, ...] | None:
    """Return the column names that `model` was fitted on, or None where it was a bare array."""
    names = getattr(_first_that_acts(model), "feature_names_in_", None)
    return None if names is None else tuple(str(name) for name in names)


def _first_that_acts(model: object) -> object:
    """Return the first step that is not a 'passthrough'; a Pipeline itself asks only its first."""
    while isinstance(model, Pipeline):
        acting = [step for _, step in model.steps if not passes_through(step)]
        if not acting:
            return None
        model = acting[0]
    return model


def _down_to_the_estimator(
    step: Step, columns: Columns, operations: Operations
) -> tuple[Step, Columns]:
    for _ in range(MAX_NESTING):
        if not isinstance(step.estimator, Pipeline):
            return step, columns
        *before, (name, last) = step.estimator.steps
        columns = _carry(before, step, columns, operations)
        step = step.inside(name, last)
    raise step.refuse(f"pipelines nested deeper than {MAX_NESTING} levels.", "Flatten them.")


def _carry(
    steps: list[tuple[str, object]], step: Step, columns: Columns, operations: Operations
) -> Columns:
    for name, estimator in steps:
        if not passes_through(estimator):
            columns = _translate_step(step.inside(name, estimator), columns, operations)
    return columns


def _translate_step(step: Step, columns: Columns, operations: Operations) -> Columns:
    fitted = step.estimator
    if isinstance(fitted, Pipeline):
        return _carry(fitted.steps, step, columns, operations)
    if type(fitted) is ColumnTransformer:
        return column_transformer(fitted, step, columns, operations, _translate_step)
    translators: dict[type, StepTranslator] = {
        StandardScaler: standard,
        MinMaxScaler: min_max,
        MaxAbsScaler: max_abs,
        RobustScaler: robust,
        SimpleImputer: imputer,
        OneHotEncoder: one_hot,
        OrdinalEncoder: ordinal,
    }
    translator = translators.get(type(fitted))
    if translator is None:
        raise step.refuse(
            "this preprocessing step has no declared operation.",
            f"Bedside carries out: {SUPPORTED_STEPS}. Calculate what it does before the model "
            "and declare the result as a field, or fit again without it.",
        )
    return translator(fitted, step, columns, operations)


def _ordered(model: BaseEstimator, fields: tuple[InputField, ...], step: Step) -> FieldColumns:
    """Return the declared fields in the order of the native columns."""
    names = native_names(model)
    if names is None:
        return FieldColumns(fields, (None,) * len(fields))
    declared = {field.name: field for field in fields}
    if unknown := [name for name in declared if name not in names]:
        raise step.refuse(
            f"the spec declares {unknown}, which the model was not fitted on "
            f"(it was fitted on {list(names)}).",
            "Correct the names, or take these fields out of the spec.",
        )
    known = tuple(declared[name] for name in names if name in declared)
    absent = [name for name in names if name not in declared]
    if absent and not _chooses_columns(model):
        raise step.refuse(
            f"it was fitted on {absent}, which the spec does not declare.",
            "Declare these fields in the spec.",
        )
    return FieldColumns(known, (None,) * len(known))


def _chooses_columns(model: BaseEstimator) -> bool:
    """Return whether the first step is a ColumnTransformer, which may leave columns unread."""
    return isinstance(_first_that_acts(model), ColumnTransformer)


def _refuse_unread(operations: tuple[Operation, ...], fields: tuple[InputField, ...]) -> None:
    read: set[str] = set()
    for operation in operations:
        if isinstance(operation, SelectNumbers | OneHot | Ordinal):
            read.update(operation.fields)
    if unread := [field.name for field in fields if field.name not in read]:
        raise FreezeRefused(
            f"The spec declares {unread}, which the model never reads.",
            advice="Take these fields out of the spec.",
        )


def _refuse_unfitted(step: Step) -> None:
    if not isinstance(step.estimator, BaseEstimator):
        raise step.refuse(
            "not a scikit-learn estimator.", "Give a fitted estimator or Pipeline of scikit-learn."
        )
    try:
        check_is_fitted(step.estimator)
    except NotFittedError as problem:
        raise step.refuse("it is not fitted.", "Call fit(...) first.") from problem
