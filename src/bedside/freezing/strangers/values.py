"""What stands for a value while a pickle's program is followed without being run."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

MOST_PARTS: Final = 64
"""Parts of a tuple or a dictionary that are kept; a longer one is only known to be one."""


class Unknown(Enum):
    """A value of which only the kind is known, or nothing."""

    PLAIN = "a number, a text, a list or a set"
    BYTES = "bytes"
    COMPUTED = "whatever a call gives back"
    MARK = "the mark under a group of values"


class Global(NamedTuple):
    """An imported name."""

    module: str
    name: str


@dataclass(slots=True, eq=False)
class Made:
    """What calling `callee` gives back, and the state that it was given afterwards.

    `built` says whether it was given one; None may be it.
    """

    callee: Value
    arguments: Value
    state: Value = None
    built: bool = False


@dataclass(slots=True, eq=False)
class Table:
    """A dictionary, as far as its keys are short texts; `whole` while that is all of it."""

    items: dict[str, Value] = field(default_factory=dict)
    whole: bool = True


@dataclass(slots=True, eq=False, frozen=True)
class Group:
    """A tuple; compared by identity, since its parts may hold each other."""

    parts: tuple[Value, ...]


Value: TypeAlias = "str | int | Unknown | Global | Made | Table | Group | None"
