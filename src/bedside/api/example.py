"""A row that a released model takes, to be shown to people who may see no patient's values."""

from __future__ import annotations

import math
from typing import Final

from bedside.canonical import Json
from bedside.errors import NotFound
from bedside.package.fields import InputField, NumberField, TabularInput
from bedside.serving.released import Loaded

EXACT: Final = 2**53
"""Whole numbers up to here are exact in every reader of JSON (RFC 7493, section 2.2)."""


MAX_SHORT: Final = 16 * 1024
"""Characters of a picture that the OpenAPI document still shows; it stands there several times."""


def example_of(loaded: Loaded) -> dict[str, Json]:
    """Return a row for `loaded`: its first golden case, unless that may be a real person's row.

    Raises:
        NotFound: it takes pictures, and those of its golden cases may be real ones.
    """
    if not loaded.manifest.lineage.golden_from_real_rows:
        return loaded.example
    if isinstance(loaded.manifest.input, TabularInput):
        return middle_row(loaded.manifest.input)
    raise NotFound(
        f"The package of {loaded.release.ref} holds no picture that may be shown.",
        advice="Send a picture of your own; what it may be stands in the model's `input`.",
    )


def short_example_of(loaded: Loaded) -> dict[str, Json] | None:
    """Return the same for the OpenAPI document; None where there is none, or it is too long."""
    try:
        example = example_of(loaded)
    except NotFound:
        return None
    return None if loaded.pictures and len(str(example.get("image"))) > MAX_SHORT else example


def middle_row(declared: TabularInput) -> dict[str, Json]:
    """Return a row made from the declared domain alone: mid-range numbers, first categories."""
    return {field.name: _middle(field) for field in declared.fields}


def _middle(field: InputField) -> Json:
    if not isinstance(field, NumberField):
        return field.categories[0]
    middle = field.minimum / 2 + field.maximum / 2  # halves first: the sum could overflow
    if not field.whole:
        return min(max(middle, field.minimum), field.maximum)
    whole = max(math.floor(middle), math.ceil(field.minimum))
    return whole if abs(whole) < EXACT else float(whole)
