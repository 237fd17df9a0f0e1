"""What a person is called outside of their site: short, readable, another name at every site.

A pseudonym is made of the id of the person's key, which is random, and not of their identifier. So
nobody can compute it from a guess of the identifier, not even with the site key; and once the key
is destroyed nothing leads from the identifier to the pseudonym any more.
"""

from __future__ import annotations

import hmac
from typing import Final

from bedside.keys.site_key import SiteKey

PREFIX: Final = "P"
GROUPS: Final = 4
GROUP: Final = 4
"""4 × 4 characters of 5 bits each: 80 bits. Among ten million people of one site, two have the same
with a chance of 4 in 10**11 (birthday bound, n² / 2⁸¹)."""

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: without I, L, O and U, which are misread."""

_PURPOSE: Final = b"bedside/v1/pseudonym"


class Pseudonyms:
    """The pseudonyms of one site."""

    __slots__ = ("_key",)

    def __init__(self, site_key: SiteKey) -> None:
        self._key = site_key.derive(_PURPOSE)

    def of(self, key_id: str) -> str:
        """Return the pseudonym of whoever this subject key belongs to, such as P-7K3Q-9FXM-2B4T-D8WZ.

        Source: HMAC-SHA256 (RFC 2104), its first 80 bits.
        """
        bits = int.from_bytes(hmac.digest(self._key, key_id.encode(), "sha256")[:10], "big")
        letters = [ALPHABET[bits >> (75 - 5 * place) & 31] for place in range(GROUPS * GROUP)]
        parts = ["".join(letters[start : start + GROUP]) for start in range(0, 16, GROUP)]
        return "-".join([PREFIX, *parts])
