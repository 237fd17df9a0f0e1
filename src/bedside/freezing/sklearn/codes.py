"""Category codes as scikit-learn keeps them, and as the manifest writes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bedside.freezing.sklearn.columns import Step
from bedside.package.fields import Category, CategoryField


def code(value: object, step: Step, name: str) -> Category | None:
    """Return one learnt category as text or whole number; None for a missing one.

    Pandas gives whole codes as floats as soon as one is missing, so 1.0 is read as 1.

    Raises:
        FreezeRefused: a truth value, a fraction, or another kind of object.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, bool):
        raise step.refuse(
            f"the field {name!r} holds truth values (True, False).",
            f"Turn {name!r} into codes such as 'yes' and 'no' (or 0 and 1), and fit again.",
        )
    if isinstance(value, str):
        return value
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    raise step.refuse(
        f"the field {name!r} holds the category {value!r}, which is neither text nor a whole "
        "number.",
        "Use text or whole numbers as codes, and fit again.",
    )


def codes(
    learnt: NDArray[np.generic], step: Step, declared: CategoryField
) -> tuple[Category | None, ...]:
    """Return the learnt categories of one field in their order, None for a missing one.

    Raises:
        FreezeRefused: text against whole numbers between the encoder and the spec, or more than
            one kind of missing value among the categories.
    """
    found = tuple(code(value, step, declared.name) for value in learnt)
    if found.count(None) > 1:
        raise step.refuse(
            f"{declared.name!r} was fitted with two kinds of missing value (None and NaN).",
            "Use one of them throughout, and fit again.",
        )
    known = [value for value in found if value is not None]
    wanted = type(declared.categories[0])
    if known and {type(value) for value in known} != {wanted}:
        raise step.refuse(
            f"it learnt the codes {known[:5]} for {declared.name!r}, and the spec declares "
            f"{list(declared.categories[:5])}.",
            "Declare the codes with the type they have in the data (text or whole numbers).",
        )
    return found


def refuse_unlearnt(
    declared: CategoryField, learnt: tuple[Category | None, ...], step: Step
) -> None:
    """Refuse a declaration that lets through what an encoder with handle_unknown="error" fails on.

    Raises:
        FreezeRefused: unknown codes are allowed, or a declared code was never learnt.
    """
    if declared.unknown == "allow":
        raise step.refuse(
            f"the spec allows unknown codes for {declared.name!r}, and the encoder fails on them.",
            f'Set unknown = "refuse" for {declared.name!r}, or fit the encoder so that it takes '
            "unknown codes (handle_unknown='ignore', or 'use_encoded_value').",
        )
    if strangers := [value for value in declared.categories if value not in learnt]:
        raise step.refuse(
            f"the spec declares {strangers} for {declared.name!r}, and the encoder never saw them.",
            "Declare only the codes of the training data.",
        )
