"""Speaks the catalogue in one language, and finds an author's words in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bedside.package.card.parts import Said
from bedside.package.card.words.both import Both
from bedside.package.card.words.decides import DECIDES
from bedside.package.card.words.frame import FRAME
from bedside.package.card.words.rests import MEASURES, RESTS
from bedside.package.card.words.takes import TAKES
from bedside.package.card.words.volumes import VOLUMES
from bedside.package.fields import Language, Text

CATALOGUE: Final[Mapping[str, Both]] = MappingProxyType(
    {**FRAME, **TAKES, **VOLUMES, **DECIDES, **RESTS}
)
"""Every sentence and name of a card, by its key."""

MOST_LISTED: Final = 12
"""Names listed in a sentence before the rest is only counted."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """One language of the catalogue."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """Return the words for `key`, with `values` at their places."""
        words: str = getattr(CATALOGUE[key], self.language)
        return words.format(**values)

    def author(self, text: Text) -> Said:
        """Return the author's words in this language; in the other, with a remark, without them."""
        if self.language in text:
            return Said(text[self.language], self.language)
        if not text:
            return Said("", self.language)
        other, words = next(iter(text.items()))
        return Said(words, other, self(f"only-in-{other}"))

    def measure(self, name: str) -> str:
        """Return what a well-known figure says, or nothing."""
        known = MEASURES.get(name.strip().casefold())
        return "" if known is None else getattr(known, self.language)

    def listed(self, names: Iterable[object]) -> str:
        """Return names side by side; of many, the first `MOST_LISTED` and how many more."""
        known = [str(name) for name in names]
        shown = known[:MOST_LISTED]
        if len(known) > MOST_LISTED:
            shown.append(self("and-more", count=len(known) - MOST_LISTED))
        return self("between").join(shown)


def number(value: float) -> str:
    """Return a number without a needless `.0`, every digit kept."""
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def figure(value: float) -> str:
    """Return a figure with four significant digits."""
    return f"{value:.4g}"


def share(value: float) -> str:
    """Return a share as a percentage."""
    return f"{value * 100:.4g} %"
