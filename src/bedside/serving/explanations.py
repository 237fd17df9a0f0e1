"""An explanation as JSON: whole, as every door tells it, and as the ledger keeps it."""

from __future__ import annotations

from typing import Final

from bedside.canonical import Json, canonical_bytes, digest
from bedside.ledger.encoding import to_base64
from bedside.runtime.explained import Explained, FieldsExplained, PictureExplained

MOST_CELLS: Final = 1024
"""Cells of a grid that are told as numbers; a finer one is told by its picture alone."""

MAX_KEPT: Final = 128 * 1024
"""Characters of an explanation that the ledger keeps; of a longer one the largest ones, and its digest."""

MOST_KEPT: Final = 100
"""Contributions that are kept of a longer explanation; their names have 200 characters at most."""


def explanation_told(explained: Explained) -> dict[str, Json]:
    """Return an explanation as JSON; contributions come largest first, whatever their sign."""
    if isinstance(explained, FieldsExplained):
        return _fields(explained)
    value = _picture(explained) | {"media_type": "image/png", "data": to_base64(explained.png)}
    if explained.grid.size <= MOST_CELLS:
        value["grid"] = explained.grid.tolist()
    return value


def explanation_kept(explained: Explained) -> dict[str, Json]:
    """Return what the ledger seals of an explanation that was shown: of a picture, its digest."""
    if isinstance(explained, FieldsExplained):
        told = _fields(explained)
        text = canonical_bytes(told)
        if len(text) <= MAX_KEPT:
            return told
        told["contributions"] = told["contributions"][:MOST_KEPT]
        return told | {"digest": digest(text), "bytes": len(text)}
    png = {"digest": digest(explained.png), "bytes": len(explained.png)}
    return _picture(explained) | {"png": png}


def _fields(explained: FieldsExplained) -> dict[str, Json]:
    ordered = sorted(explained.contributions.items(), key=lambda one: (-abs(one[1]), one[0]))
    return {
        "kind": "fields",
        "of": explained.of,
        "scale": explained.scale,
        "base": explained.base,
        "total": explained.total,
        "passes": explained.passes,
        "contributions": [
            {"field": name, "contribution": value, "error": explained.errors.get(name, 0.0)}
            for name, value in ordered
        ],
    }


def _picture(explained: PictureExplained) -> dict[str, Json]:
    return {
        "kind": "picture",
        "of": explained.of,
        "scale": explained.scale,
        "base": explained.base,
        "passes": explained.passes,
    }
