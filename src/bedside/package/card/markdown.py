"""A model card in Markdown; whatever an author wrote stays text.

Sources: CommonMark 0.31.2, section 2.4 (backslash escapes) and section 6.6 (raw HTML); GitHub
Flavored Markdown, section 4.10 (tables).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bedside.package.card.content import card_content
from bedside.package.card.parts import (
    Block,
    Bullets,
    Card,
    Intervals,
    Notice,
    Pairs,
    Paragraph,
    Table,
    Words,
)
from bedside.package.card.plain import remark_of, written_out
from bedside.package.fields import Language
from bedside.package.manifest import Manifest

BREAK: Final = "<br>"
"""The one piece of HTML in a card: a line end where Markdown has none, in cells and items."""

_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SPECIAL = re.compile(r"[\\`*_\[\]|~$!]")
_AT_THE_START = re.compile(r"^[#+=:-]")
_NUMBERED = re.compile(r"^([0-9]{1,9})([.)])(?=\s|$)")


def card_markdown(manifest: Manifest, language: Language) -> str:
    """Return the model card of a package in Markdown (CommonMark with tables).

    Args:
        manifest: What the package says of itself; nothing else is used.
        language: The reader's language. Words that the manifest lacks in it are shown in the
            other one, and the card says so.
    """
    return "\n".join(_lines(card_content(manifest, language)))


def escaped(text: str) -> str:
    """Return `text` so that Markdown shows exactly it: no link, heading, list, code or HTML."""
    lines = [_escaped_line(line) for line in written_out(text).split("\n")]
    return BREAK.join(line for line in lines if line)


def _escaped_line(line: str) -> str:
    line = "".join(_ENTITIES.get(letter, letter) for letter in line.strip())
    line = _SPECIAL.sub(lambda found: "\\" + found[0], line)
    line = _NUMBERED.sub(r"\1\\\2", line)
    return _AT_THE_START.sub(r"\\\g<0>", line)


def _lines(card: Card) -> Iterator[str]:
    yield f"# {card.kind}: {_words(card.title)}"
    yield ""
    yield f"`{card.ref}` · **{card.claim}**"
    yield ""
    yield f"> {escaped(card.claim_means)}"
    for section in card.sections:
        yield ""
        yield f"## {section.heading}"
        for block in section.blocks:
            yield from _block(block)
    yield ""
    yield "---"
    for made in card.made:
        yield ""
        yield escaped(made)
    yield ""


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph():
            yield from ("", _words(block.text))
        case Notice():
            yield from ("", f"> **{_words(block.text)}**")
        case Pairs():
            yield ""
            yield from (f"- **{name}**: {_words(words)}" for name, words in block.rows)
        case Bullets():
            yield ""
            for place, item in enumerate(block.items, start=1):
                yield f"{f'{place}.' if block.numbered else '-'} {_words(item)}"
        case Table():
            yield from _table(block)
        case Intervals():
            return


def _table(table: Table) -> Iterator[str]:
    yield from ("", f"**{escaped(table.caption)}**", "")
    yield _row(table.columns)
    yield _row(("---",) * len(table.columns), plain=True)
    for row in table.rows:
        yield _row(row)


def _row(cells: tuple[Words, ...], *, plain: bool = False) -> str:
    written = [str(cell) if plain else _words(cell) for cell in cells]
    return f"| {' | '.join(written)} |"


def _words(words: Words) -> str:
    if isinstance(words, str):
        return escaped(words)
    return escaped(words.text) + remark_of(words)
