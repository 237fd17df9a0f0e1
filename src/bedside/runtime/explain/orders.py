"""Orders of fields, drawn from a seed in a way that any language can repeat.

Nothing here depends on a library's generator: the words come from SHA-256 over a counter.
`docs/spec/package.md`, section 12.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

PREFIX = b"bedside contributions 1\n"
"""Keeps these words apart from any other use of a seed."""

_WORDS = 2**64


def orders(seed: int, fields: int, permutations: int) -> NDArray[np.intp]:
    """Return `permutations` orders of `fields` positions, each followed by its reverse.

    Args:
        seed: 0 to 2^53 − 1.
        fields: How many positions; 1 or more.
        permutations: An even number.

    Returns:
        permutations × fields; row 2k + 1 is row 2k from its end.

    Source: Fisher and Yates 1938 in Durstenfeld's form (CACM 7, 420); antithetic pairs: Mitchell
    et al. 2022, "Sampling permutations for Shapley value estimation", section 4.1.
    """
    words = _words(seed)
    found = np.empty((permutations, fields), dtype=np.intp)
    for pair in range(0, permutations, 2):
        order = list(range(fields))
        for last in range(fields - 1, 0, -1):
            other = _below(last + 1, words)
            order[last], order[other] = order[other], order[last]
        found[pair] = order
        found[pair + 1] = order[::-1]
    return found


def _words(seed: int) -> Iterator[int]:
    """Yield 64-bit words: four big-endian ones from each SHA-256(prefix, seed, counter)."""
    start = PREFIX + seed.to_bytes(8, "big")
    for counter in range(_WORDS):
        block = hashlib.sha256(start + counter.to_bytes(8, "big")).digest()
        for place in range(0, 32, 8):
            yield int.from_bytes(block[place : place + 8], "big")


def _below(bound: int, words: Iterator[int]) -> int:
    """Return a whole number from 0, below `bound`, each equally likely: by rejection."""
    usable = _WORDS - _WORDS % bound
    word = next(words)
    while word >= usable:
        word = next(words)
    return word % bound
