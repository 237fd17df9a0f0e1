"""OneHotEncoder and OrdinalEncoder, unknown and missing codes included."""

from __future__ import annotations

import math

from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from bedside.freezing.sklearn.codes import codes, refuse_unlearnt
from bedside.freezing.sklearn.columns import (
    Block,
    Columns,
    FieldColumns,
    Operations,
    Step,
    categories,
    check_width,
)
from bedside.package.fields import Category, CategoryField
from bedside.package.operations import OneHot, Ordinal


def one_hot(encoder: OneHotEncoder, step: Step, columns: Columns, operations: Operations) -> Block:
    """Translate a OneHotEncoder.

    Raises:
        FreezeRefused: infrequent codes are grouped, or the declared codes do not fit the learnt.
    """
    fields = _fields(encoder, step, columns)
    _refuse_infrequent(encoder, step)
    learnt = _learnt(encoder, fields, step)
    drop = tuple(-1 if i is None else int(i) for i in _drop_positions(encoder, fields.width))
    operation = OneHot(
        fields=tuple(declared.name for declared in fields.fields),
        categories=learnt,
        drop=drop,
        fill=fields.fill,
        output=operations.name("one_hot"),
    )
    width = sum(len(c) for c in learnt) - sum(position >= 0 for position in drop)
    return operations.add(operation, width)


def ordinal(encoder: OrdinalEncoder, step: Step, columns: Columns, operations: Operations) -> Block:
    """Translate an OrdinalEncoder.

    Raises:
        FreezeRefused: infrequent codes are grouped, or the declared codes do not fit the learnt.
    """
    fields = _fields(encoder, step, columns)
    _refuse_infrequent(encoder, step)
    learnt = _learnt(encoder, fields, step)
    stranger = _number(encoder.unknown_value)
    absent = _number(encoder.encoded_missing_value)
    for known in learnt:
        if None in known[:-1]:
            raise step.refuse(
                "a missing value stands before other categories.",
                "List the missing value last in `categories`, and fit again.",
            )
    operation = Ordinal(
        fields=tuple(declared.name for declared in fields.fields),
        categories=tuple(tuple(c for c in known if c is not None) for known in learnt),
        unknown=(stranger,) * fields.width,
        missing=tuple(absent if None in known else stranger for known in learnt),
        fill=fields.fill,
        output=operations.name("ordinal"),
    )
    return operations.add(operation, fields.width)


def _fields(encoder: OneHotEncoder | OrdinalEncoder, step: Step, columns: Columns) -> FieldColumns:
    check_width(columns, encoder.n_features_in_, step)
    return categories(columns, step)


def _learnt(
    encoder: OneHotEncoder | OrdinalEncoder, columns: FieldColumns, step: Step
) -> tuple[tuple[Category | None, ...], ...]:
    learnt = []
    for declared, known in zip(columns.fields, encoder.categories_, strict=True):
        if not isinstance(declared, CategoryField):
            raise step.refuse(f"{declared.name!r} is not a category field.", "Declare it as one.")
        found = codes(known, step, declared)
        if encoder.handle_unknown == "error":
            refuse_unlearnt(declared, found, step)
        learnt.append(found)
    for declared, known, fill in zip(columns.fields, learnt, columns.fill, strict=True):
        _refuse_missing(encoder, declared.missing == "allow", (declared.name, known, fill), step)
    return tuple(learnt)


def _refuse_missing(
    encoder: OneHotEncoder | OrdinalEncoder,
    allowed: bool,
    field: tuple[str, tuple[Category | None, ...], Category | None],
    step: Step,
) -> None:
    name, known, fill = field
    if allowed and encoder.handle_unknown == "error" and None not in known and fill is None:
        raise step.refuse(
            f"the spec lets {name!r} be missing, and the encoder fails on a missing value.",
            f'Set missing = "refuse" for {name!r}, or put a SimpleImputer before the encoder.',
        )


def _refuse_infrequent(encoder: OneHotEncoder | OrdinalEncoder, step: Step) -> None:
    grouped = getattr(encoder, "infrequent_categories_", None) or []
    if any(group is not None for group in grouped):
        raise step.refuse(
            "it groups infrequent categories (min_frequency, max_categories).",
            "Group rare codes in the data before fitting, and leave both parameters unset.",
        )


def _drop_positions(encoder: OneHotEncoder, width: int) -> list[int | None]:
    return [None] * width if encoder.drop_idx_ is None else list(encoder.drop_idx_)


def _number(value: object) -> float | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return float(str(value))
