"""A manifest whose every text is hostile, and its harmless twin of the same shape."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from pydantic import ValidationError

from bedside.canonical import Json, canonical_bytes
from bedside.package.manifest import Manifest
from tests.package.card.manifests import KINDS

ATTACKS = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>' onmouseover='x",
    "</style></title></section><h2>forged</h2>",
    "&lt;b&gt; &#60;i&#62; &amp;",
    "[click](javascript:alert(1)) ![x](http://example.org/x.png) <http://example.org>",
    "# forged heading",
    "- item\n1. one\n> quote\n===\n---\n    code\n```\nfence\n```\n***",
    "a | b | c\n|---|---|",
    "`code` **bold** _it_ ~~gone~~ $x$ \\ \\* [ref]: http://example.org",
    "\u202eesrever \u0007bell \x1b[31m \u2066x\u2069",
    "{0} {digest} %s ${x} {{",
    "<!-- comment --> <![CDATA[x]]> <?php ?>",
)
TEXT = "\n".join(ATTACKS)


SHORT = tuple(attack for attack in ATTACKS if len(attack) < 190)


def twin_of(text: str) -> str:
    """As many lines as `text` shows, each a harmless word."""
    return "\n".join("word" for line in text.split("\n") if line.strip())


@cache
def hostile_and_harmless(kind: str) -> tuple[Manifest, Manifest, int]:
    """The manifest of `kind` with every text that may be any text replaced: by attacks, and by words.

    A text too short for all attacks gets one of them. Equal texts are replaced together, so that
    what refers to them still finds them. The number says how many were replaced.
    """
    hostile = harmless = KINDS[kind]
    count = 0
    for number, found in enumerate(sorted(set(_texts(hostile.model_dump(mode="json"))))):
        for attack in (TEXT, SHORT[number % len(SHORT)]):
            try:
                hostile = _replaced(hostile, found, f"{attack} {number}")
            except ValidationError:
                continue
            harmless = _replaced(harmless, found, f"{twin_of(attack)} {number}")
            count += 1
            break
    return hostile, harmless, count


def _replaced(manifest: Manifest, old: str, new: str) -> Manifest:
    changed = _mapped(manifest.model_dump(mode="json"), old, new)
    return Manifest.model_validate_json(canonical_bytes(changed))


def _texts(value: Json) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for inner in value:
                yield from _texts(inner)
        case dict():
            for inner in value.values():
                yield from _texts(inner)


def _mapped(value: Json, old: str, new: str) -> Json:
    match value:
        case list():
            return [_mapped(inner, old, new) for inner in value]
        case dict():
            return {name: _mapped(inner, old, new) for name, inner in value.items()}
    return new if value == old and isinstance(value, str) else value
