"""A lineage's parameters in one line, for people."""

from __future__ import annotations

from collections.abc import Mapping

from bedside.canonical import Json


def parameters_in_words(parameters: Mapping[str, Json]) -> str:
    """Return parameters as `name=value`; those of a part as `part.name=value`."""
    words: list[str] = []
    for name, value in parameters.items():
        inner = value.items() if isinstance(value, dict) else ()
        words += [f"{name}.{part}={one}" for part, one in inner] or [f"{name}={value}"]
    return ", ".join(words)
