"""Lines of TOML with a comment beside each; whatever the data holds stays inside its quotes.

Source: TOML 1.0.0, sections Comment and String.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from bedside.freezing.draft.unanswered import MARK

COMMENT_AT: Final = 34
"""Column where comments begin, so that answers and questions stand side by side."""

LONGEST_COMMENT: Final = 300


def text(value: str) -> str:
    """Return a basic string of TOML; Japanese stays readable, control characters are escaped."""
    return _escaped(json.dumps(value, ensure_ascii=False))


def texts(values: Iterable[str | int]) -> str:
    """Return an array of texts, truth values or whole numbers."""
    return f"[{', '.join(value(one) for one in values)}]"


def value(one: str | int) -> str:
    """Return a text, a truth value or a whole number as TOML writes it."""
    if isinstance(one, bool):
        return "true" if one else "false"
    return str(one) if isinstance(one, int) else text(one)


def line(name: str, written: str, comment: str = "") -> str:
    """Return `name = written`, and the comment behind it."""
    answer = f"{name} = {written}"
    return f"{answer:<{COMMENT_AT}} {remark(comment)}" if comment else answer


def open_line(name: str, asked: str) -> str:
    """Return a line that only the author can fill, with its question."""
    return line(name, text(MARK), asked)


def remark(words: str) -> str:
    """Return a comment of one line, control characters written out."""
    safe = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in words
    )
    return f"# {safe if len(safe) <= LONGEST_COMMENT else safe[: LONGEST_COMMENT - 1] + '…'}"


def _escaped(quoted: str) -> str:
    """Escape what JSON leaves and TOML, or a reader's eye, does not take: DEL, C1, direction marks."""
    return "".join(
        letter
        if letter.isprintable() or letter == " "
        else f"\\u{ord(letter):04X}"
        if ord(letter) <= 0xFFFF
        else f"\\U{ord(letter):08X}"
        for letter in quoted
    )
