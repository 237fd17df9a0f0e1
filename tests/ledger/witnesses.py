"""Ledgers that grow in memory, and what witnesses of them are offered."""

from __future__ import annotations

from dataclasses import dataclass, field

from bedside.keys.signing import SigningKey
from bedside.ledger import merkle
from bedside.ledger.checkpoint import Checkpoint, sign_checkpoint
from bedside.ledger.merkle import leaf_hash, subtrees
from bedside.ledger.witness import Log, Offer

ORIGIN = "bedside/test"


@dataclass
class Growing:
    """A ledger as a list of leaf hashes, under a key."""

    signer: SigningKey = field(default_factory=SigningKey.new)
    leaves: list[bytes] = field(default_factory=list)

    @property
    def log(self) -> Log:
        return Log(ORIGIN, self.signer.public)

    def grow(self, count: int, word: str = "entry") -> Growing:
        first = len(self.leaves)
        self.leaves += [leaf_hash(f"{word} {first + n}".encode()) for n in range(count)]
        return self

    def fork(self, size: int) -> Growing:
        """Return another ledger, under the same key, that has the first `size` entries alone."""
        return Growing(self.signer, self.leaves[:size])

    def checkpoint(self) -> Checkpoint:
        root = merkle.root(self.leaves)
        return sign_checkpoint(ORIGIN, len(self.leaves), root, self.signer)

    def offer(self, old: int = 0) -> Offer:
        path = self.path(old) if 0 < old < len(self.leaves) else ()
        return Offer(self.checkpoint(), old, path)

    def path(self, old: int) -> tuple[bytes, ...]:
        return merkle.consistency_path(old, len(self.leaves), self._read)

    def _read(self, level: int, position: int) -> bytes:
        part = self.leaves[position << level : (position + 1) << level]
        assert len(part) == 1 << level
        assert subtrees(0, len(part)) == ((level, 0),)
        return merkle.root(part)
