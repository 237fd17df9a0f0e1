"""SimpleImputer: a number in place of NaN, or a code in place of a missing category."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer

from bedside.freezing.sklearn.codes import code
from bedside.freezing.sklearn.columns import (
    Block,
    Columns,
    FieldColumns,
    Operations,
    Step,
    check_width,
    numbers,
)
from bedside.freezing.sklearn.scalers import floats
from bedside.package.fields import CategoryField
from bedside.package.operations import Impute


def imputer(fitted: SimpleImputer, step: Step, columns: Columns, operations: Operations) -> Columns:
    """Translate a SimpleImputer.

    Raises:
        FreezeRefused: a sentinel other than NaN, a column that was always missing, fields of
            both kinds at once, or an indicator for a category.
    """
    check_width(columns, fitted.n_features_in_, step)
    _refuse_sentinel(fitted, step)
    if isinstance(columns, FieldColumns):
        kinds = {type(declared) for declared in columns.fields}
        if CategoryField in kinds:
            if len(kinds) > 1:
                raise step.refuse(
                    "it fills number fields and category fields at once.",
                    "Use two imputers in a ColumnTransformer, one for each kind.",
                )
            return _fill(fitted, step, columns)
    return _impute(fitted, step, numbers(columns, step, operations), operations)


def _refuse_sentinel(fitted: SimpleImputer, step: Step) -> None:
    """Refuse a value that stands for a missing one: a client sends null, and no such value."""
    sentinel = fitted.missing_values
    nan = isinstance(sentinel, float) and math.isnan(sentinel)
    if not (nan or sentinel is None or sentinel is pd.NA):
        raise step.refuse(
            f"it takes {sentinel!r} for a missing value.",
            "Write missing values as NaN in the data (missing_values=np.nan), and fit again.",
        )


def _impute(fitted: SimpleImputer, step: Step, block: Block, operations: Operations) -> Block:
    values = np.asarray(fitted.statistics_, dtype=np.float64)
    if np.isnan(values).any():
        positions = [int(i) for i in np.flatnonzero(np.isnan(values))]
        raise step.refuse(
            f"the columns at positions {positions} were always missing in training.",
            "Take these columns out of the model.",
        )
    seen = fitted.indicator_.features_ if fitted.add_indicator else ()
    indicators = tuple(int(position) for position in seen)
    operation = Impute(
        input=block.name,
        values=floats(values),
        indicators=indicators,
        output=operations.name("imputed"),
    )
    return operations.add(operation, block.width + len(indicators))


def _fill(fitted: SimpleImputer, step: Step, columns: FieldColumns) -> FieldColumns:
    if fitted.add_indicator:
        raise step.refuse(
            "it adds an indicator of missing categories.",
            "Let the encoder see missing values instead: it gives them a column of their own.",
        )
    fill = []
    for declared, value, before in zip(
        columns.fields, fitted.statistics_, columns.fill, strict=True
    ):
        learnt = code(value, step, declared.name)
        if learnt is None:
            raise step.refuse(
                f"it fills {declared.name!r} with {value!r}.",
                "Fill with a code, or let the encoder see the missing values.",
            )
        fill.append(learnt if before is None else before)
    return FieldColumns(columns.fields, tuple(fill))
