"""ColumnTransformer: each branch gets its columns; the results stand side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import FunctionTransformer

from bedside.freezing.sklearn.columns import (
    Block,
    Columns,
    Operations,
    Step,
    numbers,
    take,
)
from bedside.package.operations import Concatenate

Translator: TypeAlias = Callable[[Step, Columns, Operations], Columns]


def column_transformer(
    fitted: ColumnTransformer,
    step: Step,
    columns: Columns,
    operations: Operations,
    translate: Translator,
) -> Columns:
    """Translate a ColumnTransformer; `translate` is used for the branches.

    Raises:
        FreezeRefused: weights, a branch that hands on untouched categories, or a column that
            the spec does not declare.
    """
    if fitted.transformer_weights:
        raise step.refuse(
            f"it weighs its branches ({fitted.transformer_weights}).",
            "Scale inside the branches, and leave transformer_weights unset.",
        )
    blocks = []
    for name, branch, selected in fitted.transformers_:
        if isinstance(branch, str) and branch == "drop":
            continue
        inner = step.inside(name, branch)
        positions = _positions(selected, fitted, columns, inner)
        if not positions:
            continue
        chosen = take(columns, positions, operations)
        result = chosen if passes_through(branch) else translate(inner, chosen, operations)
        blocks.append(numbers(result, inner, operations))
    return side_by_side(blocks, step, operations)


def passes_through(branch: object) -> bool:
    """Return whether `branch` hands its columns on unchanged.

    ColumnTransformer keeps 'passthrough' as a FunctionTransformer without a function.
    """
    if isinstance(branch, FunctionTransformer):
        return branch.func is None
    return branch is None or (isinstance(branch, str) and branch == "passthrough")


def side_by_side(blocks: Sequence[Block], step: Step, operations: Operations) -> Block:
    """Return the columns of all `blocks` in one."""
    if not blocks:
        raise step.refuse("it hands on no column at all.", "Give it at least one column.")
    if len(blocks) == 1:
        return blocks[0]
    operation = Concatenate(
        inputs=tuple(block.name for block in blocks), output=operations.name("joined")
    )
    return operations.add(operation, sum(block.width for block in blocks))


def _positions(
    selected: object, fitted: ColumnTransformer, columns: Columns, step: Step
) -> list[int]:
    native = _native_positions(selected, fitted, step)
    if isinstance(columns, Block):
        return native
    names = getattr(fitted, "feature_names_in_", None)
    if names is None:
        return native
    declared = [declared.name for declared in columns.fields]
    wanted = [str(names[position]) for position in native]
    if absent := [name for name in wanted if name not in declared]:
        raise step.refuse(
            f"it reads {absent}, which the spec does not declare.",
            "Declare these fields in the spec.",
        )
    return [declared.index(name) for name in wanted]


def _native_positions(selected: object, fitted: ColumnTransformer, step: Step) -> list[int]:
    """Return what `selected` means, as positions in the columns that `fitted` was fitted on."""
    width = int(fitted.n_features_in_)
    names = [str(name) for name in getattr(fitted, "feature_names_in_", ())]
    if isinstance(selected, slice):
        return _slice_positions(selected, names, width)
    items = [selected] if isinstance(selected, str | int) else list(np.asarray(selected).tolist())
    if items and all(isinstance(item, bool) for item in items):
        return [position for position, chosen in enumerate(items) if chosen]
    positions = []
    for item in items:
        if isinstance(item, str) and item not in names:
            raise step.refuse(
                f"it chooses the column {item!r} by a name that earlier steps do not keep.",
                "Choose columns by position, or put one ColumnTransformer first.",
            )
        positions.append(names.index(item) if isinstance(item, str) else int(item) % width)
    return positions


def _slice_positions(selected: slice, names: list[str], width: int) -> list[int]:
    if not isinstance(selected.start, str) and not isinstance(selected.stop, str):
        return list(range(width))[selected]
    start = names.index(selected.start) if selected.start is not None else 0
    stop = names.index(selected.stop) + 1 if selected.stop is not None else width  # a name counts
    return list(range(start, stop))[:: selected.step or 1]
