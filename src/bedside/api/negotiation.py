"""Which of the forms that we have a client wants, from its `Accept` headers.

Source: RFC 9110, sections 12.4.2 (weights), 12.5.1 (`Accept`) and 12.5.4 (`Accept-Language`);
RFC 4647, section 3.4 (`ja-JP` is served by `ja`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wish:
    """One element of an `Accept` header: what, how much (0 to 1), and at which place it stands."""

    what: str
    weight: float
    place: int


def preferred_type(accept: str, offered: Sequence[str]) -> str:
    """Return the media type of `offered` that is wanted most.

    Of equal weight, the one named first wins; of what one range takes, the first of `offered`. A
    client that wants none of them gets the first: an answer serves it better than a refusal.
    """
    return _preferred(accept, offered, _type_fits)


def preferred_language(accept_language: str, offered: Sequence[str]) -> str:
    """Return the language of `offered` that is wanted most; rules as in `preferred_type`."""
    return _preferred(accept_language, offered, _language_fits)


def _preferred(header: str, offered: Sequence[str], fits: Callable[[str, str], int]) -> str:
    wishes = _wishes(header)
    ranked = [(_rank(one, wishes, fits), place) for place, one in enumerate(offered)]
    (_, _), place = min(ranked)
    return offered[place]


def _rank(
    offered: str, wishes: Sequence[Wish], fits: Callable[[str, str], int]
) -> tuple[float, int]:
    """Return a pair that is smaller the more `offered` is wanted; its closest range decides."""
    fitting = [(-fits(wish.what, offered), -wish.weight, wish.place) for wish in wishes]
    closeness, weight, place = min(fitting, default=(0, 0.0, 0))
    return (weight, place) if closeness and weight else (0.0, 0)


def _wishes(header: str) -> tuple[Wish, ...]:
    found: list[Wish] = []
    for element in header.lower().split(","):
        what, *parameters = (part.strip() for part in element.split(";"))
        weights = [text[2:].strip() for text in parameters if text.startswith("q=")]
        if what and all(_WEIGHT.fullmatch(weight) for weight in weights):
            found.append(Wish(what, float(weights[0]) if weights else 1.0, len(found)))
    return tuple(found)


def _type_fits(wanted: str, offered: str) -> int:
    """Return how closely a media range takes a type: 3 itself, 2 `text/*`, 1 `*/*`, 0 not."""
    if wanted == offered:
        return 3
    if wanted == offered.partition("/")[0] + "/*":
        return 2
    return 1 if wanted in ("*/*", "*") else 0


def _language_fits(wanted: str, offered: str) -> int:
    """Return how closely a range takes a language: 2 itself or a region of it, 1 `*`, 0 not."""
    if wanted == offered or wanted.startswith(offered + "-"):
        return 2
    return 1 if wanted == "*" else 0
