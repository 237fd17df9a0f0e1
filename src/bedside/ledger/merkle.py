"""The Merkle tree of RFC 6962: hashing, proofs, and their checks, as arithmetic over bytes.

A tree of n leaves splits at the largest power of two smaller than n. A *subtree* is named by its
level and position: it covers the leaves from `position << level` to `(position + 1) << level`.

Sources: RFC 6962, section 2.1; RFC 9162, sections 2.1.3.2 and 2.1.4.2 (the checks).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

from bedside.errors import UsageError

HASH_BYTES = 32
TILE_LEVELS = 8
"""Every eighth level of the tree is stored; between them 256 hashes make a tile."""

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""

_LEAF = hashlib.sha256(b"\x00")
_NODE = hashlib.sha256(b"\x01")
"""Begun and copied: a copy is twice as fast as a new one, which is looked up by its name."""

SubtreeReader: TypeAlias = Callable[[int, int], bytes]
"""Returns the hash of the complete subtree at (level, position)."""


def leaf_hash(data: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ data)."""
    begun = _LEAF.copy()
    begun.update(data)
    return begun.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 ‖ left ‖ right)."""
    begun = _NODE.copy()
    begun.update(left + right)
    return begun.digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, straight from the definition in RFC 6962, section 2.1."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return node_hash(root(leaves[:split]), root(leaves[split:]))


def subtrees(start: int, stop: int) -> tuple[tuple[int, int], ...]:
    """Return the complete subtrees, as (level, position), that a part of a tree is made of.

    `start` must be where such a part can begin: a multiple of a power of two that is at least
    `stop - start`, as every left edge in the definition is.
    """
    found = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return tuple(found)


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over complete subtrees of falling size, given from left to right."""
    if not hashes:
        return EMPTY_ROOT
    result = hashes[-1]
    for left in reversed(hashes[:-1]):
        result = node_hash(left, result)
    return result


def inclusion_path(index: int, size: int, read: SubtreeReader) -> tuple[bytes, ...]:
    """Return the proof that leaf `index` is in the tree of the first `size` leaves.

    Source: RFC 6962, section 2.1.1 (PATH), from the leaf upwards.

    Raises:
        UsageError: `index` is not in the tree.
    """
    if not 0 <= index < size:
        raise UsageError(f"Entry {index} is not among the first {size}.")
    start, stop, parts = 0, size, []
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            parts.append((middle, stop))
            stop = middle
        else:
            parts.append((start, middle))
            start = middle
    return tuple(_part_hash(part, read) for part in reversed(parts))


def consistency_path(first: int, second: int, read: SubtreeReader) -> tuple[bytes, ...]:
    """Return the proof that the tree of `first` leaves is how the tree of `second` began.

    Source: RFC 6962, section 2.1.2 (PROOF and SUBPROOF).

    Raises:
        UsageError: not 0 < first <= second.
    """
    if not 0 < first <= second:
        raise UsageError(
            f"There is no consistency proof from {first} to {second}.",
            advice="Ask from a size of at least 1 to one that is not smaller.",
        )
    start, stop, parts = 0, second, []
    while first != stop:
        middle = start + _split(stop - start)
        if first <= middle:
            parts.append((middle, stop))
            stop = middle
        else:
            parts.append((start, middle))
            start = middle
    if start > 0:  # the old tree is not itself a subtree that the verifier knows
        parts.append((start, stop))
    return tuple(_part_hash(part, read) for part in reversed(parts))


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes
) -> bool:
    """Return whether `path` proves that the leaf hash stands at `index` in the tree with that root.

    Source: RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size or not _all_hashes((leaf, expected_root, *path)):
        return False
    position, last, result = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            result = node_hash(sibling, result)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and result == expected_root


def verify_consistency(
    first: int, second: int, path: Sequence[bytes], first_root: bytes, second_root: bytes
) -> bool:
    """Return whether `path` proves that the tree of `first` leaves began the one of `second`.

    A proof from an empty tree proves nothing and is refused.

    Source: RFC 9162, section 2.1.4.2.
    """
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    hashes = list(path)
    if first & (first - 1) == 0:  # an exact power of two is a subtree itself
        hashes.insert(0, first_root)
    if not hashes or not _all_hashes((first_root, second_root, *hashes)):
        return False
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


class Frontier:
    """A growing tree that remembers only the roots of its complete subtrees.

    Attributes:
        size: How many leaves it has.
        hashes: The roots of the complete subtrees, from left to right: one for each bit of `size`.
    """

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)

    def push(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf hash; return the inner subtrees that it completed: level, position, hash."""
        completed = []
        level, position, result = 0, self.size, leaf
        while position & 1:
            result = node_hash(self.hashes.pop(), result)
            level, position = level + 1, position >> 1
            completed.append((level, position, result))
        self.hashes.append(result)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        return fold(self.hashes)


def _split(size: int) -> int:
    """Return the largest power of two that is smaller than `size` (at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def _part_hash(part: tuple[int, int], read: SubtreeReader) -> bytes:
    return fold([read(level, position) for level, position in subtrees(*part)])


def _all_hashes(values: Sequence[bytes]) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
