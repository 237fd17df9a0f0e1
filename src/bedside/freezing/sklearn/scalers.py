"""Scalers, column by column, in the same order of float64 arithmetic as scikit-learn's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from bedside.freezing.sklearn.columns import Block, Columns, Operations, Step, check_width, numbers
from bedside.package.operations import Rescale, Standardise


def standard(scaler: StandardScaler, step: Step, columns: Columns, operations: Operations) -> Block:
    """Translate a StandardScaler: `(x - mean) / scale`."""
    centre = scaler.mean_ if scaler.with_mean else None
    scale = scaler.scale_ if scaler.with_std else None
    return _standardise((centre, scale), scaler.n_features_in_, step, columns, operations)


def robust(scaler: RobustScaler, step: Step, columns: Columns, operations: Operations) -> Block:
    """Translate a RobustScaler: `(x - median) / interquartile range`."""
    parts = (scaler.center_, scaler.scale_)
    return _standardise(parts, scaler.n_features_in_, step, columns, operations)


def max_abs(scaler: MaxAbsScaler, step: Step, columns: Columns, operations: Operations) -> Block:
    """Translate a MaxAbsScaler: `x / largest magnitude`, clipped to -1 and 1 where it says so."""
    width = scaler.n_features_in_
    block = _standardise((None, scaler.scale_), width, step, columns, operations)
    if not getattr(scaler, "clip", False):  # the parameter came with scikit-learn 1.8
        return block
    clipped = Rescale(
        input=block.name,
        factor=(1.0,) * width,
        offset=(0.0,) * width,
        clip=(-1.0, 1.0),
        output=operations.name("clipped"),
    )
    return operations.add(clipped, width)


def min_max(scaler: MinMaxScaler, step: Step, columns: Columns, operations: Operations) -> Block:
    """Translate a MinMaxScaler: `x × scale + minimum`, clipped where it says so."""
    check_width(columns, scaler.n_features_in_, step)
    block = numbers(columns, step, operations)
    low, high = scaler.feature_range
    operation = Rescale(
        input=block.name,
        factor=floats(scaler.scale_),
        offset=floats(scaler.min_),
        clip=(float(low), float(high)) if scaler.clip else None,
        output=operations.name("rescaled"),
    )
    return operations.add(operation, block.width)


def floats(values: Sequence[float] | NDArray[np.float64]) -> tuple[float, ...]:
    """Return `values` as plain Python floats, for the manifest."""
    return tuple(float(value) for value in values)


def _standardise(
    parts: tuple[NDArray[np.float64] | None, NDArray[np.float64] | None],
    width: int,
    step: Step,
    columns: Columns,
    operations: Operations,
) -> Block:
    check_width(columns, width, step)
    block = numbers(columns, step, operations)
    centre, scale = parts
    operation = Standardise(
        input=block.name,
        centre=(0.0,) * width if centre is None else floats(centre),
        scale=(1.0,) * width if scale is None else floats(scale),
        output=operations.name("standardised"),
    )
    return operations.add(operation, width)
