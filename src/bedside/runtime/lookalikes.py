"""Codes that look like a declared one and are not: typed with a space, another case, other letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from bedside.runtime.wording import MAX_CODE_CHARACTERS, MAX_SHOWN, shortened, shown

INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""General categories of what a reader cannot see: controls, formats, surrogates, line ends."""


def folded(code: str) -> str:
    """Return `code` as it looks: without outer spaces, compatibility forms and case (NFKC, Unicode)."""
    return unicodedata.normalize("NFKC", code[:MAX_CODE_CHARACTERS]).strip().casefold()


def readable(code: str) -> bool:
    """Return whether every character of `code` can be seen, and it is short enough to be recorded."""
    return len(code) <= MAX_CODE_CHARACTERS and not any(
        unicodedata.category(character) in INVISIBLE for character in code
    )


def shown_beside(code: str, declared: Iterable[str]) -> str:
    """Return `code` for display; escaped where it would print like one of `declared`."""
    if not code.isascii() and any(_alike(code, known) for known in declared):
        return shortened(ascii(code[: MAX_SHOWN + 1]))
    return shown(code)


def _alike(code: str, known: str) -> bool:
    """Return whether both differ only where `code` has a character beyond ASCII."""
    if len(code) != len(known):
        return folded(code) == folded(known)
    pairs = list(zip(code, known, strict=True))
    same = sum(a == b for a, b in pairs)
    return same > 0 and all(a == b or not a.isascii() for a, b in pairs)
