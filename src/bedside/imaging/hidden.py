"""Which files are looked for by nobody: hidden ones, and what macOS puts beside others in a zip."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_BESIDE: Final = "__MACOSX"


def is_hidden(parts: Iterable[str]) -> bool:
    """Return whether a file with these folders and this name is left out of a folder, zip or upload.

    Args:
        parts: The names of its folders, below where the looking began, and its own.
    """
    return any(one == _BESIDE or (one.startswith(".") and one.strip(".")) for one in parts)
