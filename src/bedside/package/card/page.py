"""A model card as one HTML page: nothing outside of it is needed, nothing in it can run.

Whatever an author wrote passes through `_text`, the only way from a word into the page. The page
also tells the browser to load and run nothing (a content security policy with the style's hash).

Sources: WHATWG HTML, section 13.1.2 (escaping); W3C CSP 3; WCAG 2.2 (contrast, headings, tables).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from typing import Final

from bedside.package.card.content import card_content
from bedside.package.card.parts import (
    Block,
    Bullets,
    Card,
    Interval,
    Intervals,
    Notice,
    Pairs,
    Paragraph,
    Section,
    Table,
    Words,
)
from bedside.package.card.plain import remark_of, written_out
from bedside.package.card.style import STYLE
from bedside.package.card.words.speaker import figure
from bedside.package.fields import Language
from bedside.package.manifest import Manifest

LINE: Final = 240
"""Length of the line from 0 to 1 on which intervals are drawn, in the picture's own units."""


def card_html(manifest: Manifest, language: Language) -> str:
    """Return the model card of a package as a whole HTML page, for the screen and for paper.

    Args:
        manifest: What the package says of itself; nothing else is used.
        language: The reader's language. Words that the manifest lacks in it are shown in the
            other one, marked as such, and the card says so.
    """
    return "\n".join(_page(card_content(manifest, language))) + "\n"


def policy() -> str:
    """Return the content security policy of the page: its own style, and nothing else."""
    found = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{found}'; base-uri 'none'; form-action 'none'"


def _text(text: str) -> str:
    return escape(written_out(text), quote=True)


def _words(words: Words) -> str:
    if isinstance(words, str):
        return _text(words)
    if not words.remark:
        return _text(words.text)
    remark = f'<span class="remark">{_text(remark_of(words))}</span>'
    return f'<span lang="{words.language}">{_text(words.text)}</span>{remark}'


def _page(card: Card) -> Iterator[str]:
    yield "<!DOCTYPE html>"
    yield f'<html lang="{card.language}">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_text(policy())}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{_text(card.ref)} – {_text(card.kind)}</title>"
    yield f"<style>{STYLE}</style>"
    yield "</head>"
    yield "<body>"
    yield from _header(card)
    yield "<main>"
    for section in card.sections:
        yield from _section(section)
    yield "</main>"
    yield "<footer>"
    yield from (f"<p>{_text(made)}</p>" for made in card.made)
    yield "</footer>"
    yield "</body>"
    yield "</html>"


def _header(card: Card) -> Iterator[str]:
    yield "<header>"
    yield f'<p class="kind">{_text(card.kind)}</p>'
    yield f"<h1>{_words(card.title)}</h1>"
    badge = f'<strong class="badge {card.claim_key}">{_text(card.claim)}</strong>'
    yield f'<p class="ref"><code>{_text(card.ref)}</code> {badge}</p>'
    yield f'<p class="means">{_text(card.claim_means)}</p>'
    yield f'<nav aria-label="{_text(card.contents)}">'
    yield "<ol>"
    for section in card.sections:
        yield f'<li><a href="#{section.key}">{_text(section.heading)}</a></li>'
    yield "</ol>"
    yield "</nav>"
    yield "</header>"


def _section(section: Section) -> Iterator[str]:
    yield f'<section id="{section.key}" aria-labelledby="{section.key}-heading">'
    yield f'<h2 id="{section.key}-heading">{_text(section.heading)}</h2>'
    for block in section.blocks:
        yield from _block(block)
    yield "</section>"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph():
            yield f"<p>{_words(block.text)}</p>"
        case Notice():
            yield f'<p class="notice">{_words(block.text)}</p>'
        case Pairs():
            yield "<dl>"
            for name, words in block.rows:
                yield f"<dt>{_text(name)}</dt><dd>{_words(words)}</dd>"
            yield "</dl>"
        case Bullets():
            kind = "ol" if block.numbered else "ul"
            yield f"<{kind}>"
            yield from (f"<li>{_words(item)}</li>" for item in block.items)
            yield f"</{kind}>"
        case Table():
            yield from _table(block)
        case Intervals():
            yield from _intervals(block)


def _table(table: Table) -> Iterator[str]:
    yield f'<div class="wide" role="region" tabindex="0" aria-label="{_text(table.caption)}">'
    yield "<table>"
    yield f"<caption>{_text(table.caption)}</caption>"
    heads = "".join(f'<th scope="col">{_text(head)}</th>' for head in table.columns)
    yield f"<thead><tr>{heads}</tr></thead>"
    yield "<tbody>"
    for first, *others in table.rows:
        cells = "".join(f"<td>{_words(cell)}</td>" for cell in others)
        yield f'<tr><th scope="row">{_words(first)}</th>{cells}</tr>'
    yield "</tbody>"
    yield "</table>"
    yield "</div>"


def _intervals(drawn: Intervals) -> Iterator[str]:
    yield '<figure aria-hidden="true">'
    yield f"<figcaption>{_text(drawn.caption)}</figcaption>"
    yield '<div class="drawn">'
    for row in drawn.rows:
        yield f"<span>{_text(row.label)}</span>{_line(row)}<span>{figure(row.value)}</span>"
    yield "</div>"
    yield "</figure>"


def _line(row: Interval) -> str:
    start, end, dot = (f"{LINE * place:.1f}" for place in (row.lower, row.upper, row.value))
    ticks = "".join(
        f'<line class="tick" x1="{LINE * tick / 4:.0f}" x2="{LINE * tick / 4:.0f}" y1="3" y2="17"/>'
        for tick in range(5)
    )
    return (
        f'<svg viewBox="-6 0 {LINE + 12} 20" width="{LINE + 12}" height="20">{ticks}'
        f'<line class="axis" x1="0" x2="{LINE}" y1="10" y2="10"/>'
        f'<line class="bar" x1="{start}" x2="{end}" y1="10" y2="10"/>'
        f'<circle cx="{dot}" cy="10" r="5"/></svg>'
    )
