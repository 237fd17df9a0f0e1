"""The entries of a bundle's configuration, with the references between them followed.

MONAI evaluates what begins with `$` as Python. Here nothing is evaluated: after `$` only a literal
is understood (a number, a text, a list), and whatever else stands there is refused by name, once
it is needed. What is not needed (paths, devices, savers, evaluators) is never looked at.

Source: MONAI 1.6, "Bundle configuration syntax": `@` refers to an entry, `%` is replaced by its
text, `#` or `::` goes into it, `$` is Python, `_target_` names a class, `_disabled_` leaves it out.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from typing import Final

from bedside.canonical import Json
from bedside.errors import FreezeRefused

MOST_STEPS: Final = 20_000
"""Values and references that one look-up may go through, all of them counted together."""

MOST_DEEP: Final = 64
"""Values inside one another, references followed; those of the model zoo go six deep."""

LONGEST_LITERAL: Final = 2_000

_REFERENCE: Final = re.compile(r"[@%](?P<place>[\w-]+(?:(?:#|::)[\w-]+)*)\Z", re.ASCII)


class _Walk:
    """How far one look-up went: all its values together, and how deep it is."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._spent = [0]
        self._deep = 0

    def deeper(self, place: str) -> _Walk:
        """Return the walk one step deeper.

        Raises:
            FreezeRefused: it went too far.
        """
        self._spent[0] += 1
        if self._deep >= MOST_DEEP or self._spent[0] > MOST_STEPS:
            raise self._configuration.refused(
                f"{place[:80]} refers to itself in a circle, or grows without end",
                "Write the value itself in its place.",
            )
        inner = _Walk(self._configuration)
        inner._spent, inner._deep = self._spent, self._deep + 1  # one count for all
        return inner


class Configuration:
    """What one configuration says, looked up by name.

    Args:
        entries: The configuration as it was read.
        name: What the file is called in a refusal.
    """

    def __init__(self, entries: Mapping[str, Json], name: str) -> None:
        self._entries = entries
        self._name = name

    def has(self, name: str) -> bool:
        """Whether there is an entry `name` at the top."""
        return name in self._entries

    def entry(self, name: str) -> Json:
        """Return the entry `name`, itself followed where it is a reference, its inside as it stands.

        Raises:
            FreezeRefused: there is none, or it cannot be followed.
        """
        return self._at(name, name, _Walk(self))

    def followed(self, value: Json, place: str) -> Json:
        """Return what `value` refers to, if it is a reference; its inside as it stands.

        Raises:
            FreezeRefused: names what cannot be followed, or is Python.
        """
        return self._followed(value, place, _Walk(self))

    def plain(self, value: Json, place: str) -> Json:
        """Return `value` with every reference in it followed: numbers, texts, lists and objects.

        Raises:
            FreezeRefused: names what cannot be followed, or is Python.
        """
        return self._plain(value, place, _Walk(self))

    def refused(self, why: str, advice: str) -> FreezeRefused:
        """Return the refusal of this configuration."""
        return FreezeRefused(f"{self._name} cannot be frozen: {why}.", advice=advice)

    def _followed(self, value: Json, place: str, walk: _Walk) -> Json:
        if not isinstance(value, str):
            return value
        if value.startswith("$"):
            return self._literal(value, place)
        if not value.startswith(("@", "%")):
            return value
        found = _REFERENCE.match(value)
        if found is None:
            raise self.refused(
                f"{place} is {value[:80]!r}, a reference that is more than a name or leads into "
                "another file",
                "Write the value itself in its place.",
            )
        return self._at(found["place"], place, walk.deeper(place))

    def _plain(self, value: Json, place: str, walk: _Walk) -> Json:
        value = self._followed(value, place, walk)
        inside = walk.deeper(place)
        if isinstance(value, dict):
            return {
                name: self._plain(one, f"{place}#{name}", inside) for name, one in value.items()
            }
        if isinstance(value, list):
            return [self._plain(one, f"{place}#{i}", inside) for i, one in enumerate(value)]
        return value

    def _at(self, path: str, place: str, walk: _Walk) -> Json:
        """Return what stands at `path`, such as `preprocessing#transforms#0`, itself followed."""
        value: Json = self._entries
        for name in re.split(r"#|::", path):
            if isinstance(value, dict) and name in value:
                value = value[name]
            elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
                value = value[int(name)]
            else:
                raise self.refused(
                    f"{place} refers to {path[:80]!r}, which is not there",
                    "Give the bundle's whole folder; what a command line would add is not known.",
                )
            value = self._followed(value, place, walk.deeper(place))
        return value

    def _literal(self, text: str, place: str) -> Json:
        """Return the value that `text` writes after its `$`, where it is a plain literal."""
        try:
            return _as_json(ast.literal_eval(text[1:LONGEST_LITERAL].strip()))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as problem:
            raise self.refused(
                f"{place} is the Python expression {text[:80]!r}, and nothing in a bundle is run",
                "Write the value itself in its place.",
            ) from problem


def _as_json(value: object) -> Json:
    """Return a literal as JSON.

    Raises:
        ValueError: something that JSON does not have.
    """
    if isinstance(value, tuple | list):
        return [_as_json(one) for one in value]
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {name: _as_json(one) for name, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not finite")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise ValueError(f"a {type(value).__name__}")
