"""TOML read with bounds: what would cost Python's reader more than it weighs is refused before."""

from __future__ import annotations

import re
import tomllib
from typing import Final

from bedside.canonical import Json
from bedside.errors import LimitExceeded, UsageError

MAX_NAME_PARTS: Final = 8
"""Parts of a dotted name; a spec has at most three. The reader's time grows with their square."""

_PART: Final = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+"""
_LONG_NAME: Final = re.compile(
    rf"""^[ \t]*+\[*+[ \t]*+(?:{_PART}\.[ \t]*+){{{MAX_NAME_PARTS}}}"""
    rf"""|[{{,][ \t]*+(?:{_PART}\.[ \t]*+){{{MAX_NAME_PARTS}}}""",
    re.MULTILINE,
)
"""A name where names stand: at the beginning of a line or in a table on one line."""


def read_toml(data: bytes, name: str) -> dict[str, Json]:
    """Return the tables of a TOML file; `name` is how messages call it.

    Raises:
        UsageError: not UTF-8, or not TOML.
        LimitExceeded: nested too deep, or a dotted name of more than `MAX_NAME_PARTS` parts.
    """
    try:
        text = data.decode("utf-8")
        if _LONG_NAME.search(text):
            raise LimitExceeded(
                f"{name} has a dotted name of more than {MAX_NAME_PARTS} parts.",
                advice="Write it as tables; no answer of a spec lies so deep.",
            )
        return tomllib.loads(text)
    except ValueError as problem:  # not TOML, or not UTF-8
        raise UsageError(f"{name} is not TOML: {str(problem)[:300]}.") from problem
    except RecursionError as problem:
        raise LimitExceeded(
            f"{name} nests its values too deep to be read.",
            advice="Write lists and tables as the page on the spec shows them.",
        ) from problem
