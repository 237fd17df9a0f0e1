"""Shapes of events: once one event was checked in full, others of its shape are checked by a pattern.

A shape is what an event leaves when the content of its texts and numbers is taken out, but for its
version: the names in their order, and the kind of each value. Its pattern matches a text if, and only if, the text has
that shape, its numbers are spelled canonically and none of its texts needs an escape. With the names
in canonical order, such a text is canonical JSON with exactly the members that were checked. What
does not match is not wrong for that; it is checked in full.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from json.encoder import encode_basestring
from typing import Final, NamedTuple

from bedside.canonical import Json, canonical_bytes

TIME: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"

MOST_SHAPES: Final = 64
"""Shapes remembered: each kind of event has a few for each model."""

MOST_FRACTIONS: Final = 4096
"""Fractions remembered as canonical: a threshold stands in every prediction of its model."""

_TEXT: Final = '"[^"]*+"'
_INTEGER: Final = "(?:0|-?[1-9][0-9]{0,14})"
_FRACTION: Final = r"(-?(?:0|[1-9][0-9]{0,15})\.[0-9]{1,20})"
_NAMED: Final = ("about", "at", "id", "kind")


class Fields(NamedTuple):
    """The members of an event by which it is found.

    Attributes:
        about: What it is about.
        at: When it was recorded.
        id: Its identifier.
        kind: What happened.
    """

    about: str
    at: str
    id: str
    kind: str


class _Shape(NamedTuple):
    fullmatch: Callable[[str], re.Match[str] | None]
    lines: Callable[[str], list[tuple[str, ...]]]
    fields: tuple[int, ...]
    fractions: tuple[int, ...]


class Shapes:
    """The shapes that were met, the last one first."""

    def __init__(self) -> None:
        self._shapes: list[_Shape] = []
        self._fractions: set[str] = set()

    def learn(self, event: dict[str, Json]) -> None:
        """Remember the shape of an event that was checked in full."""
        if len(self._shapes) == MOST_SHAPES:
            self._shapes.pop()
        writer = _Writer()
        pattern = writer.pattern(event, top=True)
        fullmatch = re.compile(pattern).fullmatch
        lines = re.compile(f"^{pattern}$", re.MULTILINE).findall
        fields = tuple([writer.groups[name] for name in _NAMED])
        self._shapes.insert(0, _Shape(fullmatch, lines, fields, tuple(writer.fractions)))

    def fields(self, text: str) -> tuple[str, ...] | None:
        """Return about, at, id and kind of an event of a known shape, or None where it has none.

        Args:
            text: The event, which has neither a control character nor a backslash.
        """
        for number, shape in enumerate(self._shapes):
            found = shape.fullmatch(text)
            if found is None:
                continue
            for group in shape.fractions:
                if found[group] not in self._fractions and not self._is_canonical(found[group]):
                    return None
            if number:
                self._shapes.insert(0, self._shapes.pop(number))
            return found.group(*shape.fields)
        return None

    def fields_of_lines(self, text: str, count: int) -> list[tuple[str, ...]] | None:
        """Return about, at, id and kind, each of all events, where all are of the last shape met.

        Args:
            text: Events as for `fields`, one a line.
            count: How many lines there are.
        """
        if not self._shapes:
            return None
        shape = self._shapes[0]
        # each match begins and ends with a line: as many as there are lines are each of one line
        found = shape.lines(text)
        if len(found) != count:
            return None
        columns = list(zip(*found, strict=True))
        for group in shape.fractions:
            for fraction in set(columns[group - 1]) - self._fractions:
                if not self._is_canonical(fraction):
                    return None
        return [columns[group - 1] for group in shape.fields]

    def _is_canonical(self, fraction: str) -> bool:
        same = canonical_bytes(float(fraction)) == fraction.encode()
        if same and len(self._fractions) < MOST_FRACTIONS:
            self._fractions.add(fraction)
        return same


class _Writer:
    """Writes the pattern of one event, and remembers which group holds what."""

    def __init__(self) -> None:
        self.groups: dict[str, int] = {}
        self.fractions: list[int] = []
        self._last = 0

    def pattern(self, value: Json, *, top: bool = False) -> str:
        match value:
            case str():
                return _TEXT
            case list():
                return r"\[" + ",".join([self.pattern(one) for one in value]) + r"\]"
            case dict():
                names = sorted(value, key=_utf16)
                return "{" + ",".join([self._member(n, value[n], top) for n in names]) + "}"
            case float():
                self._last += 1
                self.fractions.append(self._last)
                return _FRACTION
            case _:
                return _plain(value)

    def _member(self, name: str, value: Json, top: bool) -> str:
        start = re.escape(encode_basestring(name)) + ":"
        if top and name == "v":  # a number; an event of another version has other rules
            return f"{start}{value}"
        if not top or name not in _NAMED:
            return start + self.pattern(value)
        self._last += 1
        self.groups[name] = self._last
        return start + '"(' + (TIME if name == "at" else '[^"]*+') + ')"'


def _plain(value: bool | int | None) -> str:
    if value is None:
        return "null"
    return "(?:true|false)" if isinstance(value, bool) else _INTEGER


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be")
