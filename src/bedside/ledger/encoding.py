"""Base64 with exactly one spelling for each value (RFC 4648, section 4, strict)."""

from __future__ import annotations

import base64


def to_base64(data: bytes) -> str:
    """Return `data` in the standard alphabet, padded."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes:
    """Return the bytes that `text` spells.

    Raises:
        ValueError: any other spelling: foreign characters, missing padding, stray bits at the end.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as problem:  # binascii.Error, or characters beyond ASCII
        raise ValueError(f"not base64: {problem}") from problem
    if to_base64(data) != text:
        raise ValueError("not the one spelling in base64")
    return data
