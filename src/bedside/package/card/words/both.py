"""One entry of the catalogue: the same words in both languages."""

from __future__ import annotations

from typing import NamedTuple


class Both(NamedTuple):
    """English and Japanese; both name the same `{places}`."""

    en: str
    ja: str
