"""An author's words before they are written: no character that moves, hides or turns others."""

from __future__ import annotations

from bedside.package.card.parts import Said

_JOINERS = "\u200c\u200d"
"""Needed inside words of some scripts and inside emoji; they show nothing by themselves."""


def written_out(text: str) -> str:
    r"""Return `text` with control characters and direction marks written out, such as `\u202e`.

    Line ends stay; a tab, and any other blank, becomes a space.

    Source: Unicode Standard Annex 9, section 2 (directional formatting characters).
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        letter
        if letter.isprintable() or letter == "\n" or letter in _JOINERS
        else " "
        if letter.isspace()
        else letter.encode("unicode_escape").decode("ascii")
        for letter in lines
    )


def remark_of(words: Said) -> str:
    """Return the remark on words in another language, in brackets, or nothing."""
    return f" ({words.remark})" if words.remark else ""
