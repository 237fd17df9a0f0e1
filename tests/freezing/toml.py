"""A spec's answers as TOML."""

from __future__ import annotations

import json

from bedside.canonical import Json


def written(answers: dict[str, Json]) -> str:
    """Return `answers` as TOML: each value on a line of its own, tables inline."""
    return "".join(f"{name} = {_value(value)}\n" for name, value in answers.items())


def _value(value: Json) -> str:
    match value:
        case dict():
            inside = (f"{json.dumps(k)} = {_value(v)}" for k, v in value.items() if v is not None)
            return "{ " + ", ".join(inside) + " }"
        case list() | tuple():
            return "[" + ", ".join(map(_value, value)) + "]"
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False)
    return repr(value)
